//! Runs the benchmarks, and writes their tables into docs/benchmarks.md.

use std::fs;

use crate::run::{Done, cargo_command, root};

const BEGIN: &str = "<!-- results: written by `cargo xtask bench` -->";
const END: &str = "<!-- end of results -->";

pub(crate) fn run() -> Done {
    let output = cargo_command()
        .args(["bench", "--package", "oubliette", "--all-features", "--bench", "house"])
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("the benchmarks failed: {}", output.status));
    }
    let tables = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    let path = root().join("docs/benchmarks.md");
    let page = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (before, rest) = page.split_once(BEGIN).ok_or("docs/benchmarks.md has no place for results")?;
    let (_, after) = rest.split_once(END).ok_or("docs/benchmarks.md has no end of results")?;
    let page = format!("{before}{BEGIN}\n{}\n\n{END}{after}", tables.trim());
    fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))
}
