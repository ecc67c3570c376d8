//! The product of all parts.

use std::collections::BTreeSet;

use oubliette_conformance::House;
use oubliette_core::memory::MemoryLedger;
use oubliette_core::{BackupTarget, Documents, EventLog, KeyVault, SnapshotStore};

use super::liar::LyingPart;
use crate::parts::{self, Part};

/// What the parts of a combination are called, in the order of [`Combination::names`].
pub const PARTS: [&str; 5] = ["log", "vault", "documents", "snapshots", "target"];

/// One backend for each part of a house.
#[derive(Clone, Debug)]
pub struct Combination {
    log: Part<dyn EventLog>,
    vault: Part<dyn KeyVault>,
    documents: Part<dyn Documents>,
    snapshots: Part<dyn SnapshotStore>,
    target: Part<dyn BackupTarget>,
    /// Lies instead of the backend in its place.
    liar: Option<LyingPart>,
}

impl Combination {
    /// Every log with every vault, documents, snapshots and place for backups.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for log in parts::logs() {
            for vault in parts::vaults() {
                for documents in parts::documents() {
                    for snapshots in parts::snapshots() {
                        for target in parts::targets() {
                            all.push(Self {
                                log: log.clone(),
                                vault: vault.clone(),
                                documents: documents.clone(),
                                snapshots: snapshots.clone(),
                                target,
                                liar: None,
                            });
                        }
                    }
                }
            }
        }
        all
    }

    /// Some of them, in which any two backends of different parts stand together: what goes wrong between
    /// two parts goes wrong in one of these.
    #[must_use]
    pub fn of_pairs() -> Vec<Self> {
        let mut left = Self::all();
        let mut open: BTreeSet<_> = left.iter().flat_map(Self::pairs).collect();
        let mut chosen = Vec::new();
        // Each time the one with most pairs that are in none yet.
        while !open.is_empty() {
            let news = |it: &Self| it.pairs().intersection(&open).count();
            let Some((at, _)) = left.iter().enumerate().max_by_key(|(_, it)| news(it)) else { break };
            let next = left.remove(at);
            open.retain(|pair| !next.pairs().contains(pair));
            chosen.push(next);
        }
        chosen
    }

    /// Each two of its backends, by the places of their parts.
    fn pairs(&self) -> BTreeSet<[(usize, String); 2]> {
        let names = self.names().map(str::to_owned);
        let places: Vec<_> = names.into_iter().enumerate().collect();
        let pairs = places.iter().flat_map(|one| {
            places.iter().filter(|other| one.0 < other.0).map(|other| [one.clone(), other.clone()])
        });
        pairs.collect()
    }

    /// All of them, and this liar as one backend more of its part: with every other backend
    /// of the other parts.
    #[must_use]
    pub fn all_and(liar: &LyingPart) -> Vec<Self> {
        let mut all = Self::all();
        let Some(first) = all.first().cloned() else { return all };
        // It lies over the first backend of its part.
        let beneath =
            |it: &&Self| liar.places().iter().all(|place| it.names()[*place] == first.names()[*place]);
        let lying: Vec<_> =
            all.iter().filter(beneath).map(|it| Self { liar: Some(liar.clone()), ..it.clone() }).collect();
        all.extend(lying);
        all
    }

    /// The part that lies.
    #[must_use]
    pub fn liar(&self) -> Option<&LyingPart> {
        self.liar.as_ref()
    }

    /// The names of its backends, one for each of [`PARTS`].
    #[must_use]
    pub fn names(&self) -> [&str; 5] {
        let names =
            [self.log.name, self.vault.name, self.documents.name, self.snapshots.name, self.target.name];
        self.or_liar(names, |liar| &liar.name)
    }

    /// The folders of their crates, one for each of [`PARTS`].
    #[must_use]
    pub fn homes(&self) -> [&str; 5] {
        let homes =
            [self.log.home, self.vault.home, self.documents.home, self.snapshots.home, self.target.home];
        self.or_liar(homes, |_| "conformance")
    }

    fn or_liar<'a>(&'a self, mut told: [&'a str; 5], of: fn(&'a LyingPart) -> &'a str) -> [&'a str; 5] {
        if let Some(liar) = &self.liar {
            for place in liar.places() {
                told[*place] = of(liar);
            }
        }
        told
    }

    /// A house of new, empty stores.
    pub async fn house(&self) -> House {
        let house = House {
            log: self.log.fresh().await,
            vault: self.vault.fresh().await,
            documents: self.documents.fresh().await,
            snapshots: self.snapshots.fresh().await,
            target: self.target.fresh().await,
            ledger: MemoryLedger::new(),
        };
        match &self.liar {
            Some(liar) => liar.over(house).await,
            None => house,
        }
    }
}
