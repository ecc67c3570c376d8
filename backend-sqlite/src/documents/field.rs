//! Open fields in SQL: from RFC 6901 pointers to the paths of SQLite's JSON functions.

use oubliette_core::stored::{is_place, steps};
use oubliette_core::{Error, ErrorKind, ProjectionName, Result};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use crate::error;

const OP: &str = "open";
/// Numbers in a pointer that may each be a place in a list or a name.
const NUMBERS: usize = 4;

/// The paths that a pointer stands for. At most one of them leads to something in any
/// document. None for a text that is no pointer, or has too many numbers in it.
///
/// A number in a pointer is a place in a list or the name of a field: in SQLite's paths
/// these are written differently.
pub(super) fn paths(pointer: &str) -> Option<Vec<String>> {
    let mut paths = vec!["$".to_owned()];
    for name in steps(pointer)? {
        // A label is JSON: what it escapes is a quote, a backslash or a control character.
        let label = format!(".{}", serde_json::Value::String(name.clone()));
        let place = is_place(&name).then(|| format!("[{name}]"));
        let with = |end: &str| paths.iter().map(|path| format!("{path}{end}")).collect::<Vec<_>>();
        let mut longer = with(&label);
        longer.extend(place.into_iter().flat_map(|place| with(&place)));
        paths = longer;
    }
    (paths.len() <= 1 << NUMBERS).then_some(paths)
}

/// A field as SQL: its value, and its JSON type. No value and no type where it is not.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) value: String,
    pub(super) kind: String,
}

impl Field {
    /// Of paths as SQL: what is bound, or literals.
    pub(super) fn of(paths: &[String]) -> Self {
        let first = |function: &str| {
            let calls: Vec<_> = paths.iter().map(|path| format!("{function}(open, {path})")).collect();
            match calls.as_slice() {
                [call] => call.clone(),
                calls => format!("coalesce({})", calls.join(", ")),
            }
        };
        Self { value: first("json_extract"), kind: first("json_type") }
    }
}

/// An index that was declared on an open field.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) projection: i64,
    pub(super) pointer: String,
    pub(super) field: Field,
}

impl Index {
    /// Makes those that are not there, of projections and pointers.
    pub(super) async fn create_all(
        connection: &mut SqliteConnection,
        declared: Vec<(String, String)>,
    ) -> Result<Vec<Self>> {
        let mut indexes = Vec::with_capacity(declared.len());
        for (projection, pointer) in &declared {
            indexes.push(Self::create(connection, projection, pointer).await?);
        }
        Ok(indexes)
    }

    async fn create(connection: &mut SqliteConnection, projection: &str, pointer: &str) -> Result<Self> {
        let name = ProjectionName::new(projection)?;
        let paths = paths(pointer).filter(|_| !pointer.contains('\0')).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, OP, "an index is on a field that an RFC 6901 pointer names")
        })?;
        let literals: Vec<_> = paths.iter().map(|path| quoted('\'', path)).collect();
        let field = Field::of(&literals);
        let projection = projection_id(connection, &name, OP).await?;
        let index = quoted('"', &format!("open {projection} {pointer}"));
        let sql = format!(
            "CREATE INDEX IF NOT EXISTS {index} ON document (build, {}, key) WHERE projection = {projection}",
            field.value
        );
        sqlx::query(AssertSqlSafe(sql)).execute(connection).await.map_err(error::of(OP))?;
        Ok(Self { projection, pointer: pointer.to_owned(), field })
    }
}

/// The number of a projection, which it gets when it is first named.
pub(super) async fn projection_id(
    connection: &mut SqliteConnection,
    name: &ProjectionName,
    op: &'static str,
) -> Result<i64> {
    // An update that changes nothing, so that it returns the row.
    let row = sqlx::query(
        "INSERT INTO projection (name) VALUES (?1) ON CONFLICT (name) DO UPDATE SET name = name RETURNING id",
    )
    .bind(name.as_str())
    .fetch_one(connection)
    .await
    .map_err(error::of(op))?;
    row.try_get(0).map_err(error::of(op))
}

/// A name or a text in SQL: only its own quote could end it.
fn quoted(quote: char, text: &str) -> String {
    let doubled: String = [quote, quote].iter().collect();
    format!("{quote}{}{quote}", text.replace(quote, &doubled))
}
