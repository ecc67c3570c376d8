//! Inserting a plan: few round trips, and statements that are prepared once.
//!
//! The driver runs each statement on a thread of its own, so a round trip costs more
//! than a row. A transaction is therefore sent as texts of several statements, with up
//! to [`ROWS`] rows for each table. Their row counts are rounded up to powers of two, so
//! that few different texts exist and the prepared ones are found again; what is left
//! over is bound as NULL and skipped. Only a shape that comes twice in a row gets a text
//! of its own.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use oubliette_core::SealedPart;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe, Encode, Sqlite, Type};

use super::plan::{EventRow, Plan};

/// The most rows that one statement inserts: few, so that the next text is made while the
/// driver's thread runs this one.
const ROWS: usize = 64;
/// The most bytes that are copied for one round trip, as long as it has a row.
const BYTES: usize = 4 << 20;

/// How many texts are remembered, here and in the connection.
pub(crate) const TEXTS: usize = 100;

/// What goes before the rows of each table, and what the rows are. A broken rule ends the
/// whole transaction (OR ROLLBACK), and so SQLite keeps no journal for each statement.
struct Table {
    insert: &'static str,
    select: &'static str,
    row: &'static str,
}

const EVENTS: Table = Table {
    insert: "INSERT OR ROLLBACK INTO events \
        (recorded_at, position, stream, version, event_id, type, schema, parts, open) ",
    select: "SELECT ?, *",
    row: "(?,?,?,?,?,?,?,?)",
};
/// A version turns to NULL, which the schema refuses, when a stream was dropped since the
/// floor was read: then positions may be free that were given away before.
const GUARDED: &str = "SELECT ?, column1, column2, CASE WHEN (SELECT floor FROM log) = ? THEN column3 END, \
    column4, column5, column6, column7, column8";
const PARTS: Table =
    Table { insert: "INSERT OR ROLLBACK INTO sealed (id, bytes) ", select: "SELECT *", row: "(?,?)" };
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
            recorded_at: plan.recorded_at,
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
        if !events.is_empty() {
            values.add(rest.recorded_at)?;
        }
        if let Some(floor) = floor {
            values.add(signed(floor))?;
        }
        values.events(events, shape.events)?;
        values.rows(parts, shape.parts, 2, |values, (id, part)| {
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
    recorded_at: i64,
}

impl Rest<'_> {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.parts.is_empty()
    }
}

impl Shape {
    fn rounded(self) -> Self {
        let up = |rows: usize| if rows == 0 { 0 } else { rows.next_power_of_two() };
        Self { events: up(self.events), parts: up(self.parts), ..self }
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn text(shape: Shape) -> Arc<str> {
    let mut text = String::from(if shape.begin { "BEGIN IMMEDIATE;" } else { "" });
    for (table, rows, guarded) in [(EVENTS, shape.events, shape.begin), (PARTS, shape.parts, false)] {
        if rows == 0 {
            continue;
        }
        let select = if guarded { GUARDED } else { table.select };
        let values = std::iter::repeat_n(table.row, rows).collect::<Vec<_>>().join(",");
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{select} FROM (VALUES {values}) WHERE column1 IS NOT NULL;", table.insert);
    }
    text.push_str(if shape.parts > 0 { REFUSE_SCRUBBED } else { "" });
    text.push_str(if shape.commit { "COMMIT" } else { "" });
    text.into()
}

/// Takes rows off the front, as many as one statement may have.
struct Chunks<'a, T> {
    rest: &'a [T],
    weight: fn(&T) -> usize,
}

impl<'a, T> Chunks<'a, T> {
    fn of(rows: &'a [T], weight: fn(&T) -> usize) -> Self {
        Self { rest: rows, weight }
    }

    fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self) -> &'a [T] {
        let mut bytes = 0;
        let fit = self.rest.iter().take(ROWS).take_while(|row| {
            let fits = bytes < BYTES;
            bytes += (self.weight)(row);
            fits
        });
        let (taken, rest) = self.rest.split_at(fit.count());
        self.rest = rest;
        taken
    }
}

/// The values of one text, in the order of its question marks.
#[derive(Default)]
struct Values(SqliteArguments);

impl Values {
    fn add<'v, T: Encode<'v, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> Result<(), sqlx::Error> {
        self.0.add(value).map_err(sqlx::Error::Encode)
    }

    fn events(&mut self, rows: &[EventRow<'_>], of: usize) -> Result<(), sqlx::Error> {
        // Neighbours mostly share their stream and their type.
        let (mut stream, mut kind): (Option<Arc<str>>, Option<Arc<str>>) = (None, None);
        self.rows(rows, of, 8, |values, row| {
            let event = row.envelope;
            values.add(signed(row.position))?;
            values.add(same(&mut stream, row.stream.as_str()))?;
            values.add(signed(row.version))?;
            values.add(event.id.as_bytes().as_slice())?;
            values.add(same(&mut kind, event.event_type.as_str()))?;
            values.add(i64::from(event.schema))?;
            values.add(signed(event.parts.len() as u64))?;
            match std::str::from_utf8(&event.open) {
                Ok(text) => values.add(text),
                Err(_) => values.add(event.open.as_slice()),
            }
        })
    }

    /// Adds `rows`, and NULLs for what is left of `of` rows of `columns` values each.
    fn rows<T>(
        &mut self,
        rows: &[T],
        of: usize,
        columns: usize,
        add: impl FnMut(&mut Self, &T) -> Result<(), sqlx::Error>,
    ) -> Result<(), sqlx::Error> {
        let mut add = add;
        rows.iter().try_for_each(|row| add(self, row))?;
        (rows.len() * columns..of * columns).try_for_each(|_| self.add(None::<i64>))
    }
}

fn same(last: &mut Option<Arc<str>>, text: &str) -> Arc<str> {
    match last {
        Some(last) if **last == *text => last.clone(),
        _ => last.insert(text.into()).clone(),
    }
}
