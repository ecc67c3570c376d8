//! Imports very many events, and says how much memory that took.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::run::{Done, cargo, root};

const CATALOGUE: &str = r#"
name = "orders"

[residue]
policy = "seal"
purpose = "contract"

[purpose.contract]
basis = "contract"
retention = "3 years"
description = "Delivers what was ordered."

[[rule]]
name = "customers"
at = "$.customer"
subject = "$.id"
aliases = ["$.email"]

[[rule.fields]]
paths = ["$.name", "$.email"]
purpose = "contract"
"#;

/// Customers that the orders are of: memory may grow with them, and not with events.
const CUSTOMERS: u64 = 10_000;

pub(crate) fn run(events: u64) -> Done {
    cargo(&["build", "--release", "--package", "oubliette-cli"])?;
    let program = root().join("target/release/oubliette");
    for events in [events / 10, events] {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        write(folder.path(), events).map_err(|error| error.to_string())?;
        let dir = folder.path().join("dir");
        let succeeded = |command: &mut Command| match command.output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        };
        succeeded(Command::new(&program).arg("init").arg("--dir").arg(&dir))?;
        let begun = Instant::now();
        let mut import = Command::new(&program)
            .args(["import", "--json", "--dir"])
            .arg(&dir)
            .arg("--catalogue")
            .arg(folder.path().join("catalogue.toml"))
            .arg(folder.path().join("events.jsonl"))
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut peak = 0;
        let status = loop {
            peak = peak.max(memory(import.id()));
            match import.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => std::thread::sleep(Duration::from_millis(50)),
                Err(error) => return Err(error.to_string()),
            }
        };
        if !status.success() {
            return Err(format!("the import failed: {status}"));
        }
        eprintln!("{events} events: {:.0} s, {} MiB at most", begun.elapsed().as_secs_f64(), peak >> 10);
    }
    Ok(())
}

/// The most memory that a process has held so far, in KiB, as Linux tells.
fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or_default()
}

fn write(folder: &Path, events: u64) -> std::io::Result<()> {
    fs::write(folder.join("catalogue.toml"), CATALOGUE)?;
    let mut file = BufWriter::new(File::create(folder.join("events.jsonl"))?);
    for n in 0..events {
        let customer = n * 7919 % CUSTOMERS;
        writeln!(
            file,
            "{{\"stream\":\"order-{}\",\"type\":\"order.placed\",\"data\":{{\"order\":{n},\"customer\":{{\"id\":{customer},\
             \"name\":\"Customer Number {customer}\",\"email\":\"customer-{customer}@example.org\"}},\"lines\":\"{}\"}}}}",
            n / 10,
            "x".repeat(200),
        )?;
    }
    file.flush()
}
