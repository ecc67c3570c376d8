//! Documents from rows.

use oubliette_core::stored::{decode_keys, decode_tokens};
use oubliette_core::{Carried, Document, DocumentKey, Error, ErrorKind, Result, sum};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error;

/// The columns that a document is made of, the first its row's number.
macro_rules! columns {
    () => {
        "document.id, document.key, document.open, document.carried, document.tokens, document.lost, \
         document.build, document.sum"
    };
}

pub(super) use columns;

/// The document whose columns begin at `from`.
pub(super) fn document(op: &'static str, row: &SqliteRow, from: usize) -> Result<Document> {
    let of = error::of(op);
    let bytes = |column: usize| row.try_get::<&[u8], _>(from + column).map_err(&of);
    let number: i64 = row.try_get(from).map_err(&of)?;
    let with_row = |error: Error| error.with("row", number);
    let build: i64 = row.try_get(from + 6).map_err(&of)?;
    let written: Option<u32> = row.try_get(from + 7).map_err(&of)?;
    let fields = (1..6).map(bytes).collect::<Result<Vec<_>>>()?;
    if written.is_some_and(|written| written != sum_of(number, build, &fields)) {
        return Err(damaged(op, number));
    }
    Ok(Document {
        key: key(op, row, from + 1)?,
        open: bytes(2)?.to_vec(),
        carried: Carried::decode(bytes(3)?).map_err(with_row)?,
        tokens: decode_tokens(bytes(4)?).map_err(with_row)?,
        lost: decode_keys(bytes(5)?).map_err(with_row)?,
    })
}

/// What a row sums up to: its key, open part, carried parts, tokens and lost keys.
pub(super) fn sum_of(id: i64, build: i64, fields: &[&[u8]]) -> u32 {
    sum(&[id.cast_unsigned(), build.cast_unsigned()], fields)
}

/// The key in a column.
pub(super) fn key(op: &'static str, row: &SqliteRow, column: usize) -> Result<DocumentKey> {
    let key: &str = row.try_get(column).map_err(error::of(op))?;
    DocumentKey::new(key).map_err(|_| damaged(op, 0))
}

fn damaged(op: &'static str, row: i64) -> Error {
    Error::new(ErrorKind::Corrupt, op, "a stored document is damaged: restore the file from a backup")
        .with("row", row)
}
