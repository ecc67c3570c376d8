//! The names that people go by, as one process remembers them.
//!
//! The vault keeps no hash and no tag of an alias at rest, so that nobody can try names
//! against it: who looks for a name needs them all, opened, in memory.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use oubliette_core::alias::{Alias, AliasName, Naming};
use oubliette_core::{KeyId, Result, SubjectId};

use crate::wire::AliasPart;

/// Pseudonym and claimant, or two pseudonyms.
pub(crate) type Pair = (SubjectId, SubjectId);

#[derive(Default)]
pub(crate) struct Names {
    /// The stamp of the records when this was read.
    pub(crate) stamp: Option<u64>,
    /// The last change that was read.
    pub(crate) last: u64,
    /// By the name in the form in which it is compared.
    known: HashMap<AliasName, Known>,
    parts: HashMap<SubjectId, (AliasName, AliasPart)>,
    /// Subjects that were behind no fence when the records bore the stamp.
    unfenced: HashSet<SubjectId>,
}

/// An alias: its name as it was first written, and its pseudonym.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) name: AliasName,
    pub(crate) subject: SubjectId,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({})", self.known.len())
    }
}

/// What a call of `name` answers, and what it has to record first.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) answer: Vec<Vec<SubjectId>>,
    pub(crate) aliases: HashMap<AliasName, Known>,
    pub(crate) claims: BTreeSet<Pair>,
    /// Each in both directions.
    pub(crate) links: BTreeSet<Pair>,
}

impl Plan {
    pub(crate) fn is_recorded(&self) -> bool {
        self.aliases.is_empty() && self.claims.is_empty() && self.links.is_empty()
    }

    /// The pseudonyms of which something is recorded.
    pub(crate) fn changed(&self) -> BTreeSet<SubjectId> {
        let new = self.aliases.values().map(|known| &known.subject);
        let pairs = self.claims.iter().chain(&self.links).map(|(alias, _)| alias);
        new.chain(pairs).cloned().collect()
    }
}

impl Names {
    /// What is to be recorded of these namings, and what the answer is then.
    pub(crate) fn plan(&self, namings: &[Naming]) -> Result<Plan> {
        let mut plan = Plan::default();
        for naming in namings {
            let pseudonyms = naming
                .aliases
                .iter()
                .map(|name| self.pseudonym(name, &mut plan))
                .collect::<Result<Vec<_>>>()?;
            let part = |alias: &SubjectId| self.parts.get(alias).map(|(_, part)| part);
            match &naming.subject {
                Some(subject) => {
                    let new = |alias: &&SubjectId| {
                        !part(alias).is_some_and(|part| part.claimed_by.contains(subject))
                    };
                    let claims = pseudonyms.iter().filter(new);
                    plan.claims.extend(claims.map(|alias| (alias.clone(), subject.clone())));
                }
                None => {
                    let pairs = pseudonyms.iter().flat_map(|a| pseudonyms.iter().map(move |b| (a, b)));
                    let new = pairs
                        .filter(|(a, b)| a != b && !part(a).is_some_and(|part| part.linked.contains(*b)));
                    plan.links.extend(new.map(|(a, b)| (a.clone(), b.clone())));
                }
            }
            plan.answer.push(pseudonyms);
        }
        Ok(plan)
    }

    fn pseudonym(&self, name: &AliasName, plan: &mut Plan) -> Result<SubjectId> {
        let folded = name.folded();
        if let Some(known) = self.known.get(&folded).or_else(|| plan.aliases.get(&folded)) {
            return Ok(known.subject.clone());
        }
        let subject = draw()?;
        plan.aliases.insert(folded, Known { name: name.clone(), subject: subject.clone() });
        Ok(subject)
    }

    /// Whether all of these are known to be behind no fence.
    pub(crate) fn are_unfenced(&self, namings: &[Naming]) -> bool {
        namings.iter().filter_map(|naming| naming.subject.as_ref()).all(|it| self.unfenced.contains(it))
    }

    /// Remembers who was behind no fence when the records bore a stamp.
    pub(crate) fn unfenced(&mut self, stamp: u64, subjects: impl IntoIterator<Item = SubjectId>) {
        if self.stamp != Some(stamp) {
            self.unfenced.clear();
            self.stamp = Some(stamp);
        }
        self.unfenced.extend(subjects);
    }

    /// Takes an alias as it is now.
    pub(crate) fn take(&mut self, known: Known, part: AliasPart) {
        self.parts.insert(known.subject.clone(), (known.name.folded(), part));
        self.known.insert(known.name.folded(), known);
    }

    /// Forgets an alias that is dead.
    pub(crate) fn forget(&mut self, pseudonym: &SubjectId) {
        if let Some((folded, _)) = self.parts.remove(pseudonym)
            && self.known.get(&folded).is_some_and(|known| known.subject == *pseudonym)
        {
            self.known.remove(&folded);
        }
    }

    /// Every alias, in the order of their pseudonyms.
    pub(crate) fn list(&self) -> Vec<Alias> {
        let claimed_by = |subject: &SubjectId| match self.parts.get(subject) {
            Some((_, part)) => part.claimed_by.iter().cloned().collect(),
            None => Vec::new(),
        };
        let alias = |known: &Known| Alias {
            name: known.name.clone(),
            subject: known.subject.clone(),
            claimed_by: claimed_by(&known.subject),
        };
        let mut aliases: Vec<Alias> = self.known.values().map(alias).collect();
        aliases.sort_by(|a, b| a.subject.cmp(&b.subject));
        aliases
    }
}

/// A new pseudonym: random, so that it tells nothing of the alias.
pub(crate) fn draw() -> Result<SubjectId> {
    SubjectId::new(format!("alias-{}", KeyId::random()?))
}
