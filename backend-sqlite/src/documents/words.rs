//! What documents are found by: the ids of keys, and tokens.

use std::collections::BTreeSet;
use std::fmt::Write;

use oubliette_core::{Document, KeyId, Result, Token};
use sqlx::SqliteConnection;

use crate::bulk::Table;
use crate::error;

/// A key id, or a token's hash, a colon and the name of its lookup.
pub(super) type Word = Vec<u8>;

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

/// The word of a token.
pub(super) fn word_of_token(lookup: &str, hash: &[u8; 16]) -> Word {
    [hash, b":".as_slice(), lookup.as_bytes()].concat()
}

/// The keys of all parts and tokens of a document, ascending, each once.
pub(super) fn owners_of(document: &Document) -> Vec<KeyId> {
    let mut owners = document.owners();
    let of_tokens = document.tokens.iter().flat_map(|token| &token.owners);
    let before = owners.len();
    owners.extend(of_tokens);
    if owners.len() > before {
        owners.sort_unstable();
        owners.dedup();
    }
    owners
}

/// All words of a document.
pub(super) fn words_of(owners: &[KeyId], tokens: &[Token]) -> BTreeSet<Word> {
    let keys = owners.iter().map(|key| key.as_bytes().to_vec());
    keys.chain(tokens.iter().map(|token| word_of_token(&token.lookup, &token.hash))).collect()
}

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
