//! Many rows with few statements.
//!
//! The driver runs each statement on a thread of its own, so a round trip costs more than
//! a row. A statement therefore takes up to [`ROWS`] rows. Their number is rounded up to a
//! power of two, so that few different texts exist and the prepared ones are found again;
//! what is left over is bound as NULL and skipped.

use std::fmt::Write;

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe, Encode, Sqlite, Type};

/// The most rows that one statement takes: few, so that the next one is made while the
/// driver's thread runs this one.
const ROWS: usize = 64;
/// The most bytes that are copied for one round trip, as long as it has a row.
const BYTES: usize = 4 << 20;
/// How many texts are remembered.
pub(crate) const TEXTS: usize = 100;

/// What goes before the rows and after them.
pub(crate) struct Table {
    pub(crate) insert: &'static str,
    pub(crate) select: &'static str,
    pub(crate) columns: usize,
    pub(crate) after: &'static str,
}

impl Table {
    /// Writes the statement for so many rows.
    pub(crate) fn write(&self, text: &mut String, select: &str, rows: usize) {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        let values = vec![row; rows].join(",");
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{}{select} FROM (VALUES {values}) WHERE column1 IS NOT NULL{};",
            self.insert, self.after
        );
    }

    /// Inserts the rows, each of which `add` adds the values of.
    pub(crate) async fn insert<T: Sync>(
        &self,
        connection: &mut SqliteConnection,
        rows: &[T],
        weight: fn(&T) -> usize,
        add: impl Fn(&mut Values, &T) -> Result<(), sqlx::Error> + Sync,
    ) -> Result<(), sqlx::Error> {
        let mut rest = Chunks::of(rows, weight);
        let mut make = || {
            let rows = rest.take();
            let of = rounded(rows.len());
            let mut values = Values::default();
            values.rows(rows, of, self.columns, &add)?;
            let mut text = String::new();
            self.write(&mut text, self.select, of);
            Ok::<_, sqlx::Error>((of > 0).then_some((text, values)))
        };
        let mut next = make()?;
        while let Some((text, values)) = next {
            let run = sqlx::query_with(AssertSqlSafe(text), values.0).execute(&mut *connection);
            // While the driver's thread runs one statement, this one makes the next.
            let (done, made) = futures::join!(run, async { make() });
            done?;
            next = made?;
        }
        Ok(())
    }
}

/// Few different numbers of rows.
pub(crate) fn rounded(rows: usize) -> usize {
    if rows == 0 { 0 } else { rows.next_power_of_two() }
}

/// Takes rows off the front, as many as one statement may have.
pub(crate) struct Chunks<'a, T> {
    rest: &'a [T],
    weight: fn(&T) -> usize,
}

impl<'a, T> Chunks<'a, T> {
    pub(crate) fn of(rows: &'a [T], weight: fn(&T) -> usize) -> Self {
        Self { rest: rows, weight }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self) -> &'a [T] {
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
pub(crate) struct Values(pub(crate) SqliteArguments);

impl Values {
    pub(crate) fn add<'v, T: Encode<'v, Sqlite> + Type<Sqlite>>(
        &mut self,
        value: T,
    ) -> Result<(), sqlx::Error> {
        self.0.add(value).map_err(sqlx::Error::Encode)
    }

    /// JSON as text that SQL can read, or as bytes when it is none.
    pub(crate) fn add_open(&mut self, open: &[u8]) -> Result<(), sqlx::Error> {
        match std::str::from_utf8(open) {
            Ok(text) => self.add(text),
            Err(_) => self.add(open),
        }
    }

    /// Adds `rows`, and NULLs for what is left of `of` rows of `columns` values each.
    pub(crate) fn rows<T>(
        &mut self,
        rows: &[T],
        of: usize,
        columns: usize,
        mut add: impl FnMut(&mut Self, &T) -> Result<(), sqlx::Error>,
    ) -> Result<(), sqlx::Error> {
        rows.iter().try_for_each(|row| add(self, row))?;
        (rows.len() * columns..of * columns).try_for_each(|_| self.add(None::<i64>))
    }
}

/// A number as SQLite holds it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
