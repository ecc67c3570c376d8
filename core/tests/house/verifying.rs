//! Verification: an erasure is certified only when everything that was asked agrees, and each
//! part that answers wrongly is found out by what is asked of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::executor::block_on;
use jiff::Timestamp;
use oubliette_core::erasure::SignedCertificate;
use oubliette_core::erasure::certificate::Claim;
use oubliette_core::memory::{MemoryLog, MemoryVault};
use oubliette_core::{
    ErasureId, Error, ErrorKind, EventLog, Expect, Fingerprint, KeyId, KeyRecord, KeyState, KeyVault,
    Ledger as _, Oubliette, Promise, Query, Recorded, Restored, Result, Scope, Scrubbed, Swept, Target,
};

use crate::failing::{MockLog, MockVault};
use crate::support::{CONTRACT, Parts, registered, subject};
use crate::sweeping::hoarding;

const HOUR: Duration = Duration::from_secs(3_600);

/// What a vault answers, once it has destroyed something, instead of the truth.
#[derive(Default)]
struct Answers {
    promise: Option<Promise>,
    state: Option<fn(KeyState) -> KeyState>,
    record: Option<fn(KeyRecord) -> KeyRecord>,
    /// A key that it does not find any more.
    lost: Option<KeyId>,
}

/// The vault of these parts, which answers so.
fn vault(parts: &Parts, answers: Answers) -> MockVault {
    let Answers { promise, state, record, lost } = answers;
    let memory: MemoryVault = parts.vault.clone();
    let destroyed = Arc::new(AtomicBool::new(false));
    let mut vault = MockVault::new();
    vault.expect_id().return_const(memory.id());
    vault.expect_promise().return_const(promise.unwrap_or(memory.promise()));
    let (inner, lies) = (memory.clone(), destroyed.clone());
    vault.expect_find().returning(move |ids| {
        let found = ids.iter().zip(block_on(inner.find(ids))?);
        let lies = lies.load(Ordering::SeqCst);
        let answer = |(id, found): (&KeyId, KeyState)| match (lies, state) {
            (true, _) if lost == Some(*id) => KeyState::Unknown,
            (true, Some(state)) => state(found),
            _ => found,
        };
        Ok(found.map(answer).collect())
    });
    let (inner, lies) = (memory.clone(), destroyed.clone());
    vault.expect_keys_of().returning(move |subject| {
        let records = block_on(inner.keys_of(subject))?;
        match record.filter(|_| lies.load(Ordering::SeqCst)) {
            Some(record) => Ok(records.into_iter().map(record).collect()),
            None => Ok(records),
        }
    });
    let inner = memory.clone();
    vault.expect_destroy().returning(move |erasure| {
        destroyed.store(true, Ordering::SeqCst);
        block_on(inner.destroy(erasure))
    });
    told_the_truth(vault, memory)
}

/// All that is not expected of a vault yet, as this one answers it.
fn told_the_truth(mut vault: MockVault, memory: MemoryVault) -> MockVault {
    let inner = memory.clone();
    vault.expect_id().return_const(inner.id());
    vault.expect_promise().return_const(inner.promise());
    vault.expect_mint().returning(move |scopes| block_on(inner.mint(scopes)));
    let inner = memory.clone();
    vault.expect_register().returning(move |target, reason| block_on(inner.register(target, reason)));
    let inner = memory.clone();
    vault.expect_fence().returning(move |erasure: ErasureId| block_on(inner.fence(erasure)));
    let inner = memory.clone();
    vault.expect_erasures().returning(move |after| block_on(inner.erasures(after)));
    let inner = memory.clone();
    vault.expect_sign().returning(move |message| block_on(inner.sign(message)));
    let inner = memory.clone();
    vault.expect_anchor().returning(move || block_on(inner.anchor()));
    vault.expect_set_anchor().returning(move |head| block_on(memory.set_anchor(head)));
    vault
}

/// The log of these parts, which does not scrub the first times that it is asked to.
fn log(parts: &Parts, lazy: usize) -> MockLog {
    like(MockLog::new(), parts, lazy)
}

/// The same, after what is expected of it already.
fn like(mut log: MockLog, parts: &Parts, lazy: usize) -> MockLog {
    let memory = parts.log.clone();
    log.expect_limits().return_const(memory.limits());
    log.expect_promise().return_const(memory.promise());
    log.expect_quarantine().returning(|| Ok(None));
    log.expect_scrub().times(..=lazy).returning(|_| Ok(Scrubbed { parts: 0 }));
    let inner = memory.clone();
    log.expect_scrub().returning(move |keys| block_on(inner.scrub(keys)));
    let inner = memory.clone();
    log.expect_append().returning(move |batch| block_on(inner.append(batch)));
    let inner = memory.clone();
    log.expect_read().returning(move |query| inner.read(query));
    let inner = memory.clone();
    log.expect_version().returning(move |stream| block_on(inner.version(stream)));
    log.expect_head().returning(move || block_on(memory.head()));
    log
}

/// Registers people and erases the first one, by a house with this vault and log.
async fn erase(parts: &Parts, vault: MockVault, log: Arc<dyn EventLog>) -> Result<SignedCertificate> {
    for who in ["ada", "bob", "eve"] {
        parts.house().await.append(who, Expect::New, [registered(who)]).await.unwrap();
    }
    let house = Oubliette::builder(log, Arc::new(vault), Arc::new(parts.ledger.clone())).build().await?;
    house.erase(&subject("ada")).await
}

/// Checks that an erasure with such a part is not certified, and that it is finished without.
async fn assert_not_certified(parts: &Parts, erased: Result<SignedCertificate>) {
    assert_eq!(erased.unwrap_err().kind(), ErrorKind::Incomplete);
    let house = parts.house().await;
    let certificate = house.erase(&subject("ada")).await.unwrap();
    assert_eq!(certificate.certificate().verification.keys_destroyed, 2);
}

async fn assert_vault_is_found_out(answers: Answers) {
    let parts = Parts::new();
    let erased = erase(&parts, vault(&parts, answers), Arc::new(parts.log.clone())).await;
    assert_not_certified(&parts, erased).await;
}

#[tokio::test]
async fn a_key_of_which_the_vault_knows_no_death_is_not_certified_as_dead() {
    let unknown = |state| match state {
        KeyState::Destroyed(_) => KeyState::Unknown,
        other => other,
    };
    assert_vault_is_found_out(Answers { state: Some(unknown), ..Answers::default() }).await;
}

#[tokio::test]
async fn a_key_that_the_vault_still_lists_is_not_certified_as_dead() {
    let alive = |key| KeyRecord { destroyed: None, ..key };
    assert_vault_is_found_out(Answers { record: Some(alive), ..Answers::default() }).await;
    // Nor one that was minted behind the fence.
    let minted = |key| KeyRecord { destroyed: None, minted_at: Timestamp::now() + HOUR, ..key };
    assert_vault_is_found_out(Answers { record: Some(minted), ..Answers::default() }).await;
}

#[tokio::test]
async fn a_log_that_keeps_what_it_was_to_scrub_is_found_out() {
    let parts = Parts::new();
    let vault = vault(&parts, Answers::default());
    let erased = erase(&parts, vault, Arc::new(log(&parts, usize::MAX - 1))).await;
    assert_not_certified(&parts, erased).await;
}

#[tokio::test]
async fn a_derived_store_that_holds_what_it_has_forgotten_is_found_out() {
    let parts = Parts::new();
    let house = parts.builder().snapshots(Arc::new(hoarding(&parts))).build().await.unwrap();
    house.append("ada", Expect::New, [registered("ada")]).await.unwrap();
    assert_not_certified(&parts, house.erase(&subject("ada")).await).await;
}

#[tokio::test]
async fn a_part_that_landed_behind_the_sweep_is_swept_before_it_is_certified() {
    let parts = Parts::new();
    let vault = vault(&parts, Answers::default());
    let erased = erase(&parts, vault, Arc::new(log(&parts, 2))).await.unwrap();
    assert_eq!(erased.certificate().verification.parts_left, 0);
}

#[tokio::test]
async fn a_control_of_which_nothing_opens_is_void() {
    let lost = |state| match state {
        KeyState::Live(_) => KeyState::Unknown,
        other => other,
    };
    assert_vault_is_found_out(Answers { state: Some(lost), ..Answers::default() }).await;
}

#[tokio::test]
async fn a_control_is_what_opens_of_others() {
    let parts = Parts::new();
    let keys = parts.vault.mint(&[Scope::new(subject("eve"), CONTRACT)]).await.unwrap();
    let vault = vault(&parts, Answers { lost: Some(keys[0].id()), ..Answers::default() });
    let erased = erase(&parts, vault, Arc::new(parts.log.clone())).await.unwrap();
    assert_eq!(erased.certificate().verification.neighbours_opened, 2, "what is Bob's");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_verified_before_the_leases_of_other_processes_end() {
    let parts = Parts::new();
    let promise = Promise { unreadable_within: HOUR, ..Promise::AT_ONCE };
    let vault = vault(&parts, Answers { promise: Some(promise), ..Answers::default() });
    let begun = tokio::time::Instant::now();
    erase(&parts, vault, Arc::new(parts.log.clone())).await.unwrap();
    // The clock stands but for those who wait.
    assert!(begun.elapsed() > HOUR / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_a_vault_promises_for_later_is_pending_until_then() {
    let parts = Parts::new();
    let promise =
        Promise { unrecoverable_within: Some(HOUR), bytes_gone: Some(2 * HOUR), ..Promise::AT_ONCE };
    let vault = vault(&parts, Answers { promise: Some(promise), ..Answers::default() });
    let signed = erase(&parts, vault, Arc::new(parts.log.clone())).await.unwrap();
    let certificate = signed.certificate();
    let claims =
        [&certificate.stores["log"].c, &certificate.stores["vault"].c, &certificate.stores["vault"].d];
    for (claim, within) in claims.into_iter().zip([HOUR, HOUR, 2 * HOUR]) {
        let Claim::Pending { until, .. } = claim else { panic!("{claim:?}") };
        assert_eq!(*until, certificate.destroyed_at + within);
    }
    let parts = Parts::new();
    let signed = erase(&parts, self::vault(&parts, Answers::default()), Arc::new(parts.log.clone())).await;
    let signed = signed.unwrap();
    let certificate = signed.certificate();
    for claim in [&certificate.stores["log"].c, &certificate.stores["vault"].d] {
        assert_eq!(claim, &Claim::Holds { since: certificate.destroyed_at });
    }
}

#[tokio::test]
async fn a_log_that_does_not_take_the_request_is_no_earlier_attempt() {
    let parts = Parts::new();
    let mut log = MockLog::new();
    let inner = parts.log.clone();
    log.expect_append()
        .withf(|batch| batch.streams.iter().any(|entry| entry.stream.as_str().starts_with("$erasure-")))
        .returning(|_| Err(Error::new(ErrorKind::Unavailable, "append", "out of reach")));
    log.expect_append().returning(move |batch| block_on(inner.append(batch)));
    let vault = vault(&parts, Answers::default());
    let erased = erase(&parts, vault, Arc::new(like(log, &parts, 0))).await;
    let error = erased.as_ref().unwrap_err().to_string();
    assert!(error.contains("requested"), "it stops at that step: {error}");
    assert_not_certified(&parts, erased).await;
}

#[tokio::test]
async fn what_is_held_is_counted_by_purpose() {
    let parts = Parts::new();
    let house = parts.house().await;
    for (stream, who) in [("a", "ada"), ("b", "bob"), ("c", "ada")] {
        house.append(stream, Expect::New, [registered(who)]).await.unwrap();
    }
    let held = house.footprint(&Target::Subject(subject("ada"))).await.unwrap();
    assert_eq!((held.keys(), held.events, held.parts), (2, 2, 4));
    let purposes: Vec<_> =
        held.purposes.iter().map(|held| (held.purpose.as_str(), held.keys, held.parts)).collect();
    assert_eq!(purposes, [("contract", 1, 2), ("marketing", 1, 2)]);
    let held = house.footprint(&Target::Purpose(Scope::new(subject("ada"), CONTRACT))).await.unwrap();
    assert_eq!((held.keys(), held.events, held.parts), (1, 2, 2));
}

async fn events(parts: &Parts) -> Vec<Recorded> {
    parts.log.read(Query::all()).try_concat().await.unwrap()
}

/// Events of these parts' log, put back behind its back.
async fn copied(parts: &Parts, events: Vec<Recorded>) -> Parts {
    let until = events.last().unwrap().position;
    let old = Parts { log: MemoryLog::new(), ..parts.clone() };
    old.log.restore(Restored { events, through: until, until, dropped: Vec::new() }).await.unwrap();
    old.log.release().await.unwrap();
    old
}

#[tokio::test]
async fn an_old_copy_of_a_log_that_does_not_scrub_stays_closed() {
    let parts = Parts::new();
    for who in ["ada", "bob"] {
        parts.house().await.append(who, Expect::New, [registered(who)]).await.unwrap();
    }
    let before = events(&parts).await;
    parts.house().await.erase(&subject("ada")).await.unwrap();
    let old = copied(&parts, before).await;
    let mut never = log(&old, 100);
    never.expect_sweep().returning(|| Ok(Swept::Clean));
    let (vault, ledger) = (Arc::new(parts.vault.clone()), Arc::new(parts.ledger.clone()));
    let error = Oubliette::builder(Arc::new(never), vault, ledger).build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert!(format!("{error:?}").contains("something is left of what was erased"), "{error:?}");
}

#[tokio::test]
async fn a_log_from_between_request_and_record_is_told_of_the_erasure() {
    let parts = Parts::new();
    // Nothing was ever sealed for them: the log's parts tell nothing.
    parts.house().await.erase(&subject("nobody-yet")).await.unwrap();
    let between = events(&parts).await[..2].to_vec();
    let old = copied(&parts, between).await;
    let types = async |parts: &Parts| -> Vec<String> {
        events(parts).await.iter().map(|event| event.envelope.event_type.to_string()).collect()
    };
    assert_eq!(types(&old).await, ["Founded", "ErasureRequested"]);
    old.house().await;
    assert_eq!(
        types(&old).await,
        ["Founded", "ErasureRequested", "Restored", "RightToBeForgottenInvoked"],
        "the log says what was destroyed"
    );
}

/// The vault of these parts as it was before it destroyed anything: it takes requests, and
/// what it is told to do beyond them is lost, as when it is put back from a copy.
fn before_it_destroyed(parts: &Parts, keys: Vec<KeyId>) -> MockVault {
    let mut lost = MockVault::new();
    lost.expect_fence().returning(|_| Ok(()));
    lost.expect_destroy().returning(move |_| Ok(keys.clone()));
    lost.expect_find()
        .returning(|ids| Ok(ids.iter().map(|_| KeyState::Destroyed(Fingerprint([0; 32]))).collect()));
    lost.expect_keys_of().returning(|_| Ok(Vec::new()));
    lost.expect_anchor().returning(|| Ok(None));
    lost.expect_set_anchor().returning(|_| Ok(()));
    told_the_truth(lost, parts.vault.clone())
}

#[tokio::test]
async fn a_vault_from_before_its_keys_died_destroys_them_again() {
    let parts = Parts::new();
    parts.house().await.append("ada", Expect::New, [registered("ada")]).await.unwrap();
    let records = parts.vault.keys_of(&subject("ada")).await.unwrap();
    let keys: Vec<KeyId> = records.iter().map(|key| key.id).collect();
    let lost = Arc::new(before_it_destroyed(&parts, keys.clone()));
    let (log, ledger) = (Arc::new(parts.log.clone()), Arc::new(parts.ledger.clone()));
    let house = Oubliette::builder(log, lost, ledger).build().await.unwrap();
    house.erase(&subject("ada")).await.unwrap();
    assert_eq!(parts.vault.anchor().await.unwrap(), None);

    parts.house().await;
    for state in parts.vault.find(&keys).await.unwrap() {
        assert!(matches!(state, KeyState::Destroyed(_)), "{state:?}");
    }
    let entries = parts.ledger.entries().await.unwrap();
    assert_eq!(parts.vault.anchor().await.unwrap(), entries.last().map(|entry| entry.head()));
}
