//! The residue check at write: whether a document says what only a sealed part may say.
//!
//! A view reads no personal value, and so it can only copy one that it has from elsewhere.
//! What events say openly is open in the log already: a document may say it too. So nobody
//! stops a projection by calling themselves what others use as an open word.

use memchr::memmem;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::opened::Event;
use crate::pointer;
use crate::residue::{MIN_BYTES, PROBE, decode, literals, parse};

/// A document as it is about to be written.
pub(super) struct Written<'a> {
    pub(super) key: &'a str,
    pub(super) open: &'a [u8],
    /// The open part that it had before.
    pub(super) before: Option<&'a [u8]>,
    /// The events that changed it.
    pub(super) events: &'a [&'a Event],
    /// Words of the view's own.
    pub(super) words: &'a [String],
}

impl Written<'_> {
    /// Refuses it when it says a text of a sealed part that nobody said openly.
    pub(super) fn refuse(&self, personal: &[u8]) -> Result<()> {
        for literal in literals(personal).filter(|literal| literal.len() >= MIN_BYTES) {
            // Both sides are escaped alike but for the key, and nearly always there is no hit.
            let probe = literal.get(..PROBE).unwrap_or(literal);
            let in_key = literal.contains(&b'\\') || memmem::find(self.key.as_bytes(), probe).is_some();
            if in_key || memmem::find(self.open, probe).is_some() {
                self.look(literal)?;
            }
        }
        Ok(())
    }

    /// Looks again, at whole texts.
    fn look(&self, literal: &[u8]) -> Result<()> {
        let text = decode(literal)?;
        if text.len() < MIN_BYTES {
            return Ok(());
        }
        let mut holding = Vec::new();
        if self.key.contains(text.as_str()) {
            holding.push((self.key.to_owned(), "its key".to_owned()));
        }
        walk(&parse(self.open)?, &mut String::new(), &mut |said, path, is_label| {
            if said.contains(text.as_str()) {
                let place = if is_label { format!("a label under {path:?}") } else { path.to_owned() };
                holding.push((said.to_owned(), place));
            }
        });
        if holding.is_empty() {
            return Ok(());
        }
        let open = self.said_openly()?;
        let copied = holding.iter().filter(|(said, _)| !open.iter().any(|open| open.contains(said.as_str())));
        let places: Vec<&str> = copied.map(|(_, place)| place.as_str()).collect();
        if places.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Residue,
            "project",
            "a personal value stands in the open part, the key or a label of a document, and no event says it \
             openly: move it into a `Personal` field, or leave it out; if it is a word of the view\'s own, name it \
             in the projection\'s options",
        )
        .with("at", places.join(", ")))
    }

    /// Everything that may stand in it: what its events say openly, what it said before, and
    /// the view's own words.
    fn said_openly(&self) -> Result<Vec<String>> {
        let mut said: Vec<String> = self.words.to_vec();
        let mut take = |text: &str, _: &str, _| said.push(text.to_owned());
        for event in self.events {
            walk(&event.to_carry()?.0, &mut String::new(), &mut take);
            for text in [
                event.event_type.to_string(),
                event.stream.to_string(),
                event.id.to_string(),
                event.recorded_at.to_string(),
                event.position.to_string(),
                event.version.to_string(),
            ] {
                take(&text, "", false);
            }
        }
        if let Some(before) = self.before {
            walk(&parse(before)?, &mut String::new(), &mut take);
        }
        Ok(said)
    }
}

/// The texts in a document as its view begins it: names of fields, and values.
pub(super) fn words(start: &Value) -> Vec<String> {
    let mut words = Vec::new();
    walk(start, &mut String::new(), &mut |text, _, _| words.push(text.to_owned()));
    words
}

/// Visits every text in JSON, with its place: values, and names in objects as labels.
fn walk(json: &Value, path: &mut String, visit: &mut impl FnMut(&str, &str, bool)) {
    match json {
        Value::String(text) => visit(text, path, false),
        Value::Array(values) => {
            for (n, value) in values.iter().enumerate() {
                pointer::under(path, &n.to_string(), |path| walk(value, path, visit));
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                visit(name, path, true);
                pointer::under(path, name, |path| walk(value, path, visit));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
