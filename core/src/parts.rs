//! Personal values on their way in: grouped by ownership, one part a group.

use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::marker::{Marker, Tag};
use crate::personal::Ownership;

/// The personal values of one event, as JSON, grouped by whose they are and what for.
pub(crate) struct Collector {
    tag: Tag,
    groups: Vec<Group>,
}

/// The values of one sealed part to be.
pub(crate) struct Group {
    pub(crate) ownership: Ownership,
    count: u32,
    /// A JSON array without its closing bracket.
    json: Zeroizing<Vec<u8>>,
}

impl Collector {
    pub(crate) fn new(tag: Tag) -> Self {
        Self { tag, groups: Vec::new() }
    }

    pub(crate) fn like(&self) -> Self {
        Self::new(self.tag)
    }

    pub(crate) fn tag(&self) -> Tag {
        self.tag
    }

    /// Takes a value and gives the marker to leave in its place.
    pub(crate) fn add<T: Serialize + ?Sized>(
        &mut self,
        ownership: &Ownership,
        value: &T,
        null: Option<&str>,
    ) -> Result<String> {
        let found = self.groups.iter().position(|group| group.ownership == *ownership);
        let part = found.unwrap_or(self.groups.len());
        let number = u16::try_from(part).map_err(|_| {
            Error::new(ErrorKind::LimitExceeded, "append", "an event has at most 65,536 sealed parts")
        })?;
        if found.is_none() {
            self.groups.push(Group::new(ownership.clone()));
        }
        let group = self
            .groups
            .get_mut(part)
            .ok_or_else(|| Error::new(ErrorKind::Unexpected, "append", "a group of values went missing"))?;
        let index = group.add(value)?;
        // Once a part is enough for whoever asks what a forgotten part was held for.
        let purpose = (index == 0).then(|| ownership.purpose.as_str());
        Ok(self.tag.write(Marker::Value { part: number, index, purpose, null }))
    }

    pub(crate) fn into_groups(self) -> Vec<Group> {
        self.groups
    }
}

impl Group {
    fn new(ownership: Ownership) -> Self {
        // Room for what a person's values usually take: growing would leave copies of
        // the plaintext behind in freed memory.
        Self { ownership, count: 0, json: Zeroizing::new(Vec::with_capacity(512)) }
    }

    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<u32> {
        let before = self.json.len();
        self.json.push(if self.count == 0 { b'[' } else { b',' });
        if let Err(error) = serde_json::to_writer(&mut *self.json, value) {
            self.json.truncate(before);
            return Err(Error::json(ErrorKind::Invalid, "append", "a personal value", &error));
        }
        let index = self.count;
        self.count += 1;
        Ok(index)
    }

    /// The plaintext of the part: a JSON array of the values.
    pub(crate) fn into_plaintext(mut self) -> (Ownership, Zeroizing<Vec<u8>>) {
        self.json.push(b']');
        (self.ownership, self.json)
    }

    /// The values as JSON: an array without its closing bracket.
    pub(crate) fn json(&self) -> &[u8] {
        &self.json
    }
}
