//! The passes over events: learn, try, append.

use std::collections::HashSet;

use aws_lc_rs::digest::{Context, SHA256};
use futures::TryStreamExt as _;
use oubliette::alias::{Alias, Naming};
use oubliette::catalogue::{AliasIndex, Catalogue};
use oubliette::{Draft, Expect, Position, Query, StreamDrafts};
use serde_json::Value;

use super::source::{Checkpoint, Events, Next};
use super::{Imported, bad_input};
use crate::dir::Dir;
use crate::exit::{Exit, INPUT};
use crate::lines::{BadLine, Line, parse};
use crate::output::Output;

/// So many bad lines are told one by one.
const SHOWN: usize = 20;
/// Namings in one call to the vault.
const NAMINGS: usize = 1000;
/// Bytes of events in one commit, at about which it is ended.
const BATCH_BYTES: u64 = 4 << 20;

pub(crate) struct Passes<'a> {
    dir: &'a Dir,
    catalogue: &'a Catalogue,
    output: &'a Output,
    batch: usize,
    /// What the vault knew before.
    known: Vec<Alias>,
    index: AliasIndex,
    /// Namings that the vault was told already.
    named: HashSet<Naming>,
}

/// Bad lines: the first of them, and how many there are.
#[derive(Default)]
struct Bad {
    lines: Vec<BadLine>,
    total: u64,
}

impl Bad {
    fn add(&mut self, line: BadLine) {
        self.total += 1;
        if self.lines.len() < SHOWN {
            self.lines.push(line);
        }
    }

    fn check(&self, before: Option<u64>) -> Result<(), Exit> {
        if self.total == 0 {
            return Ok(());
        }
        Err(bad_input(&self.lines, self.total, before))
    }
}

impl<'a> Passes<'a> {
    /// Ready to import by a catalogue, with what the vault knows.
    pub(crate) async fn new(
        dir: &'a Dir,
        catalogue: &'a Catalogue,
        output: &'a Output,
        batch: u32,
    ) -> Result<Self, Exit> {
        let known = dir.house.vault().aliases().await?;
        let index = AliasIndex::from_aliases(&known)?;
        let batch = usize::try_from(batch).unwrap_or(usize::MAX);
        Ok(Self { dir, catalogue, output, batch, known, index, named: HashSet::new() })
    }

    /// Learns every alias, tries every line, and only then tells the vault. It gives the
    /// digest of the events, by which an import of them is known again.
    pub(crate) async fn prepare(&mut self, events: &mut Events, before: Option<u64>) -> Result<String, Exit> {
        let (namings, digest) = self.learn(events, before)?;
        self.try_all(events, &namings, before)?;
        let mut pseudonyms = Vec::with_capacity(namings.len());
        for some in namings.chunks(NAMINGS) {
            pseudonyms.extend(self.dir.house.vault().name(some).await?);
        }
        self.index.extend(&namings, &pseudonyms)?;
        self.named.extend(namings);
        Ok(digest)
    }

    /// What people are named in the events, each once.
    fn learn(&self, events: &mut Events, before: Option<u64>) -> Result<(Vec<Naming>, String), Exit> {
        let bar = self.output.bar("learning", events.bytes());
        let (mut seen, mut namings, mut bad) = (HashSet::new(), Vec::new(), Bad::default());
        let mut digest = Context::new(&SHA256);
        events.each(|number, bytes| {
            bar.inc(bytes.len() as u64 + 1);
            digest.update(bytes);
            digest.update(b"\n");
            let found = parse(number, bytes).and_then(|line| {
                self.catalogue
                    .survey(&line.event_type, &line.data)
                    .map_err(|error| BadLine::new(number, error.to_string()))
            });
            match found {
                Err(line) => bad.add(line),
                Ok(found) => {
                    for naming in found.namings() {
                        if !self.named.contains(&naming) && seen.insert(naming.clone()) {
                            namings.push(naming);
                        }
                    }
                }
            }
            Ok(())
        })?;
        bar.finish_and_clear();
        bad.check(before)?;
        let digest = digest.finish();
        Ok((namings, hex::encode(digest.as_ref().get(..16).unwrap_or_default())))
    }

    /// Drafts every event under made-up pseudonyms, so that a line that cannot be
    /// imported is known before the first is.
    fn try_all(&self, events: &mut Events, namings: &[Naming], before: Option<u64>) -> Result<(), Exit> {
        let mut index = AliasIndex::from_aliases(&self.known)?;
        index.rehearse(&self.named.iter().cloned().collect::<Vec<_>>())?;
        index.rehearse(namings)?;
        let bar = self.output.bar("trying", events.bytes());
        let limit = self.dir.house.log().limits().bytes_per_event;
        let mut bad = Bad::default();
        events.each(|number, bytes| {
            bar.inc(bytes.len() as u64 + 1);
            let drafted = parse(number, bytes).and_then(|line| self.draft(line, &index));
            match drafted {
                // Sealing adds to an event; what is this large as text is told now.
                Ok(_) if bytes.len() > limit => {
                    bad.add(BadLine::new(number, format!("the event is larger than {limit} bytes")));
                }
                Ok(_) => {}
                Err(line) => bad.add(line),
            }
            Ok(())
        })?;
        bar.finish_and_clear();
        bad.check(before)
    }

    fn draft(&self, line: Line, index: &AliasIndex) -> Result<Draft, BadLine> {
        let bad = |error: oubliette::Error| BadLine::new(line.number, error.to_string());
        if self.catalogue.is_residue(line.stream.as_str(), index) {
            let fault = "the stream's name holds an alias: it is stored readable, so name it otherwise";
            return Err(BadLine::new(line.number, fault));
        }
        let found = self.catalogue.survey(&line.event_type, &line.data).map_err(bad)?;
        self.catalogue.draft(line.event_type, line.data, &found, index).map_err(bad)
    }

    /// Appends the events in the order of their lines, a batch a commit.
    pub(crate) async fn append(
        &mut self,
        events: &mut Events,
        mut checkpoint: Option<&mut Checkpoint>,
    ) -> Result<Imported, Exit> {
        let bar = self.output.bar("importing", events.bytes());
        let done = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.line);
        let mut imported = Imported::default();
        let mut batch = Batch::default();
        let mut cursor = events.lines()?;
        loop {
            let next = cursor.next()?;
            let is_last = next.is_none();
            if let Some(Next { line, bytes }) = next {
                bar.inc(bytes);
                let line = line.map_err(|line| bad_input(&[line], 1, Some(imported.events)))?;
                if line.number <= done {
                    imported.skipped += 1;
                    continue;
                }
                let (stream, number) = (line.stream.clone(), line.number);
                let draft = self
                    .draft(line, &self.index)
                    .map_err(|line| bad_input(&[line], 1, Some(imported.events)))?;
                batch.add(stream, draft, number, bytes);
            }
            if batch.events > 0 && (is_last || batch.events >= self.batch || batch.bytes >= BATCH_BYTES) {
                let Batch { mut streams, events, line, .. } = std::mem::take(&mut batch);
                if let Some(checkpoint) = &checkpoint {
                    streams.push(checkpoint.drafts(line)?);
                }
                let appended = self.dir.house.append_drafts(streams).await?;
                if let Some(checkpoint) = &mut checkpoint {
                    checkpoint.advance(line);
                }
                imported.events += events as u64;
                imported.last = Some(appended.last);
            }
            if is_last {
                bar.finish_and_clear();
                return Ok(imported);
            }
        }
    }

    /// Looks for aliases in events of this import that were stored before the alias was
    /// known: a stream cannot be read twice.
    pub(super) async fn look_back(&self, before: Position) -> Result<(), Exit> {
        let mut late = Vec::new();
        let mut events = self.dir.house.read(Query::after(before));
        while let Some(event) = events.try_next().await? {
            let open: Value = serde_json::from_slice(event.open_part())
                .map_err(|error| Exit::failed("cannot read back an event", &error))?;
            if holds_residue(&open, self.catalogue, &self.index) {
                late.push(event.position);
            }
        }
        if late.is_empty() {
            return Ok(());
        }
        let shown = late.iter().take(SHOWN).map(|position| format!("position {position}")).collect();
        Err(Exit::new(
            INPUT,
            format!(
                "all events were imported, but {} of them hold an alias that only a later line named",
                late.len()
            ),
        )
        .details(shown)
        .next("import the events from a file instead: a file is read for aliases first"))
    }
}

/// Whether a string of an open part holds a known alias.
fn holds_residue(open: &Value, catalogue: &Catalogue, index: &AliasIndex) -> bool {
    match open {
        Value::String(text) => catalogue.is_residue(text, index),
        Value::Array(values) => values.iter().any(|value| holds_residue(value, catalogue, index)),
        Value::Object(fields) => fields.values().any(|value| holds_residue(value, catalogue, index)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Events to append in one commit, in order.
#[derive(Default)]
struct Batch {
    streams: Vec<StreamDrafts>,
    events: usize,
    bytes: u64,
    line: u64,
}

impl Batch {
    fn add(&mut self, stream: oubliette::StreamId, draft: Draft, line: u64, bytes: u64) {
        match self.streams.last_mut().filter(|last| last.stream == stream) {
            Some(last) => last.drafts.push(draft),
            None => self.streams.push(StreamDrafts { stream, expect: Expect::Any, drafts: vec![draft] }),
        }
        self.events += 1;
        self.bytes += bytes;
        self.line = line;
    }
}
