//! Reading documents: by their keys, and a page of those that a query selects.

use std::collections::HashMap;

use oubliette_core::{BuildId, Document, DocumentKey, DocumentPage, DocumentQuery, Position};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Row};

use super::builds::missing;
use super::decode::{self, columns};
use super::field::Index;
use super::filter::Text;
use crate::commit::signed;
use crate::connections::Failure;

const OP: &str = "page";

/// The documents of these keys, in order.
pub(super) async fn get(
    pool: &PgPool,
    build: BuildId,
    keys: &[DocumentKey],
) -> Result<Vec<Option<Document>>, Failure> {
    const OP: &str = "get";
    let asked: Vec<_> = keys.iter().map(DocumentKey::as_str).collect();
    // A row without a document says that the build is there.
    // One by one, by the fence: a plan is made once, maybe before there is any document, and read
    // in any other way a build is read as a whole.
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM build LEFT JOIN (
             unnest($2::text[]) AS asked (key) CROSS JOIN LATERAL (
                 SELECT * FROM document WHERE document.build = $1 AND document.key = asked.key OFFSET 0
             ) AS document
         ) ON TRUE WHERE build.id = $1 AND build.state <> 'ended'"
    ))
    .bind(signed(build.0))
    .bind(asked)
    .fetch_all(pool)
    .await?;
    if rows.is_empty() {
        return Err(missing(OP, build).into());
    }
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        if row.try_get::<Option<&str>, _>(0)?.is_some() {
            let document = decode::document(OP, row, 0)?;
            found.insert(document.key.clone(), document);
        }
    }
    Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
}

/// A page, and the position that it is of, in one statement.
pub(super) async fn page(
    pool: &PgPool,
    indexes: &[Index],
    build: BuildId,
    query: &DocumentQuery,
) -> Result<DocumentPage, Failure> {
    let indexes = of_build(pool, indexes, build, query).await?;
    let Text { sql, values } = Text::of(&indexes, build, query)?;
    let rows = sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(pool).await?;
    let first = rows.first().ok_or_else(|| missing(OP, build))?;
    let position: i64 = first.try_get(0)?;
    let mut documents = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.try_get::<Option<&str>, _>(1)?.is_some() {
            documents.push(decode::document(OP, row, 1)?);
        }
    }
    documents.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    let more = documents.len() > query.limit;
    documents.truncate(query.limit);
    Ok(DocumentPage { position: Position(position.unsigned_abs()), documents, more })
}

/// The declared indexes that are on fields of this build's documents.
async fn of_build<'i>(
    pool: &PgPool,
    indexes: &'i [Index],
    build: BuildId,
    query: &DocumentQuery,
) -> Result<Vec<&'i Index>, Failure> {
    let asked = |index: &&Index| query.filters.iter().any(|filter| filter.at == index.pointer);
    let mut indexes: Vec<_> = indexes.iter().filter(asked).collect();
    if !indexes.is_empty() {
        // A build's projection never changes.
        let projection: Option<i64> = sqlx::query_scalar("SELECT projection FROM build WHERE id = $1")
            .bind(signed(build.0))
            .fetch_optional(pool)
            .await?;
        indexes.retain(|index| Some(index.projection) == projection);
    }
    Ok(indexes)
}
