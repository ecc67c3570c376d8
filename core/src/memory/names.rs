//! Who goes by which alias, and what an erasure of one of them takes along.

use std::collections::{BTreeSet, HashMap};

use crate::alias::{Alias, AliasName, Naming};
use crate::error::Result;
use crate::ids::{KeyId, SubjectId};

/// The aliases of a vault.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    name: AliasName,
    subject: SubjectId,
    claimed_by: BTreeSet<SubjectId>,
    linked: BTreeSet<SubjectId>,
}

impl Entry {
    fn claimed_by_others(&self, subject: &SubjectId) -> bool {
        self.claimed_by.iter().any(|other| other != subject)
    }
}

impl Names {
    /// Records a naming, and gives the pseudonyms of its aliases in order.
    pub(super) fn record(&mut self, naming: &Naming) -> Result<Vec<SubjectId>> {
        let pseudonyms =
            naming.aliases.iter().map(|name| self.pseudonym(name)).collect::<Result<Vec<_>>>()?;
        for entry in self.0.iter_mut().filter(|entry| pseudonyms.contains(&entry.subject)) {
            match &naming.subject {
                Some(subject) => entry.claimed_by.extend([subject.clone()]),
                None => {
                    entry.linked.extend(pseudonyms.iter().filter(|other| **other != entry.subject).cloned())
                }
            }
        }
        Ok(pseudonyms)
    }

    /// Every alias.
    pub(super) fn list(&self) -> Vec<Alias> {
        let alias = |entry: &Entry| Alias {
            name: entry.name.clone(),
            subject: entry.subject.clone(),
            claimed_by: entry.claimed_by.iter().cloned().collect(),
        };
        self.0.iter().map(alias).collect()
    }

    /// Whether this is the pseudonym of an alias.
    pub(super) fn knows(&self, pseudonym: &SubjectId) -> bool {
        self.entry(pseudonym).is_some()
    }

    /// Whether anybody but `subject` claims the alias.
    pub(super) fn claimed_by_others(&self, pseudonym: &SubjectId, subject: &SubjectId) -> bool {
        self.entry(pseudonym).is_some_and(|entry| entry.claimed_by_others(subject))
    }

    /// The aliases whose keys die when `subject` is erased: those that it claims (or is),
    /// and what is linked to them, over any number of links, and claimed by nobody else.
    pub(super) fn dying_with(&self, subject: &SubjectId) -> BTreeSet<SubjectId> {
        let own = |entry: &&Entry| entry.claimed_by.contains(subject) || entry.subject == *subject;
        let mut open: Vec<&Entry> = self.0.iter().filter(own).collect();
        let mut dying = BTreeSet::new();
        while let Some(entry) = open.pop() {
            if dying.insert(entry.subject.clone()) {
                let linked = entry.linked.iter().filter_map(|linked| self.entry(linked));
                open.extend(linked.filter(|linked| !linked.claimed_by_others(subject)));
            }
        }
        dying
    }

    /// Takes aliases away that die with `subject`. One that others claim too begins anew
    /// under another pseudonym.
    pub(super) fn forget(&mut self, subject: &SubjectId, dying: &BTreeSet<SubjectId>) -> Result<()> {
        let mut anew = HashMap::new();
        for entry in self.0.iter().filter(|entry| dying.contains(&entry.subject)) {
            if entry.claimed_by_others(subject) {
                anew.insert(entry.subject.clone(), draw()?);
            }
        }
        let survivor = |old: &SubjectId| match dying.contains(old) {
            true => anew.get(old).cloned(),
            false => Some(old.clone()),
        };
        self.0.retain_mut(|entry| {
            let Some(pseudonym) = survivor(&entry.subject) else { return false };
            entry.subject = pseudonym;
            entry.claimed_by.remove(subject);
            entry.linked = entry.linked.iter().filter_map(survivor).collect();
            true
        });
        Ok(())
    }

    fn entry(&self, pseudonym: &SubjectId) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.subject == *pseudonym)
    }

    fn pseudonym(&mut self, name: &AliasName) -> Result<SubjectId> {
        let folded = name.folded();
        if let Some(entry) = self.0.iter().find(|entry| entry.name.folded() == folded) {
            return Ok(entry.subject.clone());
        }
        let subject = draw()?;
        self.0.push(Entry {
            name: name.clone(),
            subject: subject.clone(),
            claimed_by: BTreeSet::new(),
            linked: BTreeSet::new(),
        });
        Ok(subject)
    }
}

/// A new pseudonym: random, so that it tells nothing of the alias.
fn draw() -> Result<SubjectId> {
    SubjectId::new(format!("alias-{}", KeyId::random()?))
}
