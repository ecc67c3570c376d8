//! What documents are found by, in the schema.

use oubliette_core::stored::Word;
use sqlx::postgres::PgConnection;

use crate::connections::Failure;

/// Words of documents, which are named by their keys.
#[derive(Default)]
pub(super) struct Entries<'d> {
    words: Vec<Word>,
    keys: Vec<&'d str>,
}

impl<'d> Entries<'d> {
    pub(super) fn extend(&mut self, key: &'d str, words: impl IntoIterator<Item = Word>) {
        self.words.extend(words);
        self.keys.resize(self.words.len(), key);
    }

    /// Takes them away from a build.
    pub(super) async fn take(self, connection: &mut PgConnection, build: i64) -> Result<(), Failure> {
        self.run(
            connection,
            build,
            "DELETE FROM entry WHERE ctid = ANY (ARRAY (
                 SELECT found.ctid FROM unnest($2::bytea[], $3::text[]) AS gone (word, key) CROSS JOIN LATERAL (
                     SELECT ctid FROM entry
                     WHERE build = $1 AND entry.word = gone.word AND entry.key = gone.key OFFSET 0
                 ) AS found))",
        )
        .await
    }

    /// Puts them into a build.
    pub(super) async fn put(self, connection: &mut PgConnection, build: i64) -> Result<(), Failure> {
        self.run(
            connection,
            build,
            "INSERT INTO entry (build, word, key)
             SELECT $1, word, key FROM unnest($2::bytea[], $3::text[]) AS new (word, key)",
        )
        .await
    }

    async fn run(self, connection: &mut PgConnection, build: i64, sql: &'static str) -> Result<(), Failure> {
        if !self.words.is_empty() {
            sqlx::query(sql).bind(build).bind(self.words).bind(self.keys).execute(connection).await?;
        }
        Ok(())
    }
}
