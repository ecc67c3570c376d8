//! Ledgers that lie.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::ledger::{Entry, Head};
use oubliette_core::{Error, ErrorKind, Ledger, Result};
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    TakesAnything,
    LooksTooEarly,
    TakesTwice,
    WritesAHalf,
    LosesAllOnRestart,
    RoundsTimes,
    ReadsBackwards,
    MendsDamage,
}

/// Which case catches which lie.
pub(crate) const LIARS: &[(&str, Lie)] = &[
    ("an_entry_that_does_not_follow_is_a_conflict", Lie::TakesAnything),
    ("of_two_entries_one_follows", Lie::LooksTooEarly),
    ("an_entry_stands_once", Lie::TakesTwice),
    ("a_dropped_entry_is_there_or_not", Lie::WritesAHalf),
    ("entries_survive_a_restart", Lie::LosesAllOnRestart),
    ("entries_are_read_as_they_were_appended", Lie::RoundsTimes),
    ("entries_are_read_as_they_were_appended", Lie::ReadsBackwards),
    ("a_damaged_ledger_is_found_out", Lie::MendsDamage),
];

/// A file of entries, one a line, that is in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

/// A place whose ledger lies.
pub(crate) struct Ledgers {
    lie: Lie,
    lines: Lines,
}

impl Ledgers {
    pub(crate) fn new(lie: Lie) -> Self {
        Self { lie, lines: Lines::default() }
    }
}

impl Fixture<dyn Ledger> for Ledgers {
    async fn fresh() -> Self {
        Self::new(Lie::Nothing)
    }

    async fn open(&self) -> Arc<dyn Ledger> {
        let lost = self.lie == Lie::LosesAllOnRestart;
        let lines = if lost { Lines::default() } else { self.lines.clone() };
        Arc::new(LyingLedger { lie: self.lie, lines })
    }

    async fn residue(&self) -> Vec<Blob> {
        let lines = self.lines.clone();
        let bytes = lines.bytes().clone();
        let write = move |bytes: Option<&[u8]>| *lines.bytes() = bytes.unwrap_or_default().to_vec();
        vec![Blob::new("the lines", bytes).written_by(write)]
    }
}

struct LyingLedger {
    lie: Lie,
    lines: Lines,
}

#[async_trait]
impl Ledger for LyingLedger {
    async fn append(&self, entry: &Entry) -> Result<()> {
        let entries = self.lines.entries(Lie::Nothing)?;
        let follows = entry.follows(&entries.last().map_or(Head::EMPTY, Entry::head))?;
        let takes = match self.lie {
            Lie::TakesAnything => !entries.contains(entry),
            Lie::TakesTwice => follows || entries.last() == Some(entry),
            _ => follows,
        };
        if !takes {
            return Err(Error::new(ErrorKind::Conflict, "append", "the entry does not follow"));
        }
        if self.lie == Lie::LooksTooEarly {
            sleep(Duration::from_millis(5)).await;
        }
        let mut line = serde_json::to_vec(entry).unwrap();
        line.push(b'\n');
        let (half, rest) = line.split_at(line.len() / 2);
        match self.lie {
            Lie::WritesAHalf => {
                self.lines.bytes().extend_from_slice(half);
                sleep(Duration::from_millis(1)).await;
                self.lines.bytes().extend_from_slice(rest);
            }
            _ => self.lines.take(&line, self.lie != Lie::Nothing, entry)?,
        }
        Ok(())
    }

    async fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = self.lines.entries(self.lie)?;
        match self.lie {
            Lie::ReadsBackwards => entries.reverse(),
            Lie::RoundsTimes => {
                let rounded = |entry: &Entry| jiff::Timestamp::from_second(entry.at.as_second()).unwrap();
                entries.iter_mut().for_each(|entry| entry.at = rounded(entry));
            }
            _ => {}
        }
        Ok(entries)
    }
}

impl Lines {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap()
    }

    /// Takes a line, also one that no longer follows when nobody looks again.
    fn take(&self, line: &[u8], blindly: bool, entry: &Entry) -> Result<()> {
        let mut bytes = self.bytes();
        let last = decoded(&bytes, Lie::Nothing)?.last().map_or(Head::EMPTY, Entry::head);
        if !blindly && !entry.follows(&last)? {
            return Err(Error::new(ErrorKind::Conflict, "append", "the entry does not follow"));
        }
        bytes.extend_from_slice(line);
        Ok(())
    }

    fn entries(&self, lie: Lie) -> Result<Vec<Entry>> {
        decoded(&self.bytes(), lie)
    }
}

fn decoded(bytes: &[u8], lie: Lie) -> Result<Vec<Entry>> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut entries: Vec<Entry> = Vec::new();
    for line in lines {
        match serde_json::from_slice::<Entry>(line) {
            // What does not read, and what comes behind it, is chained anew.
            Ok(entry) if lie == Lie::MendsDamage => {
                let head = entries.last().map_or(Head::EMPTY, Entry::head);
                entries.push(Entry::following(&head, entry.at, entry.erasure, entry.step)?);
            }
            Err(_) if lie == Lie::MendsDamage => {}
            Ok(entry) => entries.push(entry),
            Err(_) => return Err(Error::new(ErrorKind::Corrupt, "entries", "a line is damaged")),
        }
    }
    Ok(entries)
}

impl fmt::Debug for LyingLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a ledger that lies: {:?}", self.lie)
    }
}
