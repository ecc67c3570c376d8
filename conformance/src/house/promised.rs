//! Law 9: recoverable is not erased, and nothing is claimed that is not promised.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oubliette_backup::Options;
use oubliette_core::erasure::certificate::Claim;
use oubliette_core::erasure::{Certificate, SignedCertificate};
use oubliette_core::{Promise, Swept};

use super::bytes::{open_marker, passed};
use super::liars::DocumentLie;
use super::story::{Story, told};
use super::{Evidence, House};
use crate::search::{Controls, Needle};

/// A store is pending until it is swept; what is in the way is named; then it holds, and no
/// byte is left.
pub(super) async fn a_store_is_pending_until_it_is_swept(parts: House) -> Evidence {
    const PROMISE: &str = "a store that is not swept is pending";
    let (parts, blocked) = parts.with_documents(DocumentLie::IsBlocked).await;
    let story = told(parts).await;
    let stores = story.names_of_stores().await;
    let (promises, documents) = (story.promises().await, &stores[1].1);
    let dying = story.dying().await;
    let parts: Vec<_> = story.in_stores().await.into_iter().filter(|it| it.store == "documents").collect();
    let controls = parts.iter().fold(Controls::default(), |controls, sealed| {
        let [nonce, _] = sealed.traces();
        let needle = Needle::bytes(hex::encode(&nonce), nonce);
        if sealed.is_under(&dying) { controls.erased(needle) } else { controls.kept(needle) }
    });
    let before =
        controls.marker(open_marker()).before(&story.shown().await, &story.at_rest_in("documents").await);
    let before = passed(before, "documents");
    let signed = story.erase().await;
    for (_, name) in &stores {
        assert_claim(&signed, name, expected(promises[name], None), PROMISE);
    }
    blocked.turn(true);
    let sweep = story.house.sweep().await.expect("what is blocked is no failure");
    let why = sweep.stores[documents].to_string();
    assert!(why.contains("a reader of the case"), "{PROMISE}: what is in the way is named: {why}");
    let latest = sweep.settled.last().unwrap_or(&signed);
    let Claim::Pending { why, .. } = &latest.certificate().stores[documents].d else {
        panic!("{PROMISE}: it was blocked, and claims {:?}", latest.certificate().stores[documents].d)
    };
    assert!(
        why.contains("a reader of the case"),
        "{PROMISE}: the certificate names what is in the way: {why}"
    );
    let latest = latest.clone();
    blocked.turn(false);
    let sweep = story.house.sweep().await.expect("a house is swept");
    let latest = sweep.settled.last().unwrap_or(&latest);
    let mut evidence = Evidence::default();
    for (_, name) in &stores {
        let swept = sweep.stores.get(name).unwrap_or_else(|| panic!("{PROMISE}: {name} was not swept"));
        assert_claim(latest, name, expected(promises[name], Some(swept)), PROMISE);
    }
    if sweep.stores[documents] == Swept::Clean {
        let after = before.after(&story.shown().await, &story.at_rest_in("documents").await);
        evidence = passed(after, "documents");
    } else {
        evidence.not_claimed.push(format!("{documents}: D, {}", sweep.stores[documents]));
        (evidence.found_before, evidence.found_of_others) = (1, 1);
    }
    let file = serde_json::to_vec(latest).expect("a certificate is JSON");
    SignedCertificate::verify(&file).expect("a certificate that was signed anew verifies");
    evidence.trials += 3;
    evidence
}

/// A store that cannot promise that bytes are gone claims nothing of it, swept or not.
pub(super) async fn what_is_not_promised_is_not_claimed(parts: House) -> Evidence {
    const PROMISE: &str = "what a store cannot promise is absent from its certificate";
    let mut evidence = Evidence::default();
    let (unsure, _) = parts.with_documents(DocumentLie::IsUnsure).await;
    let story = told(unsure).await;
    let stores = story.names_of_stores().await;
    // Asked again, a part promises the same: whatever is claimed rests on it.
    let promises = story.promises().await;
    for _ in 0..3 {
        assert_eq!(story.promises().await, promises, "a part promises the same each time");
    }
    let signed = story.erase().await;
    let swept = story.house.sweep().await.expect("a house is swept");
    for latest in [&signed, swept.settled.last().unwrap_or(&signed)] {
        for (_, name) in &stores {
            if promises[name].bytes_gone.is_none() {
                assert_claim(latest, name, Is::NotClaimed, PROMISE);
                // The case itself takes a promise away: it is no lack of this house.
                evidence.found_before += 1;
            }
        }
        let levels = latest.certificate().stores.values();
        let claims_c = levels.filter(|levels| !matches!(levels.c, Claim::NotClaimed { .. })).count();
        let promised = promises["vault"].unrecoverable_within.is_some();
        assert!(
            promised || claims_c == 0,
            "{PROMISE}: level C is claimed, and the vault does not promise it"
        );
    }
    let composed = promises.values().fold(Promise::AT_ONCE, |all, one| all.and(*one));
    assert_eq!(
        signed.certificate().promise,
        composed,
        "{PROMISE}: the house promises the worst of its parts"
    );
    assert!(evidence.found_before > 0, "void: every store promises it");
    evidence.trials = 2 * stores.len() as u64;
    evidence.found_of_others = stores.len() as u64;
    evidence
}

/// Backups from before an erasure stand in its certificate, with their dates; once they have
/// expired, no byte of them is left.
pub(super) async fn a_backup_from_before_stands_in_the_certificate(parts: House) -> Evidence {
    const PROMISE: &str = "a backup that still holds what was erased stands in the certificate";
    let mut story = Story::begun(parts).await;
    story.happens().await;
    story.derive().await;
    let dying = story.dying().await;
    let keep = SignedDuration::from_hours(24);
    let options = Options::new().keep(keep).segment_bytes(1_000);
    let create = |story: &Story, options: Options| {
        let (log, vault) = (story.house.log().clone(), story.house.vault().clone());
        let backups = story.backups.clone();
        async move { backups.create(&log, &vault, &options, &|_| {}).await.expect("a backup is taken").backup }
    };
    let first = create(&story, options.clone().full(true)).await;
    story.goes_on().await;
    let second = create(&story, options).await;
    let sealed: Vec<_> = story.ciphertexts().await.into_iter().filter(|it| it.store == "backups").collect();
    let dead: Vec<_> = sealed.iter().filter(|it| it.is_under(&dying)).collect();
    let controls = dead.iter().fold(Controls::default(), |controls, sealed| {
        let [nonce, _] = sealed.traces();
        controls.erased(Needle::bytes(hex::encode(&nonce), nonce))
    });
    let before =
        controls.marker(open_marker()).before(&story.shown().await, &story.at_rest_in("backups").await);
    let before = passed(before, "backups");
    let signed = story.erase().await;
    let Certificate { backups: listed, stores, .. } = signed.certificate();
    for backup in [&first, &second] {
        let found = listed.iter().find(|record| record.id == backup.id);
        let found = found.unwrap_or_else(|| panic!("{PROMISE}: {} is not in it", backup.id));
        assert!(found.expires_at.is_some(), "{PROMISE}, with its date");
    }
    let Claim::Pending { until, .. } = &stores["backups"].d else {
        panic!("{PROMISE}: backups claim {:?}", stores["backups"].d)
    };
    let last = listed.iter().filter_map(|record| record.expires_at).max();
    assert_eq!(Some(*until), last, "{PROMISE}: until the last of them expires");
    // One without what was erased, which stays.
    let third = create(&story, Options::new().full(true)).await;
    let later = Timestamp::now().checked_add(keep * 2).expect("a day is in range");
    let expired = story.backups.expire(later).await.expect("backups expire").backups;
    assert!(expired.contains(&first.id) && expired.contains(&second.id), "{PROMISE}: they did not expire");
    assert!(!expired.contains(&third.id), "a backup that has no end does not expire");
    let after = before.after(&story.shown().await, &story.at_rest_in("backups").await);
    passed(after, "backups that have expired")
}

impl Story {
    /// What each store that can be swept promises, and the vault.
    async fn promises(&self) -> BTreeMap<String, Promise> {
        let [(_, log), (_, documents), (_, snapshots)] = self.names_of_stores().await;
        BTreeMap::from([
            (log, self.parts.log.open().await.promise()),
            (documents, self.parts.documents.open().await.promise()),
            (snapshots, self.parts.snapshots.open().await.promise()),
            ("vault".to_owned(), self.parts.vault.open().await.promise()),
        ])
    }
}

/// What a claim is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Holding,
    Pending,
    NotClaimed,
}

/// What a store may claim that promises this, and that was swept so.
fn expected(promise: Promise, swept: Option<&Swept>) -> Is {
    match (promise.bytes_gone, swept) {
        (None, _) => Is::NotClaimed,
        (Some(Duration::ZERO), _) | (Some(_), Some(Swept::Clean)) => Is::Holding,
        (Some(_), None | Some(Swept::Blocked { .. })) => Is::Pending,
        (Some(_), Some(Swept::Unsure { .. })) => Is::NotClaimed,
    }
}

fn assert_claim(signed: &SignedCertificate, store: &str, expected: Is, promise: &str) {
    let claim = &signed.certificate().stores[store].d;
    let is = match claim {
        Claim::Holds { .. } => Is::Holding,
        Claim::Pending { .. } => Is::Pending,
        Claim::NotClaimed { .. } => Is::NotClaimed,
    };
    assert_eq!(is, expected, "{promise}: {store} claims {claim:?}");
}
