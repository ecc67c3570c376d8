//! What documents are found by, in the file.

use std::fmt::Write;

use oubliette_core::Result;
use oubliette_core::stored::Word;
use sqlx::SqliteConnection;

use crate::bulk::Table;
use crate::error;

/// A word of a document, which is named by its row.
pub(super) struct Entry {
    pub(super) build: i64,
    pub(super) word: Word,
    pub(super) document: i64,
}

/// Entries that are fresh at most. A lookup looks at each of them.
const FULL: usize = 32_768;
/// New entries of one call up to which it does not leave any fresh: whoever follows the
/// log live leaves lookups nothing to look at.
const FEW: usize = 64;

const FRESH: Table =
    Table { insert: "INSERT INTO fresh (build, word, document) ", select: "SELECT *", columns: 3, after: "" };

/// Takes entries away.
pub(super) async fn take(
    connection: &mut SqliteConnection,
    op: &'static str,
    entries: &[Entry],
) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| format!("[{},\"{}\",{}]", entry.build, hex(&entry.word), entry.document))
        .collect();
    let rows = format!("[{}]", rows.join(","));
    for sql in [
        "DELETE FROM entry WHERE (build, word, document) IN
             (SELECT value ->> 0, unhex(value ->> 1), value ->> 2 FROM json_each(?1))",
        "DELETE FROM fresh WHERE (build, word, document) IN
             (SELECT value ->> 0, unhex(value ->> 1), value ->> 2 FROM json_each(?1))",
    ] {
        sqlx::query(sql).bind(rows.as_str()).execute(&mut *connection).await.map_err(error::of(op))?;
    }
    Ok(())
}

/// Puts new entries in.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    op: &'static str,
    entries: &[Entry],
) -> Result<()> {
    let added = FRESH.insert(
        connection,
        entries,
        |entry| entry.word.len(),
        |values, entry| {
            values.add(entry.build)?;
            values.add(entry.word.as_slice())?;
            values.add(entry.document)
        },
    );
    added.await.map_err(error::of(op))?;
    let fresh: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM fresh")
        .fetch_one(&mut *connection)
        .await
        .map_err(error::of(op))?;
    let fresh = fresh.map_or(0, |fresh| usize::try_from(fresh).unwrap_or(FULL));
    if fresh >= FULL || (fresh > 0 && entries.len() <= FEW) {
        for sql in [
            "INSERT INTO entry (build, word, document)
                 SELECT build, word, document FROM fresh ORDER BY build, word, document",
            "DELETE FROM fresh",
        ] {
            sqlx::query(sql).execute(&mut *connection).await.map_err(error::of(op))?;
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
