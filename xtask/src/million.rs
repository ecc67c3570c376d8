//! Imports, projects, backs up and restores very many events, and says how long that took and
//! how much memory.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
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

/// 100,000 documents of a million events: one for each stream.
const PROJECTIONS: &str = r#"
[[projection]]
name = "orders"
version = 1

[[projection.on]]
key = "@stream"
set = { name = "$.customer.name", email = "$.customer.email", last = "@recorded_at" }
count = { orders = 1 }

[[projection.lookup]]
name = "email"
at = "/email"
compare = "identifier"
"#;

pub(crate) fn run(events: u64) -> Done {
    cargo(&["build", "--release", "--package", "oubliette-cli"])?;
    for events in [events / 10, events] {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        write(folder.path(), events).map_err(|error| error.to_string())?;
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (dir, backups) = (path("dir"), path("backups"));
        let (catalogue, projections, lines) =
            (path("catalogue.toml"), path("projections.toml"), path("events.jsonl"));
        timed(events, &["init", "--dir", &dir])?;
        timed(events, &["import", "--json", "--dir", &dir, "--catalogue", &catalogue, &lines])?;
        timed(events, &["projection", "declare", "--dir", &dir, &projections])?;
        timed(events, &["projection", "run", "--dir", &dir])?;
        timed(events, &["projection", "rebuild", "--dir", &dir, "orders"])?;
        timed(events, &["query", "--dir", &dir, "orders", "--find", "email=customer-42@example.org"])?;
        timed(events, &["backup", "create", "--dir", &dir, "--to", &backups])?;
        timed(events, &["backup", "verify", "--dir", &dir, "--from", &backups])?;
        timed(
            events,
            &["backup", "restore", "--dir", &dir, "--from", &backups, "--into", &path("restored")],
        )?;
    }
    Ok(())
}

/// Runs the program, and says how long it took and how much memory it held at most.
fn timed(events: u64, arguments: &[&str]) -> Done {
    let what =
        arguments.iter().take_while(|word| !word.starts_with("--")).copied().collect::<Vec<_>>().join(" ");
    let begun = Instant::now();
    let mut program = Command::new(root().join("target/release/oubliette"))
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut peak = 0;
    let status = loop {
        peak = peak.max(memory(program.id()));
        match program.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error.to_string()),
        }
    };
    if !status.success() {
        return Err(format!("{what} failed: {status}"));
    }
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!(
        "{events} events, {what}: {seconds:.1} s, {:.0} events/s, {} MiB at most",
        events as f64 / seconds,
        peak >> 10
    );
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
    fs::write(folder.join("projections.toml"), PROJECTIONS)?;
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
