//! A catalogue at work, with pseudonyms that count up.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own half")]

pub mod sample;

use std::collections::HashMap;

use oubliette_catalogue::{AliasIndex, Catalogue};
use oubliette_core::alias::{AliasName, Naming};
use oubliette_core::{Draft, EventType, Result, SubjectId};
use serde_json::Value;

pub const CATALOGUE: &str = r#"name = "Test"
[residue]
policy = "seal"
purpose = "work"
null = "[gone]"
ignore = ["noreply@example.org"]
[purpose.work]
basis = "contract"
retention = "1 year"
[[rule]]
name = "guests"
at = "$..[?@.inviter]"
aliases = ["$.login"]
[[rule.fields]]
paths = ["$.login"]
purpose = "work"
[[rule]]
name = "users"
at = "$..[?@.login && @.id]"
subject = "$.id"
aliases = ["$.login"]
[[rule.fields]]
paths = ["$.login"]
purpose = "work"
null = "ghost"
[[rule.fields]]
paths = ["$.bio", "$.home"]
purpose = "work"
[[rule]]
name = "authors"
at = "$['author', 'committer']"
aliases = ["$.email"]
names = ["$.name"]
[[rule.fields]]
paths = ["$.name", "$.email", "$.phone"]
purpose = "work"
[[rule]]
name = "messages"
at = "$.message"
subject = "$.by"
[[rule.fields]]
paths = ["$.text"]
purpose = "work"
mentions = true
"#;

/// Stands in for the importer and the vault.
pub struct Desk {
    pub catalogue: Catalogue,
    pub event_type: String,
    pub aliases: AliasIndex,
    pseudonyms: HashMap<AliasName, SubjectId>,
}

impl Desk {
    pub fn new(catalogue: &str) -> Self {
        Self {
            catalogue: Catalogue::parse("test.toml", catalogue).unwrap(),
            event_type: "Tested".into(),
            aliases: AliasIndex::new(),
            pseudonyms: HashMap::new(),
        }
    }

    fn event_type(&self) -> EventType {
        EventType::new(&self.event_type).unwrap()
    }

    /// Learns the aliases of an event.
    pub fn learn(&mut self, event: &Value) -> Vec<Naming> {
        self.try_learn(event).unwrap()
    }

    fn try_learn(&mut self, event: &Value) -> Result<Vec<Naming>> {
        let namings = self.catalogue.survey(&self.event_type(), event)?.namings();
        let mut pseudonym = |alias: &AliasName| {
            let next = format!("alias-{}", self.pseudonyms.len());
            self.pseudonyms.entry(alias.folded()).or_insert_with(|| SubjectId::new(next).unwrap()).clone()
        };
        let answer: Vec<Vec<_>> =
            namings.iter().map(|naming| naming.aliases.iter().map(&mut pseudonym).collect()).collect();
        self.aliases.extend(&namings, &answer)?;
        Ok(namings)
    }

    /// Learns an event's aliases and drafts it.
    pub fn draft(&mut self, event: Value) -> Result<Draft> {
        self.try_learn(&event)?;
        let found = self.catalogue.survey(&self.event_type(), &event)?;
        self.catalogue.draft(self.event_type(), event, &found, &self.aliases)
    }

    /// The open part of an event, its markers without their tag and purpose: `part.index:null`.
    pub fn open(&mut self, event: Value) -> Result<Value> {
        Ok(untagged(&self.draft(event)?))
    }

    /// The same, but its aliases were not learned.
    pub fn open_unlearned(&mut self, event: Value) -> Result<Value> {
        let found = self.catalogue.survey(&self.event_type(), &event)?;
        Ok(untagged(&self.catalogue.draft(self.event_type(), event, &found, &self.aliases)?))
    }
}

fn untagged(draft: &Draft) -> Value {
    let mut open = serde_json::from_slice(draft.open_part()).unwrap();
    strip(&mut open);
    open
}

fn strip(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((_, place)) = text.strip_prefix("sealed:").and_then(|rest| rest.split_once(':')) {
                *text = match place.split_once('/').and_then(|(at, rest)| Some((at, rest.split_once(' ')?.1)))
                {
                    Some((at, null)) => format!("{at}{null}"),
                    None => place.to_owned(),
                };
            }
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        Value::Object(fields) => fields.values_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
