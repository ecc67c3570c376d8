//! Every byte that a house has at rest, and searches of them with their controls.

use oubliette_core::ledger::Ledger;

use super::Evidence;
use super::ciphertext::Ciphertext;
use super::story::{OPEN, Story};
use crate::fixture::Blob;
use crate::search::{Before, Controls, Failure, Findings, Needle, Search};

/// What one store has at rest.
#[derive(Clone)]
pub(super) struct AtRest {
    /// Which: `log`, `vault`, `documents`, `snapshots`, `backups` or `ledger`.
    pub(super) store: &'static str,
    pub(super) blobs: Vec<Blob>,
}

impl Story {
    /// What each store has at rest, the vault's and the ledger too.
    pub(super) async fn at_rest(&self) -> Vec<AtRest> {
        let entries = self.parts.ledger.entries().await.expect("a ledger can be read");
        let ledger = entries.iter().map(|entry| serde_json::to_vec(entry).expect("an entry is JSON"));
        // A ledger without entries is a file all the same.
        let ledger = ledger.map(|bytes| Blob::new("an entry", bytes)).chain([Blob::new("ledger", "ledger")]);
        let at_rest = |store, blobs| AtRest { store, blobs };
        vec![
            at_rest("log", self.parts.log.residue().await),
            at_rest("vault", self.parts.vault.residue().await),
            at_rest("documents", self.parts.documents.residue().await),
            at_rest("snapshots", self.parts.snapshots.residue().await),
            at_rest("backups", self.parts.target.residue().await),
            at_rest("ledger", ledger.collect()),
        ]
    }

    /// What one store has at rest.
    pub(super) async fn at_rest_in(&self, store: &str) -> Vec<Blob> {
        let all = self.at_rest().await;
        all.into_iter().find(|it| it.store == store).expect("there is such a store").blobs
    }

    /// What a program reads, and who the vault says goes by which alias.
    pub(super) async fn shown(&self) -> Vec<Blob> {
        let aliases = self.house.vault().aliases().await.expect("aliases can be listed");
        let aliases: Vec<&str> = aliases.iter().map(|alias| alias.name.text()).collect();
        vec![Blob::new("what is read", self.read().await.text()), Blob::new("aliases", aliases.join("\n"))]
    }

    /// The controls of the story's texts: those that must go, and those that stay.
    pub(super) fn controls(&self) -> Controls {
        let (lost, kept) = (texts(self.cast.lost()), texts(self.cast.kept()));
        let (gone, stay) = (texts(self.cast.names_lost()), texts(self.cast.names_kept()));
        let controls = lost.chain(gone).fold(Controls::default(), Controls::erased);
        kept.chain(stay).fold(controls, Controls::kept)
    }

    /// The searches of each store before the erasure, each with its controls.
    pub(super) async fn searched(&self) -> Vec<(AtRest, Before)> {
        let (shown, at_rest, mark) = (self.shown().await, self.at_rest().await, self.mark().await);
        let searched = at_rest.into_iter().map(|it| {
            let controls = markers(it.store, &mark).into_iter().fold(self.controls(), Controls::marker);
            let before = passed(controls.before(&shown, &it.blobs), it.store);
            (it, before)
        });
        searched.collect()
    }

    /// What marks the bytes of snapshots, in which nothing is open: the nonce of one of a
    /// neighbour's.
    pub(super) async fn mark(&self) -> Needle {
        let snapshots = self.in_snapshots().await;
        let theirs = snapshots.into_iter().find(|it| it.key.id == self.cast.neighbour().id);
        let theirs = Ciphertext::from(theirs.expect("void: there is no snapshot of a neighbour"));
        let [nonce, _] = theirs.traces();
        Needle::bytes(MARK, nonce)
    }

    /// The same searches after the erasure.
    pub(super) async fn search_again(&self, before: &[(AtRest, Before)]) -> Evidence {
        let shown = self.shown().await;
        let mut evidence = Evidence::default();
        for (at_rest, before) in self.at_rest().await.iter().zip(before).map(|(it, (_, before))| (it, before))
        {
            evidence = evidence.and(passed(before.after(&shown, &at_rest.blobs), at_rest.store));
        }
        evidence
    }
}

/// What must be found in a store's bytes: they are those of the store. What a vault and a
/// ledger have at rest is theirs alone.
pub(super) fn markers(store: &str, mark: &Needle) -> Vec<Needle> {
    match store {
        "log" | "documents" | "backups" => vec![open_marker()],
        "snapshots" => vec![mark.clone()],
        _ => Vec::new(),
    }
}

/// The name of markers.
pub(super) const MARK: &str = "a mark of the store";

/// An open word that the story says often.
pub(super) fn open_marker() -> Needle {
    Needle::text(MARK, OPEN)
}

/// Texts to look for, each under its name.
pub(super) fn texts(texts: Vec<(String, String)>) -> impl Iterator<Item = Needle> {
    texts.into_iter().map(|(name, text)| Needle::text(name, text))
}

/// A search that found what it must, and nothing else.
#[track_caller]
pub(super) fn passed<T>(searched: Result<T, Failure>, store: &str) -> T {
    match searched {
        Ok(searched) => searched,
        Err(Failure::Void(void)) => panic!("void, in {store}: {void}"),
        Err(found) => panic!("no personal text and nothing that was erased is in {store}: {found}"),
    }
}

/// Looks for needles of which none may be found.
#[track_caller]
pub(super) fn searched(needles: Vec<Needle>, blobs: &[Blob], place: &str) -> Findings {
    let search = Search::new(needles).unwrap_or_else(|void| panic!("void, in {place}: {void}"));
    search.over(blobs).unwrap_or_else(|void| panic!("void, in {place}: {void}"))
}

impl Evidence {
    /// What a search looked at.
    pub(super) fn looked(findings: &Findings) -> Self {
        let Findings { places, bytes, needles, .. } = findings;
        Self { places: *places, bytes: *bytes, needles: *needles, ..Self::default() }
    }
}
