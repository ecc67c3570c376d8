//! Documents from rows.

use oubliette_core::stored::{decode_keys, decode_tokens};
use oubliette_core::{Carried, Document, DocumentKey, Error, ErrorKind, Result, sum};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::error;

/// The columns that a document is made of, the first its key.
macro_rules! columns {
    () => {
        "document.key, document.open, document.raw, document.carried, document.tokens, document.lost, \
         document.build, document.sum"
    };
}

pub(super) use columns;

/// The document whose columns begin at `from`.
pub(super) fn document(op: &'static str, row: &PgRow, from: usize) -> Result<Document> {
    let of = error::of(op);
    let bytes = |column: usize| row.try_get::<&[u8], _>(from + column).map_err(&of);
    let key = key(op, row, from)?;
    let text: Option<&str> = row.try_get(from + 1).map_err(&of)?;
    let open = match text {
        Some(text) => text.as_bytes(),
        None => bytes(2)?,
    };
    let (carried, tokens, lost) = (bytes(3)?, bytes(4)?, bytes(5)?);
    let build: i64 = row.try_get(from + 6).map_err(&of)?;
    let written: i64 = row.try_get(from + 7).map_err(&of)?;
    if written != sum_of(build, &key, &[open, carried, tokens, lost]) {
        return Err(damaged(op, build));
    }
    let with_build = |error: Error| error.with("build", build);
    Ok(Document {
        key,
        open: open.to_vec(),
        carried: Carried::decode(carried).map_err(with_build)?,
        tokens: decode_tokens(tokens).map_err(with_build)?,
        lost: decode_keys(lost).map_err(with_build)?,
    })
}

/// What a row sums up to: where it belongs, open part, carried parts, tokens and lost keys.
pub(super) fn sum_of(build: i64, key: &DocumentKey, fields: &[&[u8]; 4]) -> i64 {
    let [open, carried, tokens, lost] = fields;
    i64::from(sum(&[build.cast_unsigned()], &[key.as_str().as_bytes(), open, carried, tokens, lost]))
}

/// The key in a column.
pub(super) fn key(op: &'static str, row: &PgRow, column: usize) -> Result<DocumentKey> {
    let key: &str = row.try_get(column).map_err(error::of(op))?;
    DocumentKey::new(key).map_err(|_| damaged(op, 0))
}

fn damaged(op: &'static str, build: i64) -> Error {
    Error::new(ErrorKind::Corrupt, op, "a stored document is damaged: rebuild the projection")
        .with("build", build)
}
