//! Open fields in SQL: as a jsonb holds them, and the indexes that are declared on them.

use oubliette_core::stored::steps;
use oubliette_core::{Error, ErrorKind, ProjectionName, Result};
use serde_json::{Number, Value};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use crate::connections::Failure;

/// The fields of an open part, for filters: the JSON that a jsonb is made of. `None` when it is
/// no JSON, and then it has none.
pub(super) fn fields(open: &[u8]) -> Option<String> {
    serde_json::from_slice(open).ok().map(|open| as_jsonb(&open))
}

/// A value as a jsonb holds it.
pub(super) fn as_jsonb(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value);
    text
}

/// A text as a jsonb holds it. U+0000 stands in no jsonb: it is written as U+0001 U+0001, and
/// U+0001 as U+0001 U+0002. So different texts stay different, and in their order.
pub(super) fn plain(text: &str) -> String {
    text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}")
}

fn write(text: &mut String, value: &Value) {
    match value {
        Value::Null | Value::Bool(_) => text.push_str(&value.to_string()),
        Value::Number(number) => text.push_str(&digits(number)),
        Value::String(value) => quoted(text, value),
        Value::Array(values) => {
            for (n, value) in values.iter().enumerate() {
                text.push(if n == 0 { '[' } else { ',' });
                write(text, value);
            }
            text.push_str(if values.is_empty() { "[]" } else { "]" });
        }
        Value::Object(fields) => {
            for (n, (name, value)) in fields.iter().enumerate() {
                text.push(if n == 0 { '{' } else { ',' });
                quoted(text, name);
                text.push(':');
                write(text, value);
            }
            text.push_str(if fields.is_empty() { "{}" } else { "}" });
        }
    }
}

fn quoted(text: &mut String, value: &str) {
    text.push_str(&Value::String(plain(value)).to_string());
}

/// A number, by value: a whole one in all its digits, however it is written. A jsonb compares
/// decimally, and the shortest text of a large float is another whole number.
fn digits(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e30 => {
            (float as i128).to_string()
        }
        _ => number.to_string(),
    }
}

/// An index that was declared on an open field.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) projection: i64,
    pub(super) pointer: String,
    /// The field as SQL.
    pub(super) field: String,
}

impl Index {
    /// Makes those that are not there, of projections and pointers.
    pub(super) async fn create_all(
        connection: &mut PgConnection,
        declared: &[(String, String)],
    ) -> Result<Vec<Self>, Failure> {
        // Of two processes that declare the same, one waits for the other. An index on many
        // documents takes longer than any statement may.
        for sql in ["LOCK TABLE projection IN SHARE ROW EXCLUSIVE MODE", "SET LOCAL statement_timeout = 0"] {
            sqlx::query(sql).execute(&mut *connection).await?;
        }
        let mut indexes = Vec::with_capacity(declared.len());
        for (projection, pointer) in declared {
            indexes.push(Self::create(connection, projection, pointer).await?);
        }
        Ok(indexes)
    }

    async fn create(connection: &mut PgConnection, projection: &str, pointer: &str) -> Result<Self, Failure> {
        let name = ProjectionName::new(projection)?;
        let steps = steps(pointer).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "open", "an index is on a field that an RFC 6901 pointer names")
        })?;
        let steps: Vec<String> = steps.iter().map(|step| plain(step)).collect();
        let projection = projection_id(connection, &name).await?;
        let (index, field, there): (String, String, bool) = sqlx::query_as(
            "SELECT name, format('(fields #> %L::text[])', $2::text[]), to_regclass(name) IS NOT NULL
             FROM (SELECT format('open_%s_%s', $1::bigint, left(encode(sha256($3), 'hex'), 32))) AS named (name)",
        )
        .bind(projection)
        .bind(steps)
        .bind(pointer.as_bytes())
        .fetch_one(&mut *connection)
        .await?;
        if !there {
            // Of values of any type and length: who finds one by its hash compares it, too.
            let create = format!(
                "CREATE INDEX {index} ON document (build, jsonb_hash_extended({field}, 0::bigint), key)
                 WHERE projection = {projection}"
            );
            let still = format!("ALTER INDEX {index} ALTER COLUMN 2 SET STATISTICS 0");
            for sql in [create, still] {
                sqlx::query(AssertSqlSafe(sql)).execute(&mut *connection).await?;
            }
        }
        Ok(Self { projection, pointer: pointer.to_owned(), field })
    }
}

/// The number of a projection, which it gets when it is first named.
pub(super) async fn projection_id(
    connection: &mut PgConnection,
    name: &ProjectionName,
) -> Result<i64, Failure> {
    // An update that changes nothing, so that it returns the row.
    let id = sqlx::query_scalar(
        "INSERT INTO projection (name) VALUES ($1)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
    )
    .bind(name.as_str())
    .fetch_one(connection)
    .await?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(open: &str) -> String {
        fields(open.as_bytes()).unwrap()
    }

    #[test]
    fn a_whole_number_is_written_in_all_its_digits() {
        assert_eq!(
            told("[1.0, -0.0, 2e3, 1152921504606846976.0, 18446744073709551615, 1e22]"),
            "[1,0,2000,1152921504606846976,18446744073709551615,10000000000000000000000]"
        );
        assert_eq!(told("[0.5, 1e30, -2.5e-7]"), "[0.5,1e+30,-2.5e-7]");
    }

    #[test]
    fn what_no_jsonb_holds_is_another_text_of_the_same_order() {
        assert_eq!(told(r#"{"a\u0000":"\u0001"}"#), r#"{"a\u0001\u0001":"\u0001\u0002"}"#);
        let texts = ["", "\0", "\0\0", "\0\u{1}", "\0\u{2}", "\u{1}", "\u{1}\0", "\u{1}\u{1}", "\u{2}", "a"];
        let plain: Vec<_> = texts.map(plain).to_vec();
        assert!(texts.is_sorted() && plain.is_sorted_by(|a, b| a < b), "{plain:?}");
    }

    #[test]
    fn what_is_no_json_has_no_fields() {
        for open in [b"".as_slice(), b"{", b"\xff", b"1e999", b"{}{}", b"\0"] {
            assert_eq!(fields(open), None, "{open:?}");
        }
        for open in ["{}", "[]", "null", "\"ü\"", "[{},[1,\"a\"],true]", "{\"a\":{\"b\":[]},\"c\":1}"] {
            assert_eq!(told(open), open);
        }
    }
}
