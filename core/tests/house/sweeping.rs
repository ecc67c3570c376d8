//! Sweeps, and what they settle in certificates.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use oubliette_core::erasure::SignedCertificate;
use oubliette_core::erasure::certificate::Claim;
use oubliette_core::memory::{MemoryLog, MemorySnapshots};
use oubliette_core::{
    ErasedKeys, Error, ErrorKind, EventLog as _, Expect, Forgotten, KeyId, Oubliette, Position, Promise,
    Query, Restored, Result, Series, Snapshot, SnapshotKey, SnapshotStore, Swept,
};

use crate::support::{Parts, registered, subject};

const DAY: Duration = Duration::from_secs(86_400);

/// A store whose dead bytes stay until it is swept, and of which the test says what comes
/// of that.
#[derive(Clone, Debug)]
struct Lazy {
    store: MemorySnapshots,
    promised: Option<Duration>,
    outcome: Arc<Mutex<Result<Swept>>>,
    /// Snapshots that it holds under keys that it has forgotten.
    hoarded: u64,
}

impl Lazy {
    fn of(parts: &Parts, promised: Option<Duration>, outcome: Result<Swept>) -> Self {
        let (store, outcome) = (parts.snapshots.clone(), Arc::new(Mutex::new(outcome)));
        Self { store, promised, outcome, hoarded: 0 }
    }

    fn is_now(&self, outcome: Swept) {
        *self.outcome.lock().unwrap() = Ok(outcome);
    }
}

#[async_trait]
impl SnapshotStore for Lazy {
    fn name(&self) -> &str {
        "lazy"
    }
    fn promise(&self) -> Promise {
        Promise { bytes_gone: self.promised, ..Promise::AT_ONCE }
    }
    async fn save(&self, snapshots: Vec<Snapshot>) -> Result<()> {
        self.store.save(snapshots).await
    }
    async fn load(&self, of: &SnapshotKey, at_most: Position) -> Result<Option<Snapshot>> {
        self.store.load(of, at_most).await
    }
    async fn page(&self, of: &Series, at: Position, after: &str, limit: usize) -> Result<Vec<Snapshot>> {
        self.store.page(of, at, after, limit).await
    }
    async fn drop_before(&self, of: &Series, id: Option<&str>, position: Position) -> Result<u64> {
        self.store.drop_before(of, id, position).await
    }
    async fn drop_beyond(&self, position: Position) -> Result<u64> {
        self.store.drop_beyond(position).await
    }
    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        self.store.forget(erased).await
    }
    async fn sweep(&self) -> Result<Swept> {
        match &*self.outcome.lock().unwrap() {
            Ok(swept) => Ok(swept.clone()),
            Err(error) => Err(Error::new(error.kind(), "sweep", "as the test wants it")),
        }
    }
    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        Ok(self.store.held_under(keys).await? + self.hoarded)
    }
    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        self.store.remembers(keys).await
    }
}

/// A store that can be swept.
pub(crate) fn lazy() -> impl SnapshotStore {
    Lazy::of(&Parts::new(), Some(DAY), Ok(Swept::Clean))
}

/// A store that says that it forgets, and does not.
pub(crate) fn hoarding(parts: &Parts) -> impl SnapshotStore {
    Lazy { hoarded: 1, ..Lazy::of(parts, Some(DAY), Ok(Swept::Clean)) }
}

async fn house(parts: &Parts, lazy: &Lazy) -> Oubliette {
    parts.builder().snapshots(Arc::new(lazy.clone())).build().await.unwrap()
}

/// What the certificate says of the lazy store against whoever breaks the cipher one day.
fn claim(signed: &SignedCertificate) -> &Claim {
    &signed.certificate().stores["lazy"].d
}

async fn erase(house: &Oubliette, who: &str) -> SignedCertificate {
    house.append(format!("customer-{who}"), Expect::Any, [registered(who)]).await.unwrap();
    house.erase(&subject(who)).await.unwrap()
}

#[tokio::test]
async fn an_unswept_store_is_pending_and_a_sweep_settles_it() {
    let parts = Parts::new();
    let lazy = Lazy::of(&parts, Some(DAY), Ok(Swept::Clean));
    let house = house(&parts, &lazy).await;
    let pending = erase(&house, "ada").await;
    let Claim::Pending { until, .. } = claim(&pending) else { panic!("{:?}", claim(&pending)) };
    assert_eq!(until.duration_since(pending.certificate().destroyed_at).as_secs(), 86_400);
    assert_eq!(pending.certificate().settled_at, None);

    let sweep = house.sweep().await.unwrap();
    assert_eq!(sweep.stores.keys().collect::<Vec<_>>(), ["documents", "lazy", "log"]);
    assert!(sweep.stores.values().all(|swept| *swept == Swept::Clean));
    let [settled] = &sweep.settled[..] else { panic!("one erasure was pending") };
    let Claim::Holds { since } = claim(settled) else { panic!("{:?}", claim(settled)) };
    assert!(*since >= pending.certificate().closed_at);
    assert!(settled.certificate().settled_at.is_some_and(|at| at >= *since));
    let json = serde_json::to_vec(settled).unwrap();
    assert_eq!(SignedCertificate::verify(&json).unwrap(), *settled);
    let again = house.erase(&subject("ada")).await.unwrap();
    assert_eq!(again, *settled, "the newest certificate is the erasure's");
    assert_eq!(house.sweep().await.unwrap().settled, vec![], "there is nothing more to say");
}

#[tokio::test]
async fn who_is_in_the_way_is_named_and_the_claim_stays_pending() {
    let parts = Parts::new();
    let blocked = Swept::Blocked { by: vec!["a reader".into(), "a slot".into()] };
    let lazy = Lazy::of(&parts, Some(DAY), Ok(blocked.clone()));
    let house = house(&parts, &lazy).await;
    let before = erase(&house, "ada").await;
    let sweep = house.sweep().await.unwrap();
    assert_eq!(sweep.stores["lazy"], blocked);
    let [named] = &sweep.settled[..] else { panic!("the certificate says why") };
    let (Claim::Pending { until: was, .. }, Claim::Pending { until, why }) = (claim(&before), claim(named))
    else {
        panic!("{:?}", claim(named))
    };
    assert_eq!((until, why.as_str()), (was, "not swept, blocked by a reader and a slot"));
    assert_eq!(house.sweep().await.unwrap().settled, vec![], "the same is not said twice");

    lazy.is_now(Swept::Clean);
    let [settled] = &house.sweep().await.unwrap().settled[..] else { panic!("it was swept") };
    let Claim::Holds { .. } = claim(settled) else { panic!("{:?}", claim(settled)) };
}

#[tokio::test]
async fn what_no_sweep_reaches_is_not_claimed() {
    let parts = Parts::new();
    let lazy = Lazy::of(&parts, None, Ok(Swept::Clean));
    let one = house(&parts, &lazy).await;
    let signed = erase(&one, "ada").await;
    let Claim::NotClaimed { .. } = claim(&signed) else { panic!("{:?}", claim(&signed)) };
    assert_eq!(one.sweep().await.unwrap().settled, vec![], "no sweep makes up for a missing promise");

    let lazy = Lazy::of(&parts, Some(DAY), Ok(Swept::Unsure { why: "it writes elsewhere".into() }));
    let two = house(&parts, &lazy).await;
    erase(&two, "bob").await;
    let [settled] = &two.sweep().await.unwrap().settled[..] else { panic!("it was pending") };
    assert_eq!(*claim(settled), Claim::NotClaimed { why: "it writes elsewhere".into() });
}

#[tokio::test]
async fn a_store_that_fails_is_named_and_the_others_are_swept() {
    let parts = Parts::new();
    let failing = Err(Error::new(ErrorKind::Unavailable, "sweep", "out of reach"));
    let lazy = Lazy::of(&parts, Some(DAY), failing);
    let house = house(&parts, &lazy).await;
    erase(&house, "ada").await;
    let error = house.sweep().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert!(error.to_string().contains("failed=lazy") || format!("{error:?}").contains("lazy"), "{error}");
    let erasures = house.erasures().await.unwrap();
    let Claim::Pending { .. } = claim(erasures[0].certificate().unwrap()) else { panic!("nobody swept it") };
}

#[tokio::test]
async fn one_sweep_settles_every_closed_erasure_and_leaves_open_ones() {
    let parts = Parts::new();
    let lazy = Lazy::of(&parts, Some(DAY), Ok(Swept::Clean));
    let house = house(&parts, &lazy).await;
    for who in ["ada", "bob", "eve"] {
        erase(&house, who).await;
    }
    let sweep = house.sweep().await.unwrap();
    let settled: Vec<_> = sweep.settled.iter().map(|signed| signed.certificate().erasure).collect();
    let known: Vec<_> = house.erasures().await.unwrap().iter().map(|progress| progress.erasure).collect();
    assert_eq!(settled, known);
}

#[tokio::test]
async fn a_copy_from_before_stays_closed_until_it_is_swept() {
    let parts = Parts::new();
    let lazy = Lazy::of(&parts, Some(DAY), Ok(Swept::Clean));
    let first = house(&parts, &lazy).await;
    erase(&first, "ada").await;
    // Snapshots from before, and then a log from before.
    let snapshots = Parts { snapshots: MemorySnapshots::new(), ..parts.clone() };
    let log = Parts { log: MemoryLog::new(), ..parts.clone() };
    let until = Position(1);
    let founding = parts.log.read(Query::all().limit(1)).try_concat().await.unwrap();
    let page = Restored { events: founding, through: until, until, dropped: Vec::new() };
    log.log.restore(page).await.unwrap();
    log.log.release().await.unwrap();
    for old in [snapshots, log] {
        let lazy = Lazy::of(&old, Some(DAY), Ok(Swept::Blocked { by: vec!["a reader".into()] }));
        // However often it is tried.
        for _ in 0..2 {
            let error = old.builder().snapshots(Arc::new(lazy.clone())).build().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Incomplete);
            let causes = format!("{error:?}");
            assert!(causes.contains("lazy is not swept, blocked by a reader"), "{causes}");
        }
        lazy.is_now(Swept::Clean);
        assert_eq!(house(&old, &lazy).await.erasures().await.unwrap().len(), 1);
        lazy.is_now(Swept::Blocked { by: vec!["nobody needs it any more".into()] });
        assert_eq!(house(&old, &lazy).await.erasures().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_restored_log_of_which_nobody_was_erased_needs_no_sweep() {
    let parts = Parts::new();
    let blocked = Swept::Blocked { by: vec!["a reader".into()] };
    let lazy = Lazy::of(&parts, Some(DAY), Ok(blocked));
    house(&parts, &lazy).await.append("customer-1", Expect::New, [registered("ada")]).await.unwrap();
    let events = parts.log.read(Query::all()).try_concat().await.unwrap();
    let until = Position(events.len() as u64);
    let restored = Parts { log: MemoryLog::new(), ..parts.clone() };
    restored.log.restore(Restored { events, through: until, until, dropped: Vec::new() }).await.unwrap();
    let house = house(&restored, &lazy).await;
    assert_eq!(restored.log.quarantine().await.unwrap(), None);
    assert!(house.erasures().await.unwrap().is_empty());
}
