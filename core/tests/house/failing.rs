//! Parts that fail: an error, never "forgotten", and an erasure that goes on afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use futures::executor::block_on;
use mockall::mock;
use oubliette_core::alias::{Alias, Naming};
use oubliette_core::ledger::Head;
use oubliette_core::{
    Appended, Batch, Dropped, DroppedStream, ErasureId, Error, ErrorKind, EventLog, Expect, Key, KeyId,
    KeyRecord, KeyState, KeyVault, Limits, Oubliette, PageStream, Position, Promise, Query, Reason, Restored,
    Result, Scope, Scrubbed, Sequence, Signature, StreamId, SubjectId, Swept, Target, VaultId, Version,
};

use crate::support::{Customer, Parts, registered, subject};

mock! {
    #[derive(Debug)]
    pub(crate) Vault {}

    #[async_trait]
    impl KeyVault for Vault {
        fn id(&self) -> VaultId;
        fn promise(&self) -> Promise;
        async fn mint(&self, scopes: &[Scope]) -> Result<Vec<Key>>;
        async fn find(&self, ids: &[KeyId]) -> Result<Vec<KeyState>>;
        async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>>;
        async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>>;
        async fn aliases(&self) -> Result<Vec<Alias>>;
        async fn register(&self, target: &Target, reason: &Reason) -> Result<oubliette_core::Erasure>;
        async fn fence(&self, erasure: ErasureId) -> Result<()>;
        async fn destroy(&self, erasure: ErasureId) -> Result<Vec<KeyId>>;
        async fn erasures(&self, after: Sequence) -> Result<Vec<oubliette_core::Erasure>>;
        async fn readmit(&self, target: &Target) -> Result<()>;
        async fn sign(&self, message: &[u8]) -> Result<Signature>;
        async fn anchor(&self) -> Result<Option<Head>>;
        async fn set_anchor(&self, head: &Head) -> Result<()>;
    }
}

mock! {
    #[derive(Debug)]
    pub(crate) Log {}

    #[async_trait]
    impl EventLog for Log {
        fn limits(&self) -> Limits;
        fn promise(&self) -> Promise;
        async fn append(&self, batch: Batch) -> Result<Appended>;
        fn read(&self, query: Query) -> PageStream;
        async fn head(&self) -> Result<Position>;
        async fn version(&self, stream: &StreamId) -> Result<Version>;
        async fn wait_beyond(&self, position: Position) -> Result<Position>;
        async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed>;
        async fn sweep(&self) -> Result<Swept>;
        async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped>;
        async fn dropped(&self) -> Result<Vec<DroppedStream>>;
        async fn restore(&self, page: Restored) -> Result<()>;
        async fn quarantine(&self) -> Result<Option<Position>>;
        async fn release(&self) -> Result<()>;
    }
}

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "test", "out of reach")
}

/// A vault that answers as `parts` would until it is asked for a key.
fn vault_without_keys(parts: &Parts) -> MockVault {
    let mut vault = MockVault::new();
    let memory = parts.vault.clone();
    vault.expect_id().return_const(memory.id());
    vault.expect_promise().return_const(memory.promise());
    vault.expect_erasures().returning(move |after| block_on(memory.erasures(after)));
    vault.expect_anchor().returning(|| Ok(None));
    vault
}

#[tokio::test]
async fn a_vault_that_is_down_is_an_error_and_reads_as_nothing() {
    let parts = Parts::new();
    parts.house().await.append("a", Expect::New, [registered("ada")]).await.unwrap();
    let mut vault = vault_without_keys(&parts);
    vault.expect_find().times(1).returning(|_| Err(down()));
    let house =
        Oubliette::builder(Arc::new(parts.log.clone()), Arc::new(vault), Arc::new(parts.ledger.clone()))
            .build()
            .await
            .unwrap();
    let read: Result<Vec<_>> = house.read(Query::stream(StreamId::new("a").unwrap())).try_collect().await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_key_that_the_vault_never_saw_is_an_error_and_not_forgotten() {
    let parts = Parts::new();
    parts.house().await.append("a", Expect::New, [registered("ada")]).await.unwrap();
    let mut vault = vault_without_keys(&parts);
    vault.expect_find().returning(|ids| Ok(ids.iter().map(|_| KeyState::Unknown).collect()));
    let house =
        Oubliette::builder(Arc::new(parts.log.clone()), Arc::new(vault), Arc::new(parts.ledger.clone()))
            .build()
            .await
            .unwrap();
    let read: Result<Vec<_>> = house.read(Query::stream(StreamId::new("a").unwrap())).try_collect().await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::UnknownKey);
}

/// A log that does all that `parts` does, and cannot scrub as long as `broken`.
fn log_that_cannot_scrub(parts: &Parts, broken: Arc<AtomicBool>) -> MockLog {
    let mut log = MockLog::new();
    let memory = parts.log.clone();
    log.expect_limits().return_const(memory.limits());
    log.expect_promise().return_const(memory.promise());
    let appending = memory.clone();
    log.expect_append().returning(move |batch| block_on(appending.append(batch)));
    let reading = memory.clone();
    log.expect_read().returning(move |query| reading.read(query));
    log.expect_quarantine().returning(|| Ok(None));
    let version = memory.clone();
    log.expect_version().returning(move |stream| block_on(version.version(stream)));
    let head = memory.clone();
    log.expect_head().returning(move || block_on(head.head()));
    log.expect_scrub().returning(move |keys| match broken.load(Ordering::SeqCst) {
        true => Err(down()),
        false => block_on(memory.scrub(keys)),
    });
    log
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_erasure_open_and_nothing_certified() {
    let parts = Parts::new();
    let broken = Arc::new(AtomicBool::new(true));
    let build = || {
        let log = Arc::new(log_that_cannot_scrub(&parts, broken.clone()));
        Oubliette::builder(log, Arc::new(parts.vault.clone()), Arc::new(parts.ledger.clone())).build()
    };
    let house = build().await.unwrap();
    house.append("a", Expect::New, [registered("ada")]).await.unwrap();

    let error = house.erase(&subject("ada")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert!(error.to_string().contains("swept"), "it names the step: {error}");
    let open = house.erasures().await.unwrap();
    assert!(open[0].certificate().is_none() && open[0].next().is_some());
    // The keys are gone all the same: what is left to do takes dead bytes away.
    let event = house.read(Query::stream(StreamId::new("a").unwrap())).try_next().await.unwrap().unwrap();
    let Customer::Registered { name, .. } = event.data().unwrap() else { panic!("another event") };
    assert!(name.is_forgotten());
    // As long as it fails, a new start says so and certifies nothing.
    assert_eq!(build().await.unwrap_err().kind(), ErrorKind::Incomplete);

    broken.store(false, Ordering::SeqCst);
    let house = build().await.unwrap();
    assert!(house.erasures().await.unwrap()[0].certificate().is_some());
}

#[tokio::test]
async fn parts_that_promise_less_than_required_are_refused() {
    let parts = Parts::new();
    let mut vault = vault_without_keys(&parts);
    vault.checkpoint();
    vault.expect_promise().return_const(Promise { unrecoverable_within: None, ..Promise::AT_ONCE });
    let built =
        Oubliette::builder(Arc::new(parts.log.clone()), Arc::new(vault), Arc::new(parts.ledger.clone()))
            .require(Promise::AT_ONCE)
            .build()
            .await;
    assert_eq!(built.unwrap_err().kind(), ErrorKind::Invalid);
}
