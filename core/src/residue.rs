//! The residue check: what is sealed must not also stand in the open part.

use memchr::memmem;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::parts::Group;

/// Shorter personal strings are not looked for: they stand in other words by chance.
pub(crate) const MIN_BYTES: usize = 5;

/// Refuses an event of which a personal string also stands in the open part.
pub(crate) fn refuse(open: &[u8], groups: &[Group]) -> Result<()> {
    for group in groups {
        for text in group.strings()?.iter().filter(|text| text.len() >= MIN_BYTES) {
            // Nearly always there is no hit, and the open part is not parsed.
            if !may_stand_in(open, text)? {
                continue;
            }
            let json: Value = serde_json::from_slice(open)
                .map_err(|e| Error::json(ErrorKind::Unexpected, "append", "an open part", &e))?;
            let mut at = Vec::new();
            find(&json, text, &mut String::new(), &mut at);
            if !at.is_empty() {
                return Err(Error::new(
                    ErrorKind::Residue,
                    "append",
                    "a personal value also stands in the open part of its event: \
                     make that field `Personal` too, or leave the value out of it",
                )
                .with("purpose", &group.ownership.purpose)
                .with("at", at.join(" ")));
            }
        }
    }
    Ok(())
}

fn may_stand_in(open: &[u8], text: &str) -> Result<bool> {
    if memmem::find(open, text.as_bytes()).is_some() {
        return Ok(true);
    }
    // As JSON writes it, if that differs.
    let json = serde_json::to_vec(text)
        .map_err(|error| Error::json(ErrorKind::Unexpected, "append", "a string", &error))?;
    let escaped = json.get(1..json.len() - 1).unwrap_or_default();
    Ok(escaped.len() != text.len() && memmem::find(open, escaped).is_some())
}

/// The pointers of the strings that hold `text`.
fn find(json: &Value, text: &str, path: &mut String, at: &mut Vec<String>) {
    let len = path.len();
    match json {
        Value::String(found) if found.contains(text) => at.push(path.clone()),
        Value::Array(values) => {
            for (n, value) in values.iter().enumerate() {
                path.push_str(&format!("/{n}"));
                find(value, text, path, at);
                path.truncate(len);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                path.push('/');
                path.push_str(&name.replace('~', "~0").replace('/', "~1"));
                find(value, text, path, at);
                path.truncate(len);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
