//! What a view does when an event comes.

use std::collections::BTreeSet;

use globset::GlobSet;
use oubliette_core::{Changes, DocumentKey, Result};
use serde_json::Value;

use super::field::{Change, Field, text};
use super::place::Place;
use super::seen::Seen;

#[derive(Clone)]
pub(super) struct On {
    pub(super) events: GlobSet,
    pub(super) key: Place,
    pub(super) act: Act,
}

#[derive(Clone)]
pub(super) enum Act {
    Change(Vec<Field>),
    Remove,
}

impl On {
    pub(super) fn apply(&self, seen: &Seen, changes: &mut Changes<Value>) -> Result<()> {
        let keys = self.keys(seen)?;
        if keys.is_empty() {
            return Ok(());
        }
        let Act::Change(fields) = &self.act else {
            return keys.into_iter().try_for_each(|key| changes.remove(key));
        };
        let mut changed: Vec<(String, Change)> = Vec::with_capacity(fields.len());
        for field in fields {
            changed.extend(field.change(seen)?.map(|change| (field.name.clone(), change)));
        }
        keys.into_iter().try_for_each(|key| {
            let changed = changed.clone();
            changes.update(key, move |document| {
                for (name, change) in changed {
                    if let Some(field) = document.get_mut(name) {
                        change.make(field);
                    }
                }
            })
        })
    }

    /// The documents that an event is about, each once.
    fn keys(&self, seen: &Seen) -> Result<BTreeSet<DocumentKey>> {
        let keys = self.key.labels(seen, "key")?;
        let named = keys.into_iter().map(|key| DocumentKey::new(text(key)));
        named.collect::<Result<_>>().map_err(|error| self.key.blame(error, "key"))
    }
}
