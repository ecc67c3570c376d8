//! Which snapshots there are, and where each of them lies.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use oubliette_core::KeyId;
use serde::{Deserialize, Serialize};

use super::format::{Commit, Control, Of, Place, Saved};
use crate::format::Random;
use crate::shared::{Journal, due, take_out};

/// What is known of the store up to a commit.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    commits: u64,
    there: BTreeMap<Place, Lies>,
    forgotten: HashSet<KeyId>,
    /// By the number of the commit that made them due: the commits that hold what is gone.
    unswept: BTreeMap<u64, Vec<u64>>,
}

/// Where a snapshot lies, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lies {
    pub(super) commit: u64,
    pub(super) index: usize,
    pub(super) owners: Vec<Random>,
}

impl Lies {
    pub(super) fn is_under(&self, keys: &HashSet<Random>) -> bool {
        self.owners.iter().any(|owner| keys.contains(owner))
    }
}

impl Journal for State {
    type Commit = Commit;

    const FOUND: &'static str = "snapshots";

    fn next(&self) -> u64 {
        1 + self.commits
    }

    fn head(&self) -> u64 {
        self.commits
    }

    fn token(commit: &Commit) -> Random {
        commit.token
    }

    /// Each does.
    fn goes_on(&self, _: &Commit) -> bool {
        true
    }

    fn unswept(&self) -> Vec<u64> {
        due(&self.unswept)
    }

    fn clear(&self, number: u64, commit: &mut Commit) -> bool {
        let is_there = |index, saved: &Saved| self.is_there(&saved.place, number, index);
        take_out(&mut commit.saved, |saved| &mut saved.sealed, is_there)
    }

    fn swept(&self, through: u64) -> oubliette_core::Result<Commit> {
        Commit::new(Vec::new(), Control::Swept(through))
    }

    fn fold(&mut self, commit: &Commit) {
        self.commits += 1;
        let number = self.commits;
        for (index, saved) in commit.saved.iter().enumerate() {
            let lies = Lies { commit: number, index, owners: saved.owners.clone() };
            if let Some(before) = self.there.insert(saved.place.clone(), lies) {
                self.unswept.entry(number).or_default().push(before.commit);
            }
        }
        match &commit.control {
            Control::None => {}
            Control::Forget(keys) => {
                self.forgotten.extend(keys.iter().map(|key| KeyId::from_bytes(*key)));
                let keys: HashSet<Random> = keys.iter().copied().collect();
                self.take_away(|_, lies| lies.is_under(&keys));
            }
            Control::DropBefore(of, id, position) => {
                self.take_away(|place, _| place.is_before(of, id.as_deref(), *position));
            }
            Control::DropBeyond(position) => self.take_away(|place, _| place.position > *position),
            Control::Swept(through) => self.unswept = self.unswept.split_off(&(through + 1)),
        }
    }
}

impl State {
    /// Where the newest of its key at or before a position lies.
    pub(super) fn newest(&self, at_most: &Place) -> Option<Lies> {
        let first = Place { position: 0, ..at_most.clone() };
        self.there.range(&first..=at_most).next_back().map(|(_, lies)| lies.clone())
    }

    /// Where those of a series at a position lie whose id is beyond this one.
    pub(super) fn page(&self, of: &Of, at: u64, after: &str, limit: usize) -> Vec<Lies> {
        let after = Place { of: of.clone(), id: after.to_owned(), position: u64::MAX };
        let beyond = self.there.range((Bound::Excluded(after), Bound::Unbounded));
        let of_series = beyond.take_while(|(place, _)| place.of == *of);
        let wanted = of_series.filter(|(place, _)| place.position == at);
        wanted.take(limit).map(|(_, lies)| lies.clone()).collect()
    }

    /// How many are meant.
    pub(super) fn count(&self, is_meant: impl Fn(&Place, &Lies) -> bool) -> u64 {
        self.there.iter().filter(|(place, lies)| is_meant(place, lies)).count() as u64
    }

    pub(super) fn is_forgotten(&self, key: KeyId) -> bool {
        self.forgotten.contains(&key)
    }

    /// Whether a snapshot that lies there is the one of its place.
    fn is_there(&self, place: &Place, commit: u64, index: usize) -> bool {
        self.there.get(place).is_some_and(|lies| (lies.commit, lies.index) == (commit, index))
    }

    fn take_away(&mut self, goes: impl Fn(&Place, &Lies) -> bool) {
        let mut commits = Vec::new();
        self.there.retain(|place, lies| {
            let goes = goes(place, lies);
            if goes {
                commits.push(lies.commit);
            }
            !goes
        });
        if !commits.is_empty() {
            self.unswept.entry(self.commits).or_default().extend(commits);
        }
    }
}

impl Place {
    /// Whether it is before a position, of one id of a series or of any.
    pub(super) fn is_before(&self, of: &Of, id: Option<&str>, position: u64) -> bool {
        self.of == *of && id.is_none_or(|id| id == self.id) && self.position < position
    }
}
