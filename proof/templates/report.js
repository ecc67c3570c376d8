"use strict";
const filter = document.getElementById("filter");
const hiding = document.head.appendChild(document.createElement("style"));
const rows = [...document.querySelectorAll(".matrix tbody tr")];
const heads = [...document.querySelectorAll(".matrix thead tr:first-child th[scope=col]")];
const parts = [...document.querySelectorAll(".matrix .part")];
const named = (part, column) => part.children[column + 1].textContent;

// Which columns and rows are shown: by backend, by what a law says and its cases are called,
// and by verdict among what is left.
function show() {
  const wanted = new FormData(filter), text = wanted.get("text").trim().toLowerCase();
  const verdict = wanted.get("verdict");
  let columns = heads.map((_, column) => column).filter(column => parts.every(part => {
    const name = wanted.get(part.children[0].textContent);
    return !name || name === named(part, column);
  }));
  let shown = rows.filter(row => {
    const rule = document.getElementById(row.dataset.rule);
    const names = [...rule.querySelectorAll("h3")].map(name => name.textContent);
    return [row.children[0].textContent, ...names].some(name => name.toLowerCase().includes(text));
  });
  if (verdict) {
    const is = (row, column) => row.children[column + 1].classList.contains(verdict);
    shown = shown.filter(row => columns.some(column => is(row, column)));
    columns = columns.filter(column => shown.some(row => is(row, column)));
  }
  for (const row of rows) {
    row.hidden = !shown.includes(row);
    document.getElementById(row.dataset.rule).hidden = row.hidden;
  }
  const hidden = heads.map((_, column) => column).filter(column => !columns.includes(column));
  hiding.textContent = hidden.length ? hidden.map(column => ".c" + (column + 1)).join() + "{display:none}" : "";
  filter.querySelector("output").textContent = `${shown.length} rows, ${columns.length} combinations`;
}
filter.hidden = false;
filter.addEventListener("input", show);
filter.addEventListener("submit", event => event.preventDefault());
filter.addEventListener("reset", () => setTimeout(show));
show();

function element(name, text = "") {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

// The evidence of one cell, in a dialog.
const dialog = document.querySelector("dialog");
document.querySelector(".matrix").addEventListener("click", event => {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  const rule = document.getElementById(link.hash.slice(1)), number = link.dataset.column;
  const row = link.closest("tr").children[0].textContent;
  const names = parts.map(part => part.children[0].textContent + " " + named(part, number - 1));
  dialog.querySelector("h2").textContent = `${row}: ${link.getAttribute("aria-label")}`;
  dialog.querySelector("p").textContent = `Combination ${number}: ${names.join(", ")}`;
  const cases = [...rule.querySelectorAll(".evidence")].flatMap(table => {
    const evidence = table.querySelector("tbody .c" + number), list = element("dl");
    [...table.tHead.rows[0].cells].forEach((name, at) => {
      const text = evidence.cells[at].textContent.trim();
      if (at === 0 || !text) return;
      const pair = list.appendChild(element("div"));
      pair.className = name.textContent;
      pair.append(element("dt", name.textContent), element("dd", text));
    });
    return [element("h3", table.dataset.case), list];
  });
  dialog.querySelector("section").replaceChildren(...(cases.length ? cases : [element("p", "No case shows it.")]));
  dialog.showModal();
});
