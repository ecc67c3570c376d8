//! The second pass: whose each personal field is, and what else must be sealed.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use oubliette_core::alias::{AliasName, Naming};
use oubliette_core::{Error, ErrorKind, Ownership, PersonalField, Result, SubjectId};
use serde_json::Value;

use crate::aliases::AliasIndex;
use crate::catalogue::Catalogue;
use crate::found::{Claim, Found};
use crate::pointer::{Met, walk};

/// Shorter sealed values are not looked for in open strings: they stand there by chance.
const MIN_COPY: usize = 5;

/// What is to be sealed in an event.
pub(crate) struct Plan {
    /// What the rules declare.
    pub(crate) fields: Vec<PersonalField>,
    /// Open strings that hold what should be sealed, and whose that is.
    pub(crate) residue: Vec<(String, BTreeSet<SubjectId>)>,
    /// Objects of which a key holds an address, as patterns.
    pub(crate) keys: BTreeSet<String>,
}

impl Catalogue {
    pub(crate) fn plan(&self, event: &Value, found: &Found, aliases: &AliasIndex) -> Result<Plan> {
        let owners = found.claims.iter().map(|claim| owners(claim, aliases)).collect::<Result<Vec<_>>>()?;
        let mut copies = BTreeMap::new();
        let mut fields = Vec::with_capacity(found.fields.len());
        for field in &found.fields {
            let (Some(value), Some(claim), Some(own)) =
                (event.pointer(&field.pointer), found.claims.get(field.claim), owners.get(field.claim))
            else {
                let text = "a field was not found again: draft the event that was surveyed";
                return Err(Error::new(ErrorKind::Invalid, "draft", text));
            };
            let mut subjects = own.clone();
            let mut names = HashSet::new();
            walk(value, &mut String::new(), &|_| false, &mut |_, met| {
                let (Met::Key(text) | Met::Text(text)) = met;
                let here = self.residue.find(text, aliases);
                let copied = matches!(met, Met::Text(_)) && here.is_empty() && text.len() >= MIN_COPY;
                if copied && !self.residue.is_nobody(text) {
                    copies.entry(text).or_insert_with(BTreeSet::new).extend(own.iter().cloned());
                }
                names.extend(here);
            });
            if field.mentions {
                let own_names = own_names(claim, found, aliases);
                let others = names.into_iter().filter(|name| !own_names.contains(name));
                subjects.extend(others.filter_map(|name| aliases.pseudonym(name).cloned()));
            }
            fields.push(PersonalField {
                pointer: field.pointer.clone(),
                ownership: Ownership::new(subjects, field.purpose.clone()),
                null: field.null.clone(),
            });
        }
        let mut plan = Plan { fields, residue: Vec::new(), keys: BTreeSet::new() };
        self.sift(event, found, aliases, &copies, &mut plan)?;
        Ok(plan)
    }

    /// Finds what else must be sealed in what the rules leave open.
    fn sift(
        &self,
        event: &Value,
        found: &Found,
        aliases: &AliasIndex,
        copies: &BTreeMap<&str, BTreeSet<SubjectId>>,
        plan: &mut Plan,
    ) -> Result<()> {
        // Built for one event and used once: the kind that is built fastest.
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .build(copies.keys())
            .map_err(|_| {
                Error::new(ErrorKind::LimitExceeded, "draft", "an event has too many personal values")
            })?;
        let copies: Vec<_> = copies.values().collect();
        walk(event, &mut String::new(), &|pointer| found.is_taken(pointer), &mut |pointer, met| match met {
            Met::Key(key) => {
                if holds_address(key, &self.residue.find(key, aliases), aliases) {
                    plan.keys.insert(aliases.pattern(pointer) + ".*");
                }
            }
            Met::Text(text) => {
                let mut subjects = BTreeSet::new();
                let names = self.residue.find(text, aliases);
                subjects.extend(names.into_iter().filter_map(|name| aliases.pseudonym(name).cloned()));
                for hit in automaton.find_overlapping_iter(text) {
                    subjects
                        .extend(copies.get(hit.pattern().as_usize()).into_iter().copied().flatten().cloned());
                }
                if !subjects.is_empty() {
                    plan.residue.push((pointer.to_owned(), subjects));
                }
            }
        });
        Ok(())
    }
}

/// Whether one of the aliases found in a text is an address. Other aliases stand in the
/// names of fields by chance: a login may be any word.
pub(crate) fn holds_address(text: &str, found: &[usize], aliases: &AliasIndex) -> bool {
    let address = |name: &AliasName| name.text().contains('@');
    (text.contains('@') || text.contains('%'))
        && found.iter().any(|alias| aliases.name(*alias).is_some_and(address))
}

fn owners(claim: &Claim, aliases: &AliasIndex) -> Result<BTreeSet<SubjectId>> {
    if let Some(subject) = &claim.naming.subject {
        return Ok(BTreeSet::from([subject.clone()]));
    }
    let pseudonym = |alias| aliases.number(alias).and_then(|number| aliases.pseudonym(number)).cloned();
    claim.owners.iter().map(pseudonym).collect::<Option<_>>().ok_or_else(|| {
        let text = "an alias of the event has no pseudonym yet: name the event's namings to the vault, \
                    and extend the index by its answer, before the event is drafted";
        Error::new(ErrorKind::Invalid, "draft", text)
    })
}

/// The aliases of the person that a claim is about.
fn own_names(claim: &Claim, found: &Found, aliases: &AliasIndex) -> HashSet<usize> {
    let Naming { subject, aliases: own } = &claim.naming;
    let same = found.claims.iter().filter(|other| subject.is_some() && other.naming.subject == *subject);
    let names = same.flat_map(|other| &other.naming.aliases).chain(own).chain(&claim.owners);
    names.filter_map(|name| aliases.number(name)).collect()
}
