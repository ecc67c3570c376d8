//! From an event and what was found in it to a draft.

use oubliette_core::{Draft, Error, ErrorKind, EventType, Ownership, PersonalField, Result};
use serde_json::Value;

use crate::aliases::AliasIndex;
use crate::catalogue::{Act, Catalogue};
use crate::found::Found;
use crate::plan::{Plan, holds_address};

/// So many paths are named in an error at most.
const SHOWN: usize = 20;

impl Catalogue {
    /// Makes a draft of an event that was surveyed, its personal data apart.
    ///
    /// Every alias of the event must be in the index by then. Aliases of other events
    /// that are in it are found in this one too: survey a whole batch before drafting it.
    ///
    /// # Errors
    /// `Residue` when the policy refuses what also stands in the open part, or where it
    /// cannot be sealed (the name of a field, the type of the event); `Invalid` when the
    /// index lacks an alias of the event, or `found` is of another event.
    pub fn draft(
        &self,
        event_type: EventType,
        event: Value,
        found: &Found,
        aliases: &AliasIndex,
    ) -> Result<Draft> {
        let name = event_type.as_str();
        if holds_address(name, &self.residue.find(name, aliases), aliases) {
            return Err(residue("the type of an event holds an address: it is stored readable"));
        }
        let Plan { mut fields, residue: rest, keys } = self.plan(&event, found, aliases)?;
        if !keys.is_empty() {
            let text = "the name of a field holds an address, and cannot be sealed: make the address a value";
            return Err(residue(text).with("at", joined(keys.into_iter())));
        }
        match &self.residue.act {
            Act::Refuse if rest.is_empty() => {}
            Act::Refuse => {
                let text = "what is sealed also stands in the open part: declare those fields in a rule, \
                            leave the values out, or set the policy of [residue] to \"seal\"";
                let at = rest.iter().map(|(pointer, _)| aliases.pattern(pointer));
                return Err(residue(text).with("at", joined(at)));
            }
            Act::Seal { purpose, null } => {
                fields.extend(rest.into_iter().map(|(pointer, subjects)| PersonalField {
                    pointer,
                    ownership: Ownership::new(subjects, purpose.clone()),
                    null: null.clone(),
                }));
            }
        }
        Draft::from_json(event_type, event, &fields)
    }
}

fn residue(text: &'static str) -> Error {
    Error::new(ErrorKind::Residue, "draft", text)
}

fn joined(paths: impl ExactSizeIterator<Item = String>) -> String {
    let more = paths.len().saturating_sub(SHOWN);
    let mut text = paths.take(SHOWN).collect::<Vec<_>>().join(" ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
