//! Where in an event a value stands.

use oubliette_core::{Error, ErrorKind, Result};
use serde_json::Value;
use serde_json_path::JsonPath;
use toml::Spanned;

use super::seen::Seen;
use crate::source::Source;

/// A place in an event.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// As it is written, for error texts.
    text: String,
    at: At,
}

#[derive(Clone, Debug)]
enum At {
    Json(JsonPath),
    Type,
    Stream,
    Position,
    Moment,
}

impl Place {
    /// Reads a place. `part` is the projection, for error texts.
    pub(super) fn parse(source: &Source<'_>, written: &Spanned<String>, part: &str) -> Result<Self> {
        let text = written.get_ref();
        let at = match text.as_str() {
            "@type" => At::Type,
            "@stream" => At::Stream,
            "@position" => At::Position,
            "@recorded_at" => At::Moment,
            other if other.starts_with('@') => {
                let text = "what stands beside the body of an event is @type, @stream, @position or \
                            @recorded_at; what stands in it is a JSONPath such as \"$.user.login\"";
                return Err(source.fault(written, Some(part), text));
            }
            _ => At::Json(source.path(written, part)?),
        };
        Ok(Self { text: text.clone(), at })
    }

    /// The first value there, personal or not, to be copied as it is.
    pub(super) fn value(&self, seen: &Seen) -> Option<Value> {
        self.find(seen).first().copied().cloned()
    }

    /// The open values there, for what is stored readable: strings, whole numbers and truth
    /// values. Null and the empty string say nothing.
    pub(super) fn labels<'a>(&self, seen: &'a Seen, field: &str) -> Result<Vec<&'a Value>> {
        let fault = |kind, text: &'static str| self.blame(Error::new(kind, "project", text), field);
        let mut labels = Vec::new();
        for value in self.find(seen) {
            match value {
                Value::Null => {}
                Value::String(text) if text.is_empty() => {}
                Value::String(text) if seen.is_personal(text) => {
                    return Err(fault(
                        ErrorKind::Residue,
                        "a path leads to a personal value, and keys, labels and what is collected are stored \
                         readable: take an open value in its place, an id for example, or copy the personal \
                         value with `set` or `first`",
                    ));
                }
                Value::Number(number) if !number.is_f64() => labels.push(value),
                Value::Bool(_) | Value::String(_) => labels.push(value),
                Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(fault(
                        ErrorKind::Invalid,
                        "keys, labels and what is collected are strings, whole numbers, true or false, and a \
                         path leads to a fraction, a list or an object: narrow it",
                    ));
                }
            }
        }
        Ok(labels)
    }

    fn find<'a>(&self, seen: &'a Seen) -> Vec<&'a Value> {
        match &self.at {
            At::Json(path) => path.query(seen.json()).all(),
            At::Type => vec![&seen.event_type],
            At::Stream => vec![&seen.stream],
            At::Position => vec![&seen.position],
            At::Moment => vec![&seen.recorded_at],
        }
    }

    /// Says in an error which field and which path it is about.
    pub(super) fn blame(&self, error: Error, field: &str) -> Error {
        error.with("field", field).with("at", &self.text)
    }
}
