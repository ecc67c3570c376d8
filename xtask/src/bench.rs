//! Runs the benchmarks, and writes their tables into docs/benchmarks.md.

use std::fs;
use std::process::Stdio;

use crate::run::{Done, cargo_command, root};

/// What the page has a place for: what one run of the benchmarks is asked for.
const PLACES: [&str; 3] = ["seal", "sqlite", "postgres"];

/// Runs what is named, or everything.
pub(crate) fn run(names: &[String]) -> Done {
    if let Some(unknown) = names.iter().find(|name| !PLACES.contains(&name.as_str())) {
        return Err(format!("there are no benchmarks {unknown:?}, but {}", PLACES.join(", ")));
    }
    for place in PLACES {
        if names.is_empty() || names.iter().any(|name| name == place) {
            write(place, &measure(place)?)?;
        }
    }
    Ok(())
}

/// The tables of one run.
fn measure(what: &str) -> Result<String, String> {
    let output = cargo_command()
        .args(["bench", "--package", "oubliette", "--all-features", "--bench", "house", "--", what])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("the benchmarks failed: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

/// Puts tables in the place of those that are there.
fn write(what: &str, tables: &str) -> Done {
    let (begin, end) =
        (format!("<!-- {what}: written by `cargo xtask bench` -->"), format!("<!-- end of {what} -->"));
    let path = root().join("docs/benchmarks.md");
    let page = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lacks = || format!("docs/benchmarks.md has no place for {what}");
    let (before, rest) = page.split_once(&begin).ok_or_else(lacks)?;
    let (_, after) = rest.split_once(&end).ok_or_else(lacks)?;
    let page = format!("{before}{begin}\n{}\n\n{end}{after}", tables.trim());
    fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))
}
