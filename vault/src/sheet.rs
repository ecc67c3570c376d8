//! Records of one kind that a decision has read, and what it makes of them.

use std::collections::{HashMap, HashSet};

use oubliette_core::SubjectId;

use crate::wire::{Record, Subject};

/// Records of one kind.
pub(crate) struct Sheet<R: Record>(HashMap<R::Id, Entry<R>>);

struct Entry<R> {
    record: Option<R>,
    changed: bool,
}

impl<R: Record> Sheet<R> {
    pub(crate) fn new() -> Self {
        Self(HashMap::new())
    }

    pub(crate) fn get(&self, id: &R::Id) -> Option<&R> {
        self.0.get(id)?.record.as_ref()
    }

    /// A record that is there, to be changed.
    pub(crate) fn edit(&mut self, id: &R::Id) -> Option<&mut R> {
        let entry = self.0.get_mut(id)?;
        entry.changed |= entry.record.is_some();
        entry.record.as_mut()
    }

    pub(crate) fn put(&mut self, id: R::Id, record: R) {
        self.0.insert(id, Entry { record: Some(record), changed: true });
    }

    pub(crate) fn remove(&mut self, id: R::Id) {
        self.0.insert(id, Entry { record: None, changed: true });
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.0.values().any(|entry| entry.changed)
    }

    /// What is to be written; where there is no record it is to be taken away.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (&R::Id, Option<&R>)> {
        let changed = self.0.iter().filter(|(_, entry)| entry.changed);
        changed.map(|(id, entry)| (id, entry.record.as_ref()))
    }

    /// Those that were not read yet, each once.
    pub(crate) fn unread(&self, ids: Vec<R::Id>) -> Vec<R::Id> {
        let mut seen = HashSet::new();
        ids.into_iter().filter(|id| !self.0.contains_key(id) && seen.insert(id.clone())).collect()
    }

    pub(crate) fn keep(&mut self, id: R::Id, record: Option<R>) {
        self.0.insert(id, Entry { record, changed: false });
    }
}

impl Sheet<Subject> {
    /// A subject, to be changed; a new one where there is none.
    pub(crate) fn of(&mut self, id: &SubjectId) -> &mut Subject {
        let entry = self.0.entry(id.clone()).or_insert(Entry { record: None, changed: true });
        entry.changed = true;
        entry.record.get_or_insert_default()
    }
}
