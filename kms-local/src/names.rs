//! The names that people go by, as one process remembers them.
//!
//! The vault keeps no hash and no tag of an alias at rest, so that nobody can try names
//! against it: who looks for a name needs them all, opened, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use oubliette_core::alias::{Alias, AliasName, Naming};
use oubliette_core::{Error, ErrorKind, KeyId, Result, SubjectId};

/// Pseudonym and claimant, or two pseudonyms.
pub(crate) type Pair = (SubjectId, SubjectId);

#[derive(Default)]
pub(crate) struct Names {
    /// The stamp of the slots when this was read.
    pub(crate) stamp: u64,
    /// The vault's count of fences and destructions when this was read; none before.
    pub(crate) generation: Option<i64>,
    /// The last row of each table that was read.
    pub(crate) last_alias: i64,
    pub(crate) last_claim: i64,
    pub(crate) last_link: i64,
    /// By the name in the form in which it is compared.
    pub(crate) known: HashMap<AliasName, Known>,
    pub(crate) claims: HashSet<Pair>,
    /// Each in both directions.
    pub(crate) links: HashSet<Pair>,
    /// Whole subjects behind a fence.
    pub(crate) fenced: HashSet<SubjectId>,
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
    pub(crate) links: BTreeSet<Pair>,
}

impl Plan {
    pub(crate) fn is_recorded(&self) -> bool {
        self.aliases.is_empty() && self.claims.is_empty() && self.links.is_empty()
    }
}

impl Names {
    /// What is to be recorded of these namings, and what the answer is then.
    pub(crate) fn plan(&self, namings: &[Naming]) -> Result<Plan> {
        let mut plan = Plan::default();
        for naming in namings {
            if naming.subject.as_ref().is_some_and(|subject| self.fenced.contains(subject)) {
                return Err(Error::new(
                    ErrorKind::Erased,
                    "name",
                    "a named subject was erased, and nothing was recorded: readmit them first",
                ));
            }
            let pseudonyms = naming
                .aliases
                .iter()
                .map(|name| self.pseudonym(name, &mut plan))
                .collect::<Result<Vec<_>>>()?;
            match &naming.subject {
                Some(subject) => {
                    let claims = pseudonyms.iter().map(|alias| (alias.clone(), subject.clone()));
                    plan.claims.extend(claims.filter(|claim| !self.claims.contains(claim)));
                }
                None => {
                    let pairs = pseudonyms.iter().flat_map(|a| pseudonyms.iter().map(move |b| (a, b)));
                    let links = pairs.filter(|(a, b)| a != b).map(|(a, b)| (a.clone(), b.clone()));
                    plan.links.extend(links.filter(|link| !self.links.contains(link)));
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

    /// Remembers what was recorded.
    pub(crate) fn apply(&mut self, plan: Plan) -> Vec<Vec<SubjectId>> {
        self.known.extend(plan.aliases);
        self.claims.extend(plan.claims);
        self.links.extend(plan.links);
        plan.answer
    }

    /// Every alias, in the order of their pseudonyms.
    pub(crate) fn list(&self) -> Vec<Alias> {
        let mut claimants: BTreeMap<&SubjectId, BTreeSet<&SubjectId>> =
            self.known.values().map(|known| (&known.subject, BTreeSet::new())).collect();
        for (alias, subject) in &self.claims {
            claimants.entry(alias).or_default().insert(subject);
        }
        let mut aliases: Vec<Alias> = self
            .known
            .values()
            .map(|known| Alias {
                name: known.name.clone(),
                subject: known.subject.clone(),
                claimed_by: claimants
                    .get(&known.subject)
                    .into_iter()
                    .flatten()
                    .map(|s| (*s).clone())
                    .collect(),
            })
            .collect();
        aliases.sort_by(|a, b| a.subject.cmp(&b.subject));
        aliases
    }
}

/// A new pseudonym: random, so that it tells nothing of the alias.
pub(crate) fn draw() -> Result<SubjectId> {
    SubjectId::new(format!("alias-{}", KeyId::random()?))
}
