//! Documents from rows.

use oubliette_core::{Carried, Document, DocumentKey, Error, ErrorKind, Result};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::token;
use crate::error;

/// The columns that a document is made of, the first its row's number.
macro_rules! columns {
    () => {
        "document.id, document.key, document.open, document.carried, document.tokens, document.lost"
    };
}

pub(super) use columns;

/// The document whose columns begin at `from`.
pub(super) fn document(op: &'static str, row: &SqliteRow, from: usize) -> Result<Document> {
    let of = error::of(op);
    let bytes = |column: usize| row.try_get::<&[u8], _>(from + column).map_err(&of);
    let number: i64 = row.try_get(from).map_err(&of)?;
    let damaged = || damaged(op, number);
    Ok(Document {
        key: key(op, row, from + 1)?,
        open: bytes(2)?.to_vec(),
        carried: Carried::decode(bytes(3)?).map_err(|error| error.with("row", number))?,
        tokens: token::decode(bytes(4)?).ok_or_else(damaged)?,
        lost: token::decode_keys(bytes(5)?).ok_or_else(damaged)?,
    })
}

/// The key in a column.
pub(super) fn key(op: &'static str, row: &SqliteRow, column: usize) -> Result<DocumentKey> {
    let key: &str = row.try_get(column).map_err(error::of(op))?;
    DocumentKey::new(key).map_err(|_| damaged(op, 0))
}

pub(super) fn damaged(op: &'static str, row: i64) -> Error {
    Error::new(ErrorKind::Corrupt, op, "a stored document is damaged: restore the file from a backup")
        .with("row", row)
}
