//! The first pass: who and what is in an event.

use std::collections::HashSet;

use oubliette_core::alias::{AliasKind, AliasName, Naming};
use oubliette_core::{Error, ErrorKind, EventType, Result, SubjectId};
use serde_json::Value;

use crate::catalogue::Catalogue;
use crate::found::{Claim, Found, FoundField};
use crate::pointer::pattern;
use crate::rule::{Rule, at};

impl Catalogue {
    /// Finds the people and personal fields of an event. Where rules overlap, the first
    /// one wins, value by value.
    ///
    /// # Errors
    /// `Invalid`, with rule and path, when a subject is no id, an alias no text, or a
    /// field has no owner.
    pub fn survey(&self, event_type: &EventType, event: &Value) -> Result<Found> {
        let mut survey = Survey { catalogue: self, found: Found::default(), named: HashSet::new() };
        for rule in &self.rules {
            let mut matched = 0;
            if rule.events.is_match(event_type.as_str()) {
                for (pointer, value) in at(&rule.at, event, "") {
                    matched += 1;
                    survey.person(rule, &pointer, value)?;
                }
            }
            survey.found.matched.push(matched);
        }
        Ok(survey.found)
    }
}

struct Survey<'a> {
    catalogue: &'a Catalogue,
    found: Found,
    /// Where aliases stand that a rule has taken.
    named: HashSet<String>,
}

impl Survey<'_> {
    fn person(&mut self, rule: &Rule, base: &str, value: &Value) -> Result<()> {
        let Named { aliases, about_nobody } = self.aliases(rule, base, value)?;
        let (claim, before) = (self.found.claims.len(), self.found.fields.len());
        for fields in &rule.fields {
            for (pointer, value) in fields.paths.iter().flat_map(|path| at(path, value, base)) {
                let (purpose, null) = (fields.purpose.clone(), fields.null.clone());
                self.found
                    .take(value, FoundField { pointer, claim, purpose, null, mentions: fields.mentions });
            }
        }
        let free = aliases.iter().filter(|(pointer, _)| !self.named.contains(pointer));
        let free: Vec<_> = free.map(|(_, alias)| alias.clone()).collect();
        let first = self.found.fields.get(before).map(|field| field.pointer.clone());
        if first.is_none() && free.is_empty() {
            return Ok(());
        }
        let subject = rule.subject.as_ref().map(|path| subject(path, rule, base, value)).transpose()?;
        if let (None, true, Some(pointer)) = (&subject, aliases.is_empty(), first) {
            if about_nobody {
                self.found.give_back(before);
                return Ok(());
            }
            let text = "a personal field has no owner: the value that the rule finds has neither \
                        a subject nor an alias; narrow the rule's `at`";
            return Err(invalid(text, rule, &pointer));
        }
        let identifier = |alias: &&AliasName| alias.kind == AliasKind::Identifier;
        let all = || aliases.iter().map(|(_, alias)| alias);
        // Many share a name: it owns only what nothing else can.
        let owners = match all().any(|alias| identifier(&alias)) {
            true => all().filter(identifier).cloned().collect(),
            false => all().cloned().collect(),
        };
        self.found.claims.push(Claim { naming: Naming { subject, aliases: free }, owners });
        self.named.extend(aliases.into_iter().map(|(pointer, _)| pointer));
        Ok(())
    }

    fn aliases(&self, rule: &Rule, base: &str, value: &Value) -> Result<Named> {
        let mut named = Named { aliases: Vec::new(), about_nobody: false };
        for (kind, path) in &rule.aliases {
            for (pointer, value) in at(path, value, base) {
                let text = alias_text(value).map_err(|text| invalid(text, rule, &pointer))?;
                let Some(alias) = text.map(|text| AliasName::new(*kind, text)) else { continue };
                match self.catalogue.residue.ignores(&alias) {
                    true => named.about_nobody = true,
                    false => named.aliases.push((pointer, alias)),
                }
            }
        }
        Ok(named)
    }
}

/// The aliases that a rule finds in a value.
struct Named {
    /// Where each stands.
    aliases: Vec<(String, AliasName)>,
    /// Whether there is one that the catalogue ignores.
    about_nobody: bool,
}

fn alias_text(value: &Value) -> Result<Option<&str>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err("an alias is a string, or null: mend the rule's `aliases` and `names`")
        }
    }
}

fn subject(path: &serde_json_path::JsonPath, rule: &Rule, base: &str, value: &Value) -> Result<SubjectId> {
    let mut ids = at(path, value, base);
    let (Some((pointer, id)), None) = (ids.next(), ids.next()) else {
        let text = "the rule's `subject` leads to no value, or to several: a value is about one subject; \
                    narrow the rule's `at`";
        return Err(invalid(text, rule, base));
    };
    let text = match id {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    };
    text.and_then(|text| SubjectId::new(text).ok()).ok_or_else(|| {
        let text = "a subject's id is a whole number or a string of 1 to 256 bytes without white space and `@`; \
                    narrow the rule's `at`, or leave its `subject` out where there is no id";
        invalid(text, rule, &pointer)
    })
}

fn invalid(text: &'static str, rule: &Rule, pointer: &str) -> Error {
    Error::new(ErrorKind::Invalid, "survey", text)
        .with("rule", &rule.name)
        .with("at", pattern(pointer, &|_| false))
}
