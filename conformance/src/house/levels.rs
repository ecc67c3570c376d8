//! Four adversaries, each of whom holds more than the one before.

use std::collections::{BTreeMap, HashSet};
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use oubliette_core::erasure::SignedCertificate;
use oubliette_core::erasure::certificate::{Claim, Levels};
use oubliette_core::{Key, KeyId, KeyState};

use super::bytes::{passed, searched, texts};
use super::ciphertext::Ciphertext;
use super::story::{Story, told};
use super::trial::Ring;
use super::{Evidence, House};
use crate::damage::put_back;
use crate::fixture::Blob;
use crate::search::{Controls, Needle};

/// Whoever holds every byte of every store after the erasure reads no text, and opens nothing
/// of the person with any key that lives.
pub(super) async fn every_byte_and_every_live_key_open_nothing(parts: House) -> Evidence {
    const PROMISE: &str = "every byte of every store, and every live key, give nothing of an erased person";
    let story = told(parts).await;
    let before = story.searched().await;
    let (sealed, dying) = (story.ciphertexts().await, story.dying().await);
    let mut opening = all_open(&story, &sealed).await;
    let signed = story.erase().await;
    assert_claims(&signed, "a", |levels| &levels.a, PROMISE);
    let mut evidence = story.search_again(&before).await;
    // Whatever is found now, and every key that lives now.
    let now = story.ciphertexts().await;
    let mut ring = story.ring(&[sealed, now.clone()].concat()).await;
    evidence = evidence.and(try_all(&now, &dying, &mut ring, PROMISE));
    evidence.trials += opening.take();
    evidence
}

/// Old copies of every store and the backups, without the vault, are no better.
pub(super) async fn old_copies_and_backups_open_nothing(parts: House) -> Evidence {
    const PROMISE: &str = "old copies and backups, without the vault, give nothing of an erased person";
    let story = told(parts).await;
    let (old, copies, dying) = (story.ciphertexts().await, story.at_rest().await, story.dying().await);
    let mut opening = all_open(&story, &old).await;
    let signed = story.erase().await;
    assert_claims(&signed, "b", |levels| &levels.b, PROMISE);
    story.house.sweep().await.expect("a house is swept");
    let mut ring = story.ring(&old).await;
    let mut evidence = try_all(&old, &dying, &mut ring, PROMISE);
    let dead = old.iter().filter(|it| it.store == "backups" && it.is_under(&dying)).count();
    assert!(dead > 0, "void: the backup from before holds nothing of theirs");
    // The old bytes hold no text, nor any key that could be tried on them.
    let secrets: Vec<Needle> =
        ring.keys().map(|key| Needle::bytes(key.id().to_string(), key.secret().as_slice())).collect();
    for copy in copies.iter().filter(|copy| copy.store != "vault") {
        let needles = texts(story.cast.texts()).chain(secrets.clone()).collect();
        let found = searched(needles, &copy.blobs, copy.store);
        assert!(found.hits.is_empty(), "{PROMISE}: the old copy of {} holds {}", copy.store, found.hits[0]);
        evidence = evidence.and(Evidence::looked(&found));
    }
    evidence.trials += opening.take();
    evidence
}

/// An old copy of the vault opens nothing of the person, or the certificate does not claim that.
pub(super) async fn an_old_vault_is_dead_or_not_claimed(parts: House) -> Evidence {
    const PROMISE: &str = "what an old copy of the vault opens is claimed only where it is promised";
    let mut story = told(parts).await;
    let promises: HashSet<_> = (0..4).map(|_| story.house.vault().promise().unrecoverable_within).collect();
    let mut promises = promises.into_iter();
    let (promised, other) = (promises.next().flatten(), promises.next());
    assert_eq!(other, None, "a vault promises the same each time");
    let old = story.ciphertexts().await;
    let keys: Vec<Needle> = {
        let ring = story.ring(&old).await;
        ring.keys().map(|key| Needle::bytes(key.id().to_string(), key.secret().as_slice())).collect()
    };
    let copy = story.at_rest_in("vault").await;
    let dying: Vec<KeyId> = story.dying().await.into_iter().collect();
    if promised.is_some() {
        let opened = live_in(&story, &copy, &dying).await;
        assert_eq!(opened, dying.len(), "void: a copy of the vault does not open before");
        // The vault's files are others now: the story goes on with these.
        story.house = story.again().await.build().await.expect("a house opens twice");
    }
    let signed = story.erase().await;
    let mut evidence = Evidence { found_before: keys.len() as u64, ..Evidence::default() };
    for (store, levels) in &signed.certificate().stores {
        let kept = match (&levels.c, promised) {
            (Claim::NotClaimed { why }, None) => {
                evidence.not_claimed.push(format!("{store}: C, {why}"));
                true
            }
            (Claim::Holds { .. } | Claim::Pending { .. }, Some(_)) => true,
            _ => false,
        };
        assert!(kept, "{PROMISE}: {store} claims {:?}, and the vault promises {promised:?}", levels.c);
        evidence.found_of_others += 1;
    }
    // Nobody needs to open it who finds the keys in it.
    let found = searched(keys, &copy, "the old copy of the vault");
    assert!(found.hits.is_empty(), "an old copy of the vault holds its keys wrapped");
    if promised.is_some() {
        let now = story.at_rest_in("vault").await;
        let keys = story.ring(&old).await;
        let others: Vec<KeyId> = keys.keys().map(Key::id).filter(|id| !dying.contains(id)).collect();
        let opened = live_in(&story, &copy, &dying).await;
        assert_eq!(opened, 0, "{PROMISE}: an old copy of the vault opens {opened} keys that died");
        let opened = live_in(&story, &now, &others).await;
        assert_eq!(opened, others.len(), "void: a copy of the vault from now does not open what lives");
        evidence.trials += (dying.len() + others.len()) as u64;
    }
    evidence.and(Evidence::looked(&found))
}

/// How many of these keys somebody gets who puts a copy of the vault in its place, and has the
/// roots that there are now: a copy holds none. A vault that does not open gives none away.
async fn live_in(story: &Story, copy: &[Blob], ids: &[KeyId]) -> usize {
    let copied = |blobs: &[Blob]| blobs.iter().filter(|blob| !blob.never_copied).cloned().collect::<Vec<_>>();
    put_back(&copied(copy), &copied(&story.at_rest_in("vault").await));
    let Ok(vault) = AssertUnwindSafe(story.parts.vault.open()).catch_unwind().await else { return 0 };
    let states = vault.find(ids).await.unwrap_or_default();
    states.iter().filter(|state| matches!(state, KeyState::Live(_))).count()
}

/// Once a store says that it is swept, no nonce and no tag of what died is in its bytes.
pub(super) async fn a_broken_cipher_finds_no_ciphertext(parts: House) -> Evidence {
    const PROMISE: &str = "once a store is swept, nothing dead is in its bytes";
    let story = told(parts).await;
    let dying = story.dying().await;
    let old = story.in_stores().await;
    let names = story.names_of_stores().await;
    let mut searches = BTreeMap::new();
    for (store, _) in &names {
        let controls = traces(&story, store, &old, &dying).await;
        let before = controls.before(&story.shown().await, &story.at_rest_in(store).await);
        searches.insert(*store, passed(before, store));
    }
    let mut signed = story.erase().await;
    if let Some(settled) = story.house.sweep().await.expect("a house is swept").settled.pop() {
        signed = settled;
    }
    let mut evidence = Evidence::default();
    for (store, name) in &names {
        match &signed.certificate().stores[name].d {
            Claim::Holds { .. } => {
                let after = searches[store].after(&story.shown().await, &story.at_rest_in(store).await);
                evidence = evidence.and(passed(after, store));
            }
            Claim::Pending { why, .. } | Claim::NotClaimed { why } => {
                // The search before has found what it must, of theirs and of others.
                let searched =
                    Evidence { found_before: 1, found_of_others: 1, trials: 1, ..Evidence::default() };
                evidence = evidence.and(searched);
                evidence.not_claimed.push(format!("{name}: D, {why}"));
            }
        }
    }
    assert_ne!(evidence, Evidence::default(), "{PROMISE}: nothing was looked at");
    evidence
}

/// The nonces, tags and entries of indexes of a store: those that die, and those that stay.
async fn traces(story: &Story, store: &str, old: &[Ciphertext], dying: &HashSet<KeyId>) -> Controls {
    let mut needles: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
    for sealed in old.iter().filter(|it| it.store == store) {
        for trace in sealed.traces() {
            needles.insert(trace, sealed.is_under(dying));
        }
    }
    if store == "documents" {
        for token in story.served().await.iter().flat_map(|document| &document.tokens) {
            needles.insert(token.hash.to_vec(), token.owners.iter().any(|owner| dying.contains(owner)));
        }
    }
    let needle = |bytes: Vec<u8>| Needle::bytes(hex::encode(&bytes), bytes);
    needles.into_iter().fold(Controls::default(), |controls, (bytes, dies)| match dies {
        true => controls.erased(needle(bytes)),
        false => controls.kept(needle(bytes)),
    })
}

impl Story {
    /// The stores that can be swept, and what certificates call them.
    pub(super) async fn names_of_stores(&self) -> [(&'static str, String); 3] {
        let documents = self.parts.documents.open().await.name().to_owned();
        let snapshots = self.parts.snapshots.open().await.name().to_owned();
        [("log", "log".to_owned()), ("documents", documents), ("snapshots", snapshots)]
    }
}

/// How many tries it took to open all of them: the positive control.
struct Opening(u64);

impl Opening {
    fn take(&mut self) -> u64 {
        std::mem::take(&mut self.0)
    }
}

async fn all_open(story: &Story, sealed: &[Ciphertext]) -> Opening {
    let mut ring = story.ring(sealed).await;
    let opened = sealed.iter().filter(|it| ring.opens(it)).count();
    assert_eq!(opened, sealed.len(), "void: not everything opens before");
    for store in ["log", "documents", "snapshots", "backups"] {
        assert!(sealed.iter().any(|it| it.store == store), "void: nothing is sealed in {store}");
    }
    Opening(ring.trials)
}

/// Tries every key on every ciphertext: those that are dead stay closed, all others open.
fn try_all(sealed: &[Ciphertext], dead: &HashSet<KeyId>, ring: &mut Ring, promise: &str) -> Evidence {
    assert!(ring.len() > 0, "void: there is no key to try");
    let (dead, living): (Vec<_>, Vec<_>) = sealed.iter().partition(|it| it.is_under(dead));
    for it in &dead {
        assert!(!ring.opens(it), "{promise}: a ciphertext in {} opens", it.store);
    }
    for it in &living {
        assert!(ring.opens(it), "what belongs to others opens: one in {} does not", it.store);
    }
    assert!(!dead.is_empty() && !living.is_empty(), "void: {} dead and {} living", dead.len(), living.len());
    let (found_before, found_of_others) = (dead.len() as u64, living.len() as u64);
    Evidence { trials: ring.trials, found_before, found_of_others, ..Evidence::default() }
}

/// Each store claims the level.
fn assert_claims(signed: &SignedCertificate, name: &str, level: fn(&Levels) -> &Claim, promise: &str) {
    for (store, levels) in &signed.certificate().stores {
        let holds = matches!(level(levels), Claim::Holds { .. });
        assert!(holds, "{promise}: level {name} is not claimed for {store}");
    }
}
