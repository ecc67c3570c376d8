//! Upcasting: events written in an old schema are lifted when they are read.

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::ids::EventType;

/// Lifts the open part of an event from one version of its schema to the next.
///
/// Markers of personal values are strings in it: move them as they are.
pub type Upcast = Box<dyn Fn(Value) -> Result<Value> + Send + Sync>;

/// The upcasts of a program: `n` of them for a type mean that its schema is at `n + 1`.
#[derive(Default)]
pub(crate) struct Upcasts(HashMap<EventType, Vec<Upcast>>);

impl Upcasts {
    /// Registers the upcast from version `from` to the next.
    pub(crate) fn register(&mut self, of: EventType, from: u32, upcast: Upcast) -> Result<()> {
        let chain = self.0.entry(of.clone()).or_default();
        if usize::try_from(from).ok() != Some(chain.len() + 1) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "build",
                "upcasts of a type are registered in order, from version 1, each once",
            )
            .with("type", of)
            .with("from", from)
            .with("expected", chain.len() + 1));
        }
        chain.push(upcast);
        Ok(())
    }

    /// The version that this program writes.
    pub(crate) fn current(&self, of: &EventType) -> u32 {
        self.0.get(of).map_or(1, |chain| u32::try_from(chain.len()).unwrap_or(u32::MAX - 1) + 1)
    }

    /// Whether an event of version `schema` is read as it stands.
    pub(crate) fn is_current(&self, of: &EventType, schema: u32) -> Result<bool> {
        let current = self.current(of);
        if schema > current {
            return Err(Error::new(
                ErrorKind::NewerFormat,
                "read",
                "the event's schema is newer than this program knows: upgrade it",
            )
            .with("type", of)
            .with("schema", schema)
            .with("known", current));
        }
        Ok(schema == current)
    }

    pub(crate) fn lift(&self, of: &EventType, schema: u32, value: Value) -> Result<Value> {
        let done = usize::try_from(schema.max(1)).unwrap_or(usize::MAX) - 1;
        let chain = self.0.get(of).map_or(&[][..], Vec::as_slice);
        chain.iter().skip(done).try_fold(value, |value, upcast| upcast(value))
    }
}

impl fmt::Debug for Upcasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(of, chain)| (of, chain.len() + 1))).finish()
    }
}
