//! The command `report`.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use oubliette_proof::matrix::{Bounds, Combination, LyingPart, Matrix, Selection};
use oubliette_proof::report::{self, Report};

use crate::args;

/// How wide the table is where it is not a terminal that it is printed to.
const WIDTH: usize = 120;

const ONLY_HINT: &str = "give a law (`law-3`), an adversary (`adversary-a`), a case, a backend (`sqlite`, \
                         `log=sqlite`) or the number of a combination";
const LIAR_HINT: &str = "give a part and its lie, as `log-keeps-plaintext`: docs/the-report.md lists them";

pub(crate) fn run(args: &args::Report) -> ExitCode {
    let combinations = match args.liar.as_deref().map(LyingPart::find) {
        None => Combination::all(),
        Some(Ok(liar)) => Combination::all_and(&liar),
        Some(Err(unknown)) => {
            return refused(&format!("no part lies as `{}`", unknown.pattern), &unknown.near, LIAR_HINT);
        }
    };
    let matrix = Matrix::of(combinations);
    let selection = match Selection::parse(&args.only, &matrix) {
        Ok(selection) => selection,
        Err(unknown) => return refused(&unknown.to_string(), &unknown.near, ONLY_HINT),
    };
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let mut bounds = Bounds::default();
    if let Some(jobs) = args.jobs {
        bounds.jobs = jobs.get();
    }
    let report = observed(&matrix, &selection, seed, bounds);
    match told(&report, args) {
        Ok(()) => ExitCode::from(code(&report)),
        Err(error) => {
            complain(&error);
            ExitCode::from(4)
        }
    }
}

/// Runs the matrix with a bar that draws nothing where nobody looks.
fn observed(matrix: &Matrix, selection: &Selection, seed: u64, bounds: Bounds) -> Report {
    let bar = ProgressBar::new(selection.cells() as u64);
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} cells {wide_bar} {elapsed} {msg}") {
        bar.set_style(style);
    }
    let mut failures = 0;
    let report = matrix.run(selection, seed, bounds, |cell| {
        if cell.verdict.kind().is_failure() {
            failures += 1;
            bar.set_message(format!("{failures} failed"));
        }
        bar.inc(1);
    });
    bar.finish_and_clear();
    report
}

/// Writes the report's files, and prints the rest.
fn told(report: &Report, args: &args::Report) -> Result<(), String> {
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    write(&args.json, &json)?;
    write(&args.html, &report::page(report))?;
    let width = report::width().unwrap_or(WIDTH);
    let failures = report::failures(report);
    let text = [report::table(report, width), failures, report::summary(report)];
    let text = text.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("\n\n");
    let files = format!("written to {} and {}", args.json.display(), args.html.display());
    match writeln!(io::stdout().lock(), "{text}\n{files}") {
        // Whoever read it has gone, as `head` does.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot print: {error}")),
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(path, text)).map_err(|error| format!("{}: {error}", path.display()))
}

fn code(report: &Report) -> u8 {
    match (report.failures(), report.proven) {
        (0, true) => 0,
        (0, false) => 3,
        _ => 1,
    }
}

/// Says what is not known, and what was perhaps meant.
fn refused(text: &str, near: &[String], hint: &str) -> ExitCode {
    complain(text);
    let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    let next = if near.is_empty() { hint.to_owned() } else { format!("did you mean {}?", near.join(", ")) };
    _ = writeln!(io::stderr().lock(), "next: {next}");
    ExitCode::from(2)
}

/// Says what is wrong, and what to do.
fn complain(text: &str) {
    // There is nobody to tell when standard error is gone.
    _ = writeln!(io::stderr().lock(), "error: {text}");
}
