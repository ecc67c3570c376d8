//! The family of a subject: the aliases that an erasure of the subject takes along.

use oubliette_core::{Result, SubjectId};
use sqlx::sqlite::SqliteConnection;

use crate::error::sql;

/// An alias in a subject's family.
pub(crate) struct Member {
    /// Its pseudonym.
    pub(crate) alias: SubjectId,
    /// Whether anybody else claims it, so that it lives on under another pseudonym.
    pub(crate) shared: bool,
}

/// The aliases that the subject claims, or is, and those linked to them over any number
/// of links that nobody else claims. A linked alias that somebody else claims stays, and
/// what is linked to it is not looked at.
pub(crate) async fn family(connection: &mut SqliteConnection, subject: &SubjectId) -> Result<Vec<Member>> {
    let rows: Vec<(String, bool)> = sqlx::query_as(
        "WITH RECURSIVE family (alias) AS (
             SELECT alias FROM claims WHERE subject = ?1
             UNION
             SELECT subject FROM aliases WHERE subject = ?1 AND gone = 0
             UNION
             SELECT l.other FROM family AS f JOIN links AS l ON l.alias = f.alias
             WHERE NOT EXISTS (SELECT 1 FROM claims WHERE alias = l.other AND subject <> ?1)
         )
         SELECT alias, EXISTS (SELECT 1 FROM claims AS c WHERE c.alias = f.alias AND c.subject <> ?1)
         FROM family AS f",
    )
    .bind(subject.as_str())
    .fetch_all(connection)
    .await
    .map_err(sql("family"))?;
    rows.into_iter().map(|(alias, shared)| Ok(Member { alias: SubjectId::new(alias)?, shared })).collect()
}
