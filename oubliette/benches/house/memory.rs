//! Memory: a replay takes as much of it for a long log as for a short one.

use std::fs;
use std::process::Command;

use crate::events::house;
use crate::fill::fill_house;
use crate::place::{Lent, Place, Store};
use crate::replay::typed;
use crate::report::Report;

/// What this program is called with to replay a log of so many events, and tell its memory.
pub(crate) const REPLAY: &str = "--replay";

pub(crate) async fn run(store: Store, quick: bool, report: &mut Report) {
    let many = store.many(quick);
    let (few, rounds) = (many / 10, if quick { 1 } else { 3 });
    let (small, large) = (Lent::new(store), Lent::new(store));
    // The houses are closed again: a vault is open once.
    fill_house(&house(&small.place).await, few).await;
    fill_house(&house(&large.place).await, many).await;
    let mut measured = Vec::new();
    for _ in 0..rounds {
        measured.push((in_a_process(&small.place, few), in_a_process(&large.place, many)));
    }
    report.section(
        format!("Memory at most of a process that replays {many} events, opened and typed, beside {few}"),
        "MiB",
    );
    report.row(format!("{many} beside {few}"), &measured);
}

/// MiB that a process of its own held at most.
fn in_a_process(place: &Place, events: u64) -> f64 {
    let mut replay = Command::new(std::env::current_exe().unwrap());
    replay.arg(REPLAY).arg(events.to_string()).arg(&place.folder).args(&place.url);
    let output = replay.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Replays, and prints the MiB that this process held at most, as Linux tells.
pub(crate) async fn replay(mut arguments: impl Iterator<Item = String>) {
    let events = arguments.next().unwrap().parse().unwrap();
    let place = Place { folder: arguments.next().unwrap().into(), url: arguments.next() };
    typed(&house(&place).await, events).await;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: f64 = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    println!("{}", peak / 1024.0);
}
