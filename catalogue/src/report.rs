//! What a catalogue covers of the events that it was tried on.

use std::collections::BTreeMap;
use std::fmt;

use oubliette_core::Result;
use serde::Serialize;
use serde_json::Value;

use crate::address;
use crate::aliases::AliasIndex;
use crate::catalogue::{Act, Catalogue};
use crate::found::Found;
use crate::pointer::{Met, walk};

/// So many patterns of a kind are counted apart; the rest is one line.
const PATTERNS: usize = 1000;
/// So many of them are shown.
const SHOWN: usize = 20;
const REST: &str = "(elsewhere)";

/// What a catalogue covers: counts by path pattern, never a value.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Events looked at.
    pub events: u64,
    /// What each rule found, in the order of the catalogue.
    pub rules: Vec<RuleReport>,
    /// Values sealed for each declared purpose. One with none is declared in vain, so far.
    pub purposes: BTreeMap<String, u64>,
    /// Strings that no rule declares, and that the policy seals or refuses.
    pub residue: BTreeMap<String, u64>,
    /// Strings that would be stored open, and hold something like an e-mail address.
    pub addresses: BTreeMap<String, u64>,
    /// Objects that have an alias for the name of a field, which cannot be sealed.
    pub keys: BTreeMap<String, u64>,
    /// Events whose open part would hold residue under policy "refuse".
    pub refused: u64,
}

/// What a rule found.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RuleReport {
    /// The rule.
    pub name: String,
    /// Events in which it found something.
    pub events: u64,
    /// Values that it found.
    pub values: u64,
}

impl Report {
    /// An empty report on a catalogue.
    pub fn new(catalogue: &Catalogue) -> Self {
        let rules = catalogue.rules.iter();
        let purposes = catalogue.purposes.iter();
        Self {
            rules: rules.map(|rule| RuleReport { name: rule.name.clone(), events: 0, values: 0 }).collect(),
            purposes: purposes.map(|purpose| (purpose.name.to_string(), 0)).collect(),
            ..Self::default()
        }
    }

    /// Adds an event that was surveyed.
    ///
    /// # Errors
    /// `Invalid` when the index lacks an alias of the event, or `found` is of another one.
    pub fn add(
        &mut self,
        catalogue: &Catalogue,
        event: &Value,
        found: &Found,
        aliases: &AliasIndex,
    ) -> Result<()> {
        let plan = catalogue.plan(event, found, aliases)?;
        self.events += 1;
        for (rule, matched) in self.rules.iter_mut().zip(&found.matched) {
            rule.events += u64::from(*matched > 0);
            rule.values += matched;
        }
        for field in &plan.fields {
            *self.purposes.entry(field.ownership.purpose.to_string()).or_default() += 1;
        }
        match &catalogue.residue.act {
            Act::Seal { purpose, .. } => {
                *self.purposes.entry(purpose.to_string()).or_default() += plan.residue.len() as u64;
            }
            Act::Refuse => self.refused += u64::from(!plan.residue.is_empty()),
        }
        let residue: BTreeMap<_, _> =
            plan.residue.iter().map(|(pointer, _)| (pointer.as_str(), ())).collect();
        for pointer in residue.keys() {
            count(&mut self.residue, aliases.pattern(pointer));
        }
        let sealed = |pointer: &str| found.is_taken(pointer) || residue.contains_key(pointer);
        walk(event, &mut String::new(), &sealed, &mut |pointer, met| match met {
            Met::Key(key) => {
                if aliases.is_alias(key) || address::stands_in(key) {
                    count(&mut self.keys, aliases.pattern(pointer) + ".*");
                }
            }
            Met::Text(text) => {
                if address::stands_in(text) {
                    count(&mut self.addresses, aliases.pattern(pointer));
                }
            }
        });
        Ok(())
    }

    /// Whether nothing that looks personal would be stored open.
    pub fn is_clean(&self) -> bool {
        self.addresses.is_empty() && self.keys.is_empty()
    }
}

fn count(counts: &mut BTreeMap<String, u64>, pattern: String) {
    let full = counts.len() >= PATTERNS && !counts.contains_key(&pattern);
    *counts.entry(if full { REST.to_owned() } else { pattern }).or_default() += 1;
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events", self.events)?;
        writeln!(f, "\nrules")?;
        for RuleReport { name, events, values } in &self.rules {
            match values {
                0 => writeln!(f, "  {name}: found nothing")?,
                _ => writeln!(f, "  {name}: {values} values in {events} events")?,
            }
        }
        writeln!(f, "\npurposes")?;
        for (name, values) in &self.purposes {
            match values {
                0 => writeln!(f, "  {name}: nothing is sealed for it")?,
                _ => writeln!(f, "  {name}: {values} values")?,
            }
        }
        if self.refused > 0 {
            writeln!(f, "\n{} events would be refused for the strings below", self.refused)?;
        }
        section(f, "strings that no rule declares, and that hold what is sealed", &self.residue)?;
        section(f, "strings left open that hold something like an address", &self.addresses)?;
        section(f, "names of fields that are an alias or an address, left open", &self.keys)
    }
}

fn section(f: &mut fmt::Formatter<'_>, title: &str, counts: &BTreeMap<String, u64>) -> fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    let mut sorted: Vec<_> = counts.iter().collect();
    // Stable: patterns of the same count stay in their order.
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    writeln!(f, "\n{title}")?;
    sorted.iter().take(SHOWN).try_for_each(|(pattern, count)| writeln!(f, "  {count:>7}  {pattern}"))?;
    match sorted.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more places"),
    }
}
