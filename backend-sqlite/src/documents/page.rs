//! Reading documents: by their keys, and a page of those that a query selects.

use std::collections::HashMap;

use oubliette_core::stored::word_of_token;
use oubliette_core::{
    BuildId, Comparison, Document, DocumentKey, DocumentPage, DocumentQuery, Filter, Position, Result,
};
use serde_json::Value;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Encode, Row, Sqlite, SqlitePool, Type};

use super::builds::missing;
use super::decode::{self, columns};
use super::field::{Field, Index, paths};
use super::write::keys_as_json;
use crate::bulk::signed;
use crate::error;

const OP: &str = "page";

/// The documents of these keys, in order.
pub(super) async fn get(
    readers: &SqlitePool,
    build: BuildId,
    keys: &[DocumentKey],
) -> Result<Vec<Option<Document>>> {
    const OP: &str = "get";
    // A row without a document says that the build is there.
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM build LEFT JOIN document ON document.build = build.id
             AND document.key IN (SELECT value FROM json_each(?2))
         WHERE build.id = ?1 AND build.state <> 'ended'"
    ))
    .bind(signed(build.0))
    .bind(keys_as_json(keys.iter()))
    .fetch_all(readers)
    .await
    .map_err(error::of(OP))?;
    if rows.is_empty() {
        return Err(missing(OP, build));
    }
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        if row.try_get::<Option<i64>, _>(0).map_err(error::of(OP))?.is_some() {
            let document = decode::document(OP, row, 0)?;
            found.insert(document.key.clone(), document);
        }
    }
    Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
}

/// A page, and the position that it is of, in one statement.
pub(super) async fn page(
    readers: &SqlitePool,
    indexes: &[Index],
    build: BuildId,
    query: &DocumentQuery,
) -> Result<DocumentPage> {
    let of = error::of(OP);
    let indexes = of_build(readers, indexes, build, query).await?;
    let Text { sql, values } = Text::of(&indexes, build, query).map_err(&of)?;
    let rows = sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(readers).await.map_err(&of)?;
    let first = rows.first().ok_or_else(|| missing(OP, build))?;
    let position: i64 = first.try_get(0).map_err(&of)?;
    let mut documents = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.try_get::<Option<i64>, _>(1).map_err(&of)?.is_some() {
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
    readers: &SqlitePool,
    indexes: &'i [Index],
    build: BuildId,
    query: &DocumentQuery,
) -> Result<Vec<&'i Index>> {
    let asked = |index: &&Index| query.filters.iter().any(|filter| filter.at == index.pointer);
    let mut indexes: Vec<_> = indexes.iter().filter(asked).collect();
    if !indexes.is_empty() {
        // A build's projection never changes.
        let projection: Option<i64> = sqlx::query_scalar("SELECT projection FROM build WHERE id = ?1")
            .bind(signed(build.0))
            .fetch_optional(readers)
            .await
            .map_err(error::of(OP))?;
        indexes.retain(|index| Some(index.projection) == projection);
    }
    Ok(indexes)
}

/// A query as SQL. What comes from outside is bound, never written into the text.
pub(super) struct Text {
    pub(super) sql: String,
    pub(super) values: SqliteArguments,
}

impl Text {
    pub(super) fn of(indexes: &[&Index], build: BuildId, query: &DocumentQuery) -> Result<Self, sqlx::Error> {
        let mut text = Self { sql: String::new(), values: SqliteArguments::default() };
        text.bind(signed(build.0))?;
        let after = text.bind(query.after.as_ref().map_or("", DocumentKey::as_str).to_owned())?;
        let limit = text.bind(i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1))?;
        let mut conditions = vec![format!("document.key > {after}")];
        // With a token, what it finds is looked up first.
        let from = match &query.token {
            None => {
                conditions.push("document.build = ?1".to_owned());
                "document".to_owned()
            }
            Some((lookup, hash)) => {
                let word = text.bind(word_of_token(lookup, hash))?;
                format!(
                    "(SELECT document AS id FROM found WHERE build = ?1 AND word = {word}) AS named
                     CROSS JOIN document ON document.id = named.id"
                )
            }
        };
        for index in indexes {
            conditions.push(format!("document.projection = {}", index.projection));
        }
        for filter in &query.filters {
            let index = indexes.iter().find(|index| index.pointer == filter.at);
            let condition = text.condition(index.map(|index| &index.field), filter)?;
            conditions.push(condition);
        }
        // `+ 0`: for a bare parameter SQLite would prepare the statement anew each time.
        text.sql = format!(
            "SELECT build.position, document.* FROM build LEFT JOIN (
                 SELECT {} FROM {from} WHERE {} ORDER BY document.key LIMIT {limit} + 0
             ) AS document ON TRUE WHERE build.id = ?1 AND build.state <> 'ended'",
            columns!(),
            conditions.join(" AND ")
        );
        Ok(text)
    }

    /// Binds a value, and gives the name that it has in the text.
    fn bind<T>(&mut self, value: T) -> Result<String, sqlx::Error>
    where
        T: for<'v> Encode<'v, Sqlite> + Type<Sqlite>,
    {
        self.values.add(value).map_err(sqlx::Error::Encode)?;
        Ok(format!("?{}", self.values.len()))
    }

    /// What a filter asks for. A value compares with those of its own JSON type.
    fn condition(&mut self, field: Option<&Field>, filter: &Filter) -> Result<String, sqlx::Error> {
        const NONE: &str = "FALSE";
        let compared = match filter.is {
            Comparison::Equal => "=",
            Comparison::Unequal => "<>",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::More => ">",
            Comparison::AtLeast => ">=",
        };
        let field = match (field, paths(&filter.at)) {
            (Some(field), _) => field.clone(),
            (None, Some(paths)) => {
                let bound: Result<Vec<_>, _> = paths.into_iter().map(|path| self.bind(path)).collect();
                Field::of(&bound?)
            }
            (None, None) => return Ok(NONE.to_owned()),
        };
        let Field { value, kind } = field;
        Ok(match (&filter.value, filter.is) {
            (Value::String(text), _) => {
                let text = self.bind(text.clone())?;
                format!("{kind} = 'text' AND {value} {compared} {text}")
            }
            // Read by the parser that reads the documents.
            (Value::Number(number), _) => {
                let number = self.bind(number.to_string())?;
                format!("{kind} IN ('integer', 'real') AND {value} {compared} json_extract({number}, '$')")
            }
            (Value::Bool(is), Comparison::Equal | Comparison::Unequal) => {
                let is = *is == (filter.is == Comparison::Equal);
                format!("{kind} = '{is}' AND {value} = {is}")
            }
            (Value::Null, Comparison::Equal) => format!("{kind} = 'null' AND {value} IS NULL"),
            _ => NONE.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sqlx::SqliteConnection;

    use super::*;
    use crate::bulk::Table;
    use crate::options::{Options, Synchronous};
    use crate::schema;

    /// How SQLite goes about a query on a build of "people" with an index on the plan.
    async fn steps(filters: Vec<Filter>, token: Option<(String, [u8; 16])>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new(&dir.path().join("documents.db"), Synchronous::Normal);
        let mut file = schema::writer(&schema::DOCUMENTS, &options).await.unwrap();
        let declared = ["/plan", "/tags/0", "/it's \"odd\"~1"].map(|at| ("people".to_owned(), at.to_owned()));
        let indexes = Index::create_all(&mut file, declared.to_vec()).await.unwrap();
        fill(&mut file).await;
        let mut query = DocumentQuery::default();
        (query.filters, query.token) = (filters, token);
        let asked = indexes.iter().filter(|index| query.filters.iter().any(|f| f.at == index.pointer));
        let Text { sql, values } = Text::of(&asked.collect::<Vec<_>>(), BuildId(1), &query).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let rows = sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(&mut file).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>("detail") + "\n").collect()
    }

    async fn fill(file: &mut SqliteConnection) {
        sqlx::query("INSERT INTO build VALUES (1, 1, 1, 'scratch', 'building', 0, '', NULL, NULL, NULL)")
            .execute(&mut *file)
            .await
            .unwrap();
        let table = Table {
            insert: "INSERT INTO document (projection, build, owners, tokens, lost, carried, key, open) ",
            select: "SELECT 1, 1, x'', x'', x'', x'', *",
            columns: 2,
            after: "",
        };
        let rows: Vec<usize> = (0..1000).collect();
        let add = |values: &mut crate::bulk::Values, n: &usize| {
            values.add(format!("c-{n}"))?;
            values.add(json!({ "plan": n % 10 }).to_string())
        };
        table.insert(file, &rows, |_| 1, add).await.unwrap();
    }

    fn filter(at: &str, is: Comparison, value: Value) -> Filter {
        Filter { at: at.into(), is, value }
    }

    #[tokio::test]
    async fn a_query_on_a_declared_field_uses_its_index() {
        for value in [json!("gold"), json!(7), json!(true), json!(null)] {
            for at in ["/plan", "/tags/0", "/it's \"odd\"~1"] {
                let steps = steps(vec![filter(at, Comparison::Equal, value.clone())], None).await;
                let index = format!("USING INDEX open 1 {at} (build=? AND <expr>=? AND key>?)");
                assert!(steps.contains(&index), "{at} {value}: {steps}");
                assert!(!steps.contains("TEMP B-TREE"), "the index gives the order too: {steps}");
            }
        }
    }

    #[tokio::test]
    async fn a_query_on_another_field_reads_the_build_in_order() {
        let steps = steps(vec![filter("/city", Comparison::Equal, json!("London"))], None).await;
        assert!(steps.contains("sqlite_autoindex_document_1 (build=? AND key>?)"), "{steps}");
        assert!(!steps.contains("TEMP B-TREE"), "{steps}");
    }

    #[tokio::test]
    async fn a_token_is_looked_up_and_nothing_else_is_read() {
        let steps = steps(Vec::new(), Some(("name".into(), [7; 16]))).await;
        assert!(steps.contains("SEARCH entry USING PRIMARY KEY (build=? AND word=?)"), "{steps}");
        assert!(steps.contains("SEARCH document USING INTEGER PRIMARY KEY (rowid=?)"), "{steps}");
    }
}
