//! The residue check: what is sealed must not also stand in the open part.

use memchr::{memchr, memmem};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::parts::Group;
use crate::pointer;

/// Shorter personal strings are not looked for: they stand in other words by chance.
pub(crate) const MIN_BYTES: usize = 5;

/// So many bytes of a string are looked for first. Searching for a longer one means
/// preparing the search, which costs more than the search itself.
pub(crate) const PROBE: usize = 16;

/// Refuses an event of which a personal string also stands in the open part.
pub(crate) fn refuse(open: &[u8], groups: &[Group]) -> Result<()> {
    for group in groups {
        for literal in literals(group.json()).filter(|literal| literal.len() >= MIN_BYTES) {
            // Both sides are escaped alike, and nearly always there is no hit.
            let probe = literal.get(..PROBE).unwrap_or(literal);
            if memmem::find(open, probe).is_some() {
                refuse_if_held(open, literal, group)?;
            }
        }
    }
    Ok(())
}

/// Looks again, at strings alone: names of fields are not values.
fn refuse_if_held(open: &[u8], literal: &[u8], group: &Group) -> Result<()> {
    let text = decode(literal)?;
    let mut at = Vec::new();
    find(&parse(open)?, &text, &mut String::new(), &mut at);
    if text.len() < MIN_BYTES || at.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Residue,
        "append",
        "a personal value also stands in the open part of its event: make that field `Personal` too, or \
         leave the value out of it",
    )
    .with("purpose", &group.ownership.purpose)
    .with("at", at.join(" ")))
}

/// The text that a literal stands for.
pub(crate) fn decode(literal: &[u8]) -> Result<Zeroizing<String>> {
    let quoted = Zeroizing::new([b"\"", literal, b"\""].concat());
    serde_json::from_slice(&quoted).map(Zeroizing::new).map_err(|e| unexpected(&e))
}

/// JSON that was written by serde.
pub(crate) fn parse(open: &[u8]) -> Result<Value> {
    serde_json::from_slice(open).map_err(|e| unexpected(&e))
}

fn unexpected(error: &serde_json::Error) -> Error {
    Error::json(ErrorKind::Unexpected, "residue", "an open part", error)
}

/// The string values in JSON that serde wrote, escaped as they stand there. Names of
/// fields are passed over.
pub(crate) fn literals(mut json: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        loop {
            let (_, rest) = json.split_at(memchr(b'"', json)? + 1);
            let mut end = 0;
            while rest.get(end)? != &b'"' {
                end += if rest.get(end) == Some(&b'\\') { 2 } else { 1 };
            }
            let (literal, after) = rest.split_at(end);
            json = after.get(1..)?;
            if json.first() != Some(&b':') {
                return Some(literal);
            }
        }
    })
}

/// The pointers of the strings that hold `text`.
fn find(json: &Value, text: &str, path: &mut String, at: &mut Vec<String>) {
    match json {
        Value::String(found) if found.contains(text) => at.push(path.clone()),
        Value::Array(values) => {
            for (n, value) in values.iter().enumerate() {
                pointer::under(path, &n.to_string(), |path| find(value, text, path, at));
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                pointer::under(path, name, |path| find(value, text, path, at));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strings(json: &Value, into: &mut Vec<String>) {
        match json {
            Value::String(text) => into.push(text.clone()),
            Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
            Value::Object(fields) => fields.values().for_each(|value| strings(value, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<String>().prop_map(Value::from), any::<i32>().prop_map(Value::from)];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_string_value_is_found_in_json_and_no_name_of_a_field(json in json()) {
            let mut expected = Vec::new();
            strings(&json, &mut expected);
            let text = json.to_string();
            let found: Vec<String> = literals(text.as_bytes())
                .map(|literal| serde_json::from_slice(&[b"\"", literal, b"\""].concat()).unwrap())
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
