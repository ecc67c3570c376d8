//! The records that there are, folded from all commits.

use std::collections::BTreeMap;
use std::fmt;

use oubliette_core::Result;
use oubliette_vault::{Commit, Generation, Kind, Place};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::format::Random;
use crate::shared::{Journal, due, random, take_out};

/// A change of the records.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Change {
    /// By which a writer that lost the reply knows its own commit.
    token: Random,
    put: Vec<Put>,
    remove: Vec<Named>,
    kind: Of,
}

/// What a change is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Of {
    /// A commit of the vault, and whether it evicts.
    Vault(bool),
    /// That the bytes of all that was removed up to this commit are gone.
    Swept(u64),
}

/// A record that is put.
#[derive(Clone, Serialize, Deserialize)]
struct Put {
    named: Named,
    /// None once it was removed or replaced, and swept.
    bytes: Option<ByteBuf>,
}

/// Where a record is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Named {
    kind: u8,
    name: ByteBuf,
}

/// What is known of the records up to a commit.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct State {
    commits: u64,
    generation: u64,
    stamp: u64,
    records: BTreeMap<Named, Held>,
    /// By the number of the commit that made them due: the commits that hold what was removed or replaced.
    unswept: BTreeMap<u64, Vec<u64>>,
}

/// A record, and where it was put.
#[derive(Serialize, Deserialize)]
struct Held {
    commit: u64,
    index: usize,
    bytes: ByteBuf,
}

impl Change {
    pub(super) fn new(commit: &Commit) -> Result<Self> {
        let put = commit
            .put
            .iter()
            .map(|(place, bytes)| Put { named: Named::of(place), bytes: Some(ByteBuf::from(bytes.clone())) });
        Ok(Self {
            token: random()?,
            put: put.collect(),
            remove: commit.remove.iter().map(Named::of).collect(),
            kind: Of::Vault(commit.evicts),
        })
    }
}

impl Named {
    fn new(kind: Kind, name: &[u8]) -> Self {
        Self { kind: kind as u8, name: ByteBuf::from(name) }
    }

    fn of(place: &Place) -> Self {
        Self::new(place.kind, &place.name)
    }
}

impl Journal for State {
    type Commit = Change;

    const FOUND: &'static str = "records";

    fn next(&self) -> u64 {
        1 + self.commits
    }

    fn head(&self) -> u64 {
        self.commits
    }

    fn token(change: &Change) -> Random {
        change.token
    }

    /// Each does.
    fn goes_on(&self, _: &Change) -> bool {
        true
    }

    fn fold(&mut self, change: &Change) {
        self.commits += 1;
        let number = self.commits;
        let mut gone: Vec<u64> = Vec::new();
        for (index, put) in change.put.iter().enumerate() {
            let before = match &put.bytes {
                Some(bytes) => {
                    let held = Held { commit: number, index, bytes: bytes.clone() };
                    self.records.insert(put.named.clone(), held)
                }
                // A later commit, which follows, has removed or replaced it.
                None => self.records.remove(&put.named),
            };
            gone.extend(before.map(|before| before.commit));
        }
        for named in &change.remove {
            gone.extend(self.records.remove(named).map(|before| before.commit));
        }
        if !gone.is_empty() {
            self.unswept.insert(number, gone);
        }
        match change.kind {
            Of::Vault(evicts) => {
                self.generation += 1;
                if evicts {
                    self.stamp = self.generation;
                }
            }
            Of::Swept(through) => self.unswept = self.unswept.split_off(&(through + 1)),
        }
    }

    fn unswept(&self) -> Vec<u64> {
        due(&self.unswept)
    }

    fn clear(&self, number: u64, change: &mut Change) -> bool {
        let is_held = |index, put: &Put| self.is_held(&put.named, number, index);
        take_out(&mut change.put, |put| &mut put.bytes, is_held)
    }

    fn swept(&self, through: u64) -> Result<Change> {
        Ok(Change { token: random()?, put: Vec::new(), remove: Vec::new(), kind: Of::Swept(through) })
    }
}

impl State {
    pub(super) fn generation(&self) -> Generation {
        Generation(self.generation)
    }

    pub(super) fn stamp(&self) -> u64 {
        self.stamp
    }

    pub(super) fn record(&self, place: &Place) -> Option<Vec<u8>> {
        self.records.get(&Named::of(place)).map(|held| held.bytes.to_vec())
    }

    pub(super) fn list(
        &self,
        kind: Kind,
        prefix: &[u8],
        after: &[u8],
        at_most: usize,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let from = Named::new(kind, prefix.max(after));
        let of_kind = self.records.range(from..).take_while(|(named, _)| named.kind == kind as u8);
        let begun = of_kind.take_while(|(named, _)| named.name.starts_with(prefix));
        let beyond = begun.filter(|(named, _)| named.name.as_slice() > after);
        beyond.take(at_most).map(|(named, held)| (named.name.to_vec(), held.bytes.to_vec())).collect()
    }

    /// Whether what was put there is the record of its place.
    fn is_held(&self, named: &Named, commit: u64, index: usize) -> bool {
        self.records.get(named).is_some_and(|held| (held.commit, held.index) == (commit, index))
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Change(puts {}, removes {})", self.put.len(), self.remove.len())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State(generation {}, records {})", self.generation, self.records.len())
    }
}
