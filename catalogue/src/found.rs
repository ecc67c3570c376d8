//! What a catalogue finds in an event.

use std::collections::{BTreeSet, HashSet};

use oubliette_core::Purpose;
use oubliette_core::alias::{AliasName, Naming};
use serde_json::Value;

use crate::pointer::and_above;

/// The people and personal fields of one event, before aliases have pseudonyms.
#[derive(Debug, Default)]
pub struct Found {
    pub(crate) claims: Vec<Claim>,
    pub(crate) fields: Vec<FoundField>,
    /// Values found by each rule, in the order of the catalogue.
    pub(crate) matched: Vec<u64>,
    /// Where fields stand.
    taken: BTreeSet<String>,
}

/// A value that is about a person, by one rule.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Who it names, but for aliases that an earlier rule took.
    pub(crate) naming: Naming,
    /// The aliases that own its fields when it has no subject.
    pub(crate) owners: Vec<AliasName>,
}

/// A personal field.
#[derive(Debug)]
pub(crate) struct FoundField {
    pub(crate) pointer: String,
    pub(crate) claim: usize,
    pub(crate) purpose: Purpose,
    pub(crate) null: Value,
    pub(crate) mentions: bool,
}

impl Found {
    /// Who the event says goes by which alias, each once: what the vault is told.
    pub fn namings(&self) -> Vec<Naming> {
        let mut seen = HashSet::new();
        let namings =
            self.claims.iter().map(|claim| &claim.naming).filter(|naming| !naming.aliases.is_empty());
        namings.filter(|naming| seen.insert(*naming)).cloned().collect()
    }

    /// Whether a field stands at this very pointer.
    pub(crate) fn is_taken(&self, pointer: &str) -> bool {
        self.taken.contains(pointer)
    }

    /// Leaves the fields from the `n`th on open after all.
    pub(crate) fn give_back(&mut self, n: usize) {
        for field in self.fields.drain(n..) {
            self.taken.remove(&field.pointer);
        }
    }

    /// Takes a value as a field, but for what of it is taken already, or says nothing.
    pub(crate) fn take(&mut self, value: &Value, field: FoundField) {
        if says_nothing(value) || and_above(&field.pointer).any(|above| self.taken.contains(above)) {
            return;
        }
        let below = format!("{}/", field.pointer);
        if !self.taken.range(below.clone()..).next().is_some_and(|next| next.starts_with(&below)) {
            self.taken.insert(field.pointer.clone());
            self.fields.push(field);
            return;
        }
        let part = |key: &str| {
            let mut pointer = field.pointer.clone();
            crate::pointer::push_key(&mut pointer, key);
            FoundField { pointer, purpose: field.purpose.clone(), null: Value::Null, ..field }
        };
        match value {
            Value::Array(values) => {
                values.iter().enumerate().for_each(|(n, value)| self.take(value, part(&n.to_string())));
            }
            Value::Object(fields) => fields.iter().for_each(|(key, value)| self.take(value, part(key))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// Nothing is sealed where nothing stands.
fn says_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(pointer: &str) -> FoundField {
        let purpose = Purpose::declared("contract");
        FoundField { pointer: pointer.into(), claim: 0, purpose, null: Value::Null, mentions: false }
    }

    #[test]
    fn no_value_is_taken_twice_from_within_or_from_around() {
        let json = serde_json::json!({"a": {"b": "x", "c": {"d": 1, "e": null}, "f": [2]}, "ab": 3});
        let mut found = Found::default();
        for pointer in ["/a/c/d", "/a/c", "/a", "/a/f/0", "/a/b", "/ab", "/a"] {
            found.take(json.pointer(pointer).unwrap(), field(pointer));
        }
        let taken: Vec<_> = found.fields.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(taken, ["/a/c/d", "/a/b", "/a/f", "/ab"]);
    }
}
