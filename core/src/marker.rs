//! Markers: what stands in the open part where a personal value belongs.
//!
//! A marker is a string that begins with a tag made of the event's random id. The id is
//! drawn after the program has made the event, so no text of the program's own can be
//! taken for a marker.

use std::fmt::Write as _;

use crate::ids::EventId;

/// The tag of one event's markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag([u8; LEN]);

const PREFIX: &[u8; 7] = b"sealed:";
const LEN: usize = PREFIX.len() + 16 + 1;

/// What a marker stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker<'a> {
    /// A value in a sealed part, and the JSON to read when it is forgotten. The marker of a
    /// part's first value names what the part is held for.
    Value { part: u16, index: u32, purpose: Option<&'a str>, null: Option<&'a str> },
    /// A value that was forgotten before it was written.
    Forgotten { null: Option<&'a str> },
}

impl Tag {
    /// The tag of an event.
    pub(crate) fn of(event: EventId) -> Self {
        let mut tag = [b':'; LEN];
        let (prefix, rest) = tag.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        // 64 random bits: enough that no text written before them can hold them.
        let (id, _) = event.as_bytes().split_at(8);
        let (digits, _) = rest.split_at_mut(16);
        if hex::encode_to_slice(id, digits).is_err() {
            digits.fill(b'0');
        }
        Self(tag)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Writes a marker.
    pub(crate) fn write(&self, marker: Marker<'_>) -> String {
        let mut text = String::with_capacity(LEN + 8);
        text.push_str(self.as_str());
        let null = match marker {
            Marker::Value { part, index, purpose, null } => {
                // Writing to a string cannot fail.
                let _ = write!(text, "{part}.{index}");
                if let Some(purpose) = purpose {
                    // No purpose holds white space, and so it ends there.
                    let _ = write!(text, "/{purpose} ");
                }
                null
            }
            Marker::Forgotten { null } => {
                text.push('-');
                null
            }
        };
        if let Some(null) = null {
            text.push(':');
            text.push_str(null);
        }
        text
    }

    /// Reads a marker of this event. Any other text is `None`.
    pub(crate) fn read<'a>(&self, text: &'a str) -> Option<Marker<'a>> {
        let rest = text.strip_prefix(self.as_str())?;
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(rest.len());
        let (place, rest) = rest.split_at(digits);
        let (purpose, rest) = match rest.strip_prefix('/') {
            Some(rest) => rest.split_once(' ').map(|(purpose, rest)| (Some(purpose), rest))?,
            None => (None, rest),
        };
        let null = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':')?),
        };
        if place == "-" {
            return Some(Marker::Forgotten { null });
        }
        let (part, index) = place.split_once('.')?;
        Some(Marker::Value { part: part.parse().ok()?, index: index.parse().ok()?, purpose, null })
    }

    /// Where markers of this event stand in `json`, if anywhere.
    pub(crate) fn stands_in(&self, json: &[u8]) -> bool {
        memchr::memmem::find(json, &self.0).is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_marker_survives_its_text(id: [u8; 16], part: u16, index: u32,
            purpose in "[^\u{0} \n]{1,8}", null in "[^\u{0}]{0,8}", some: bool, named: bool) {
            let tag = Tag::of(EventId::from_bytes(id));
            let (purpose, null) = (named.then_some(purpose.as_str()), some.then_some(null.as_str()));
            for marker in [Marker::Value { part, index, purpose, null }, Marker::Forgotten { null }] {
                let text = tag.write(marker);
                prop_assert_eq!(tag.read(&text), Some(marker));
            }
        }

        #[test]
        fn text_that_was_written_before_the_id_is_no_marker(text: String, id: [u8; 16]) {
            prop_assert_eq!(Tag::of(EventId::from_bytes(id)).read(&text), None);
        }
    }

    #[test]
    fn a_marker_of_another_event_is_plain_text() {
        let marker = Tag::of(EventId::from_bytes([1; 16])).write(Marker::Forgotten { null: None });
        assert_eq!(Tag::of(EventId::from_bytes([2; 16])).read(&marker), None);
    }
}
