//! Queries as SQL. What comes from outside is bound, never written into the text.

use oubliette_core::stored::{is_place, steps, word_of_token};
use oubliette_core::{BuildId, Comparison, DocumentKey, DocumentQuery, Filter};
use serde_json::Value;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments, Encode, Postgres, Type};

use super::decode::columns;
use super::field::{Index, as_jsonb, plain};
use crate::commit::signed;

/// What is met by no document.
const NONE: &str = "FALSE";

/// A query as SQL.
pub(super) struct Text {
    pub(super) sql: String,
    pub(super) values: PgArguments,
}

impl Text {
    /// The statement of a query, by the declared indexes that serve it.
    pub(super) fn of(indexes: &[&Index], build: BuildId, query: &DocumentQuery) -> Result<Self, sqlx::Error> {
        let mut text = Self { sql: String::new(), values: PgArguments::default() };
        text.bind(signed(build.0))?;
        let after = text.bind(query.after.as_ref().map_or("", DocumentKey::as_str).to_owned())?;
        let limit = text.bind(i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1))?;
        // What is fenced is looked up one by one, whenever the plan was made.
        let mut conditions = vec!["document.build = $1".to_owned()];
        // With a token, what it finds is looked up first.
        let (from, key) = match &query.token {
            None => ("document", "document.key"),
            Some((lookup, hash)) => {
                let word = text.bind(word_of_token(lookup, hash))?;
                conditions.push(format!("entry.build = $1 AND entry.word = {word}"));
                (
                    "entry CROSS JOIN LATERAL (
                         SELECT * FROM document WHERE document.build = $1 AND document.key = entry.key OFFSET 0
                     ) AS document",
                    "entry.key",
                )
            }
        };
        conditions.push(format!("{key} > {after}"));
        for index in indexes {
            conditions.push(format!("document.projection = {}", index.projection));
        }
        for filter in &query.filters {
            let index = indexes.iter().copied().find(|index| index.pointer == filter.at);
            let condition = text.condition(index, filter)?;
            conditions.push(condition);
        }
        text.sql = format!(
            "SELECT build.position, document.* FROM build LEFT JOIN (
                 SELECT {} FROM {from} WHERE {} ORDER BY {key} LIMIT {limit}
             ) AS document ON TRUE WHERE build.id = $1 AND build.state <> 'ended'",
            columns!(),
            conditions.join(" AND ")
        );
        Ok(text)
    }

    /// Binds a value, and gives the name that it has in the text.
    fn bind<T>(&mut self, value: T) -> Result<String, sqlx::Error>
    where
        T: for<'v> Encode<'v, Postgres> + Type<Postgres>,
    {
        self.values.add(value).map_err(sqlx::Error::Encode)?;
        Ok(format!("${}", self.values.len()))
    }

    /// What a filter asks for. A value compares with those of its own JSON type.
    fn condition(&mut self, index: Option<&Index>, filter: &Filter) -> Result<String, sqlx::Error> {
        use Comparison::{AtLeast, AtMost, Equal, Less, More, Unequal};
        let Some(steps) = steps(&filter.at) else { return Ok(NONE.to_owned()) };
        let compared = match filter.is {
            Equal => "=",
            Unequal => "<>",
            Less => "<",
            AtMost => "<=",
            More => ">",
            AtLeast => ">=",
        };
        let (kind, ordered) = match &filter.value {
            Value::String(_) => ("string", true),
            Value::Number(_) => ("number", true),
            Value::Bool(_) => ("boolean", false),
            Value::Null => ("null", false),
            Value::Array(_) | Value::Object(_) => return Ok(NONE.to_owned()),
        };
        if !ordered && !matches!(filter.is, Equal | Unequal) {
            return Ok(NONE.to_owned());
        }
        let mut conditions = self.names(&steps)?;
        let field = match index {
            Some(index) => index.field.clone(),
            None => {
                let path: Vec<String> = steps.iter().map(|step| plain(step)).collect();
                format!("(document.fields #> {})", self.bind(path)?)
            }
        };
        conditions.push(match (&filter.value, filter.is) {
            (Value::String(text), Less | AtMost | More | AtLeast) => {
                let text = self.bind(plain(text))?;
                format!(
                    "jsonb_typeof({field}) = 'string' AND {field} #>> '{{}}' COLLATE \"C\" {compared} {text}"
                )
            }
            (value, Equal) => {
                let value = self.bind(as_jsonb(value))?;
                let hash = |of: &str| format!("jsonb_hash_extended({of}, 0::bigint)");
                let found = index
                    .map(|_| format!("{} = {} AND ", hash(&field), hash(&format!("{value}::jsonb"))))
                    .unwrap_or_default();
                format!("{found}{field} = {value}::jsonb")
            }
            (value, _) => {
                let value = self.bind(as_jsonb(value))?;
                format!("jsonb_typeof({field}) = '{kind}' AND {field} {compared} {value}::jsonb")
            }
        });
        Ok(conditions.join(" AND "))
    }

    /// That steps which PostgreSQL takes for places in a list, and a pointer does not (`-1`, `01`),
    /// are names of fields.
    fn names(&mut self, steps: &[String]) -> Result<Vec<String>, sqlx::Error> {
        let mut conditions = Vec::new();
        let mut path = Vec::new();
        for step in steps {
            if step.ends_with(|last: char| last.is_ascii_digit()) && !is_place(step) {
                let path = self.bind(path.clone())?;
                conditions.push(format!("jsonb_typeof(document.fields #> {path}) = 'object'"));
            }
            path.push(plain(step));
        }
        Ok(conditions)
    }
}

#[cfg(test)]
mod tests {
    use oubliette_servers::Postgres;
    use serde_json::json;
    use sqlx::postgres::PgConnection;
    use sqlx::{AssertSqlSafe, Connection as _, Row as _};

    use super::*;
    use crate::options::Options;
    use crate::schema;

    const DECLARED: [&str; 3] = ["/plan", "/tags/0", "/it's \"odd\"~1"];

    /// An empty schema, with indexes.
    async fn opened(server: &Postgres) -> (PgConnection, Vec<Index>) {
        let options = Options::new(&server.url());
        drop(schema::open(&schema::DOCUMENTS, &options).await.unwrap());
        let mut connection =
            PgConnection::connect_with(&options.connect(schema::DOCUMENTS.name).unwrap()).await.unwrap();
        let declared = DECLARED.map(|at| ("people".to_owned(), at.to_owned()));
        let mut transaction = connection.begin().await.unwrap();
        let Ok(indexes) = Index::create_all(&mut transaction, &declared).await else {
            panic!("an index can be declared");
        };
        transaction.commit().await.unwrap();
        (connection, indexes)
    }

    async fn fill(connection: &mut PgConnection) {
        for sql in [
            "INSERT INTO build (projection, version, role, state, position, begun_at, begun_by)
             VALUES (1, 1, 'scratch', 'building', 0, '', '')",
            "INSERT INTO document (build, projection, key, owners, tokens, lost, fields, carried, sum)
             SELECT 1, 1, 'c-' || n, '', '', '', jsonb_build_object('plan', n % 10), '', 0
             FROM generate_series(1, 2000) AS n",
            "INSERT INTO entry (build, word, key) SELECT 1, sha256(n::text::bytea), 'c-' || n
             FROM generate_series(1, 2000) AS n",
        ] {
            sqlx::query(sql).execute(&mut *connection).await.unwrap();
        }
    }

    /// How the server goes about a query.
    async fn steps(connection: &mut PgConnection, indexes: &[Index], query: DocumentQuery) -> String {
        let asked = indexes.iter().filter(|index| query.filters.iter().any(|f| f.at == index.pointer));
        let Text { sql, values } = Text::of(&asked.collect::<Vec<_>>(), BuildId(1), &query).unwrap();
        let sql = AssertSqlSafe(format!("EXPLAIN (COSTS OFF) {sql}"));
        let rows = sqlx::query_with(sql, values).fetch_all(connection).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0) + "\n").collect()
    }

    fn equal(at: &str, value: Value) -> DocumentQuery {
        let mut query = DocumentQuery::default();
        query.filters = vec![Filter { at: at.into(), is: Comparison::Equal, value }];
        query
    }

    #[tokio::test]
    async fn a_query_reads_what_it_asks_for_through_an_index_and_in_order() {
        let server = Postgres::fresh();
        let (mut connection, indexes) = opened(&server).await;
        // A plan that was made before there was anything is kept.
        for full in [false, true] {
            if full {
                fill(&mut connection).await;
            }
            for value in [json!("gold"), json!(7), json!(true), json!(null)] {
                for at in DECLARED {
                    let steps = steps(&mut connection, &indexes, equal(at, value.clone())).await;
                    assert!(steps.contains("Index Scan using open_1_"), "{at} {value}: {steps}");
                    assert!(steps.contains("(jsonb_hash_extended("), "{steps}");
                    assert!(!steps.contains("Sort"), "the index gives the order too: {steps}");
                }
            }
            let other = steps(&mut connection, &indexes, equal("/city", json!("London"))).await;
            assert!(other.contains("Index Scan using document_pkey on document"), "{other}");
            assert!(!other.contains("Sort"), "a build is read in order: {other}");

            let mut named = DocumentQuery::default();
            named.token = Some(("name".into(), [7; 16]));
            let named = steps(&mut connection, &indexes, named).await;
            assert!(named.contains("using entry_pkey on entry"), "{named}");
            assert!(named.contains("Index Scan using document_pkey on document"), "{named}");
            assert!(
                named.contains("Nested Loop") && !named.contains("Sort"),
                "nothing else is read: {named}"
            );
        }
    }
}
