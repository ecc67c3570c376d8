//! Inserting a plan: few round trips, and statements that are prepared once.
//!
//! A transaction is sent as texts of several statements, rows of each table in one. Only a
//! shape that comes twice in a row gets a text of its own: see [`bulk`](crate::bulk).

use std::collections::HashMap;
use std::sync::Arc;

use oubliette_core::SealedPart;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::plan::{EventRow, Plan};
use crate::bulk::{Chunks, TEXTS, Table, Values, rounded, signed};

// A broken rule ends the whole transaction (OR ROLLBACK), and so SQLite keeps no journal
// for each statement.
const EVENTS: Table = Table {
    insert: "INSERT OR ROLLBACK INTO events \
        (position, stream, version, recorded_at, event_id, type, schema, parts, open, sum) ",
    select: "SELECT *",
    columns: 10,
    after: "",
};
/// A version turns to NULL, which the schema refuses, when a stream was dropped since the
/// floor was read: then positions may be free that were given away before. And in quarantine.
const GUARDED: &str = "SELECT column1, column2, \
    CASE WHEN (SELECT floor FROM log WHERE quarantine IS NULL) = ? THEN column3 END, \
    column4, column5, column6, column7, column8, column9, column10";
const PARTS: Table = Table {
    insert: "INSERT OR ROLLBACK INTO sealed (id, bytes) ",
    select: "SELECT *",
    columns: 2,
    after: "",
};
/// The floor turns to NULL, which the schema refuses too, when one of the parts that were
/// just inserted needs a key that was scrubbed. Nothing is looked at while there is none.
const REFUSE_SCRUBBED: &str = "UPDATE OR ROLLBACK log SET floor = NULL \
    WHERE EXISTS (SELECT 1 FROM scrubbed) AND EXISTS (SELECT 1 FROM owner \
    CROSS JOIN scrubbed ON scrubbed.key = owner.key WHERE owner.sealed >= ?);";

/// Which statements a text has, and for how many rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Shape {
    begin: bool,
    events: usize,
    parts: usize,
    commit: bool,
}

/// Remembers the texts.
#[derive(Default)]
pub(super) struct Inserter {
    texts: HashMap<Shape, Arc<str>>,
    last: Option<Shape>,
}

impl Inserter {
    /// Inserts everything that is planned, and commits. With `floor` it begins the
    /// transaction, which goes on only when that is the log's floor.
    pub(super) async fn insert(
        &mut self,
        connection: &mut SqliteConnection,
        plan: &Plan<'_>,
        floor: Option<u64>,
    ) -> Result<(), sqlx::Error> {
        let mut rest = Rest {
            events: Chunks::of(&plan.events, |row| row.envelope.open.len()),
            parts: Chunks::of(&plan.parts, |(_, part)| part.as_bytes().len()),
        };
        let mut next = Some(self.text_of(&mut rest, floor)?);
        while let Some((text, values)) = next {
            let run = sqlx::query_with(AssertSqlSafe(text), values).execute(&mut *connection);
            // While the driver's thread runs one text, this one makes the next.
            let make = async { (!rest.is_empty()).then(|| self.text_of(&mut rest, None)).transpose() };
            let (done, made) = futures::join!(run, make);
            done?;
            next = made?;
        }
        Ok(())
    }

    /// The next text and its values.
    fn text_of(
        &mut self,
        rest: &mut Rest<'_>,
        floor: Option<u64>,
    ) -> Result<(Arc<str>, SqliteArguments), sqlx::Error> {
        let (events, parts) = (rest.events.take(), rest.parts.take());
        let exact = Shape {
            begin: floor.is_some(),
            events: events.len(),
            parts: parts.len(),
            commit: rest.is_empty(),
        };
        let shape = if self.last == Some(exact) { exact } else { exact.rounded() };
        self.last = Some(exact);
        let mut values = Values::default();
        if let Some(floor) = floor {
            values.add(signed(floor))?;
        }
        add_events(&mut values, events, shape.events)?;
        values.rows(parts, shape.parts, PARTS.columns, |values, (id, part)| {
            values.add(id)?;
            values.add(part.as_bytes())
        })?;
        if let Some((first, _)) = parts.first() {
            values.add(first)?;
        }
        if self.texts.len() >= TEXTS {
            self.texts.clear();
        }
        let text = self.texts.entry(shape).or_insert_with(|| text(shape)).clone();
        Ok((text, values.0))
    }
}

/// What is left to insert.
struct Rest<'a> {
    events: Chunks<'a, EventRow<'a>>,
    parts: Chunks<'a, (i64, &'a SealedPart)>,
}

impl Rest<'_> {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.parts.is_empty()
    }
}

impl Shape {
    fn rounded(self) -> Self {
        Self { events: rounded(self.events), parts: rounded(self.parts), ..self }
    }
}

fn text(shape: Shape) -> Arc<str> {
    let mut text = String::from(if shape.begin { "BEGIN IMMEDIATE;" } else { "" });
    for (table, rows, guarded) in [(EVENTS, shape.events, shape.begin), (PARTS, shape.parts, false)] {
        if rows == 0 {
            continue;
        }
        table.write(&mut text, if guarded { GUARDED } else { table.select }, rows);
    }
    text.push_str(if shape.parts > 0 { REFUSE_SCRUBBED } else { "" });
    text.push_str(if shape.commit { "COMMIT" } else { "" });
    text.into()
}

fn add_events(values: &mut Values, rows: &[EventRow<'_>], of: usize) -> Result<(), sqlx::Error> {
    // Neighbours mostly share their stream and their type.
    let (mut stream, mut kind): (Option<Arc<str>>, Option<Arc<str>>) = (None, None);
    values.rows(rows, of, EVENTS.columns, |values, row| {
        let event = row.envelope;
        values.add(signed(row.position))?;
        values.add(same(&mut stream, row.stream.as_str()))?;
        values.add(signed(row.version))?;
        values.add(row.recorded_at)?;
        values.add(event.id.as_bytes().as_slice())?;
        values.add(same(&mut kind, event.event_type.as_str()))?;
        values.add(i64::from(event.schema))?;
        values.add(signed(event.parts.len() as u64))?;
        values.add_open(&event.open)?;
        values.add(i64::from(row.said().sum()))
    })
}

fn same(last: &mut Option<Arc<str>>, text: &str) -> Arc<str> {
    match last {
        Some(last) if **last == *text => last.clone(),
        _ => last.insert(text.into()).clone(),
    }
}
