//! An event as declared views see it: which of its strings are personal is known.

use std::collections::HashSet;

use oubliette_core::{Personal, Result, ViewEvent};
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::pointer::{Met, walk};

pub(super) struct Seen {
    pub(super) event_type: Value,
    pub(super) stream: Value,
    pub(super) position: Value,
    pub(super) recorded_at: Value,
    body: Body,
}

/// The event's JSON, and the markers in it: the strings that stand for personal values.
struct Body {
    json: Value,
    markers: HashSet<String>,
}

impl Seen {
    pub(super) fn of(event: &ViewEvent<'_>) -> Result<Self> {
        Ok(Self {
            event_type: event.event_type().as_str().into(),
            stream: event.stream().as_str().into(),
            position: event.position().0.into(),
            recorded_at: event.recorded_at().to_string().into(),
            body: event.data()?,
        })
    }

    pub(super) fn json(&self) -> &Value {
        &self.body.json
    }

    /// Whether a text of its JSON stands for a personal value.
    pub(super) fn is_personal(&self, text: &str) -> bool {
        self.body.markers.contains(text)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        let mut markers = HashSet::new();
        walk(&json, &mut String::new(), &|_| false, &mut |_, met| {
            if let Met::Text(text) = met
                && is_marker(text)
            {
                markers.insert(text.to_owned());
            }
        });
        Ok(Self { json, markers })
    }
}

/// Whether a text is a marker of the event that is just read: only such a one reads as a
/// personal value. No text of a program's own does, whatever it looks like.
fn is_marker(text: &str) -> bool {
    Personal::<String>::deserialize(StrDeserializer::<ValueError>::new(text)).is_ok()
}
