//! The long proof: what takes longer than tests may.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::install;
use crate::run::{Done, cargo, cargo_with, root};

/// Tests of `proof` read it for how long they may take.
const FULL: (&str, &str) = ("OUBLIETTE_PROVE", "full");

/// Tests of `backend-s3` read it for which server they start: not the quirks of one are what holds.
const SECOND: (&str, &str) = ("OUBLIETTE_S3", "localstack");

/// Where the program writes the report, under the folder of the workspace.
const REPORT: &str = "target/proof/report.json";

pub(crate) fn run() -> Done {
    install::servers()?;
    // What an earlier run wrote is not taken for what this one comes to.
    _ = fs::remove_file(root().join(REPORT));
    let report = || cargo(&["run", "--release", "--package", "oubliette-proof", "--", "report"]);
    let tests = || {
        let arguments =
            ["test", "--release", "--package", "oubliette-proof", "--no-fail-fast", "--", "--nocapture"];
        cargo_with(&arguments, &[FULL])
    };
    let second = || {
        let arguments = ["test", "--release", "--package", "oubliette-backend-s3", "--no-fail-fast"];
        cargo_with(&arguments, &[SECOND])
    };
    let steps: [(&str, &dyn Fn() -> Done); 3] = [
        ("the matrix, every cell", &report),
        ("crashes, faults and models, at full length", &tests),
        ("S3, on a second server", &second),
    ];
    let done = steps.map(|(name, step)| {
        let begun = Instant::now();
        (name, step(), begun.elapsed())
    });
    for (name, outcome, took) in &done {
        let outcome = if outcome.is_ok() { "proven" } else { "FAILED" };
        eprintln!("-- {outcome}: {name}, {} s", took.as_secs());
    }
    eprintln!("-- {}", figures()?);
    done.into_iter().try_for_each(|(_, outcome, _): (_, _, Duration)| outcome)
}

/// What the report says, in a line.
fn figures() -> Result<String, String> {
    let json = fs::read(root().join(REPORT)).map_err(|error| format!("{REPORT}: {error}"))?;
    let report: Value = serde_json::from_slice(&json).map_err(|error| format!("{REPORT}: {error}"))?;
    let many = |list: &str| report.get(list).and_then(Value::as_array).map_or(0, Vec::len);
    let total =
        |of: &str| report.pointer(&format!("/total/{of}")).and_then(Value::as_u64).unwrap_or_default();
    let counts = report.get("counts").and_then(Value::as_object).into_iter().flatten();
    let counts: Vec<_> =
        counts.map(|(verdict, count)| format!("{count} {}", verdict.replace('_', " "))).collect();
    Ok(format!(
        "{} cases on {} combinations: {} cells, {}; {} bytes searched for {} needles, {} tries with live keys",
        many("cases"),
        many("combinations"),
        many("cells"),
        counts.join(", "),
        total("bytes"),
        total("needles"),
        total("trials"),
    ))
}
