//! A report in a terminal.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell as Field, CellAlignment, Color, Table};

use indicatif::HumanCount;

use super::form::{Column, Report};
use super::rule::Rule;
use crate::matrix::{Kind, PARTS};

/// What a combination takes of the width: a space and two digits.
const COLUMN: usize = 3;

/// The matrix, in as many tables as it takes to be no wider than this, and what the numbers
/// of the combinations mean.
#[must_use]
pub fn table(report: &Report, width: usize) -> String {
    let longest = |of: fn(&Rule) -> usize| report.rules.iter().map(of).max().unwrap_or_default();
    let names = longest(|rule| rule.name.len()) + longest(|rule| rule.title.len()) + 4;
    let fit = (width.saturating_sub(names) / COLUMN).max(1);
    let mut text: Vec<_> = report.combinations.chunks(fit).map(|columns| matrix(report, columns)).collect();
    text.push(legend(report));
    text.push(Kind::ALL.map(|kind| format!("{} {kind}", kind.sign())).join("   "));
    text.join("\n\n")
}

fn matrix(report: &Report, columns: &[Column]) -> String {
    let mut table = plain();
    let numbers = columns.iter().map(|column| right(Field::new(column.number)));
    table.set_header([Field::new(""), Field::new("")].into_iter().chain(numbers));
    for rule in &report.rules {
        let signs = columns.iter().map(|column| sign(report.verdict(rule, column)));
        table.add_row([Field::new(&rule.name), Field::new(&rule.title)].into_iter().chain(signs));
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_padding((1, 0));
    }
    table.trim_fmt()
}

fn sign(kind: Kind) -> Field {
    let color = match kind {
        Kind::Holds => Color::Green,
        Kind::NotClaimed => Color::Blue,
        Kind::NotRun => Color::DarkGrey,
        Kind::Void | Kind::Broken => Color::Red,
    };
    right(Field::new(kind.sign()).fg(color))
}

/// What the numbers mean.
fn legend(report: &Report) -> String {
    let mut table = plain();
    table.set_header([right(Field::new("nr"))].into_iter().chain(PARTS.map(Field::new)));
    for column in &report.combinations {
        table.add_row([right(Field::new(column.number))].into_iter().chain(column.names().map(Field::new)));
    }
    table.trim_fmt()
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

fn right(field: Field) -> Field {
    field.set_alignment(CellAlignment::Right)
}

/// What is void or broken: the case, why, on which combinations, and how to run it again.
#[must_use]
pub fn failures(report: &Report) -> String {
    let liar = report.liar.as_ref().map(|liar| format!(" --liar {liar}")).unwrap_or_default();
    let failed = report.failed().into_iter().map(|failure| {
        let numbers: Vec<_> = failure.combinations.iter().map(usize::to_string).collect();
        format!(
            "{}: {} on {}\n  {}\n  again: report --only {} --only {} --seed {}{liar}",
            failure.kind,
            failure.case,
            numbers.join(", "),
            failure.message.replace('\n', "\n  "),
            failure.case,
            numbers.first().map_or("", String::as_str),
            report.seed,
        )
    });
    failed.collect::<Vec<_>>().join("\n\n")
}

/// What it came to, in a few lines.
#[must_use]
pub fn summary(report: &Report) -> String {
    let counts = Kind::ALL.map(|kind| format!("{} {kind}", report.count(kind))).join(", ");
    let total = &report.total;
    let mut lines = vec![
        format!(
            "{} cases on {} combinations: {} cells: {counts}",
            report.cases.len(),
            report.combinations.len(),
            report.cells.len()
        ),
        format!(
            "{} bytes in {} places searched for {} needles; {} tries with live keys; \
             {} planted and found before, {} of others found after",
            HumanCount(total.bytes),
            HumanCount(total.places),
            HumanCount(total.needles),
            HumanCount(total.trials),
            HumanCount(total.found_before),
            HumanCount(total.found_of_others),
        ),
        format!("seed {}, {:.1} s", report.seed, report.seconds),
    ];
    if let Some(liar) = &report.liar {
        lines.push(format!("{liar} was put in to lie"));
    }
    if !report.unshown().is_empty() {
        let names: Vec<_> = report.unshown().iter().map(|rule| rule.name.as_str()).collect();
        lines.push(format!("no case shows {}", names.join(", ")));
    }
    lines.join("\n")
}

/// How wide the terminal is, where there is one.
#[must_use]
pub fn width() -> Option<usize> {
    plain().width().map(usize::from)
}
