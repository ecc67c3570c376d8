//! A log, its vault, and backups of it; and a place that fails when it is told to.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::TryStreamExt;
use oubliette_backup::{Backups, FileRegister, Options, Restoration, Summary, Trusted, public_key};
use oubliette_core::memory::{MemoryLog, MemoryTarget, MemoryVault};
use oubliette_core::seal::{Nonces, Padding, Place, seal};
use oubliette_core::{
    BackupId, BackupTarget, Batch, Envelope, Error, ErrorKind, EventId, EventLog, EventType, Expect, Key,
    KeyVault, Purpose, Query, Recorded, Result, Scope, StreamId, SubjectId,
};
use tempfile::TempDir;

/// A personal value that every sealed part of the tests holds.
pub(crate) const NAME: &str = "Ada Lovelace";

pub(crate) struct World {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) vault: Arc<dyn KeyVault>,
    pub(crate) target: MemoryTarget,
    pub(crate) folder: TempDir,
    pub(crate) ada: Key,
    pub(crate) bob: Key,
    pub(crate) bob_is_gone: AtomicBool,
}

impl World {
    pub(crate) async fn new() -> Self {
        let vault: Arc<dyn KeyVault> = Arc::new(MemoryVault::new().unwrap());
        let scope = |name| Scope::new(SubjectId::new(name).unwrap(), Purpose::declared("contract"));
        let keys = vault.mint(&[scope("ada"), scope("bob")]).await.unwrap();
        let [ada, bob] = keys.try_into().unwrap();
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let folder = tempfile::tempdir().unwrap();
        Self {
            log,
            vault,
            target: MemoryTarget::new(),
            folder,
            ada,
            bob,
            bob_is_gone: AtomicBool::new(false),
        }
    }

    /// With events of all kinds: some streams, sealed parts, scrubbed ones, and gaps.
    pub(crate) async fn with_history() -> Self {
        let world = Self::new().await;
        for n in 0..12 {
            world.append(&format!("customer-{}", n % 3), 2).await;
            world.append("gone", 1).await;
        }
        world.scrub_bob().await;
        world.log.drop_stream(&stream("gone")).await.unwrap();
        world
    }

    pub(crate) fn register(&self) -> FileRegister {
        FileRegister::new(self.register_path())
    }

    pub(crate) fn register_path(&self) -> PathBuf {
        self.folder.path().join("register.json")
    }

    pub(crate) fn backups(&self) -> Backups {
        self.backups_in(Arc::new(self.target.clone()))
    }

    pub(crate) fn backups_in(&self, target: Arc<dyn BackupTarget>) -> Backups {
        Backups::new(target, self.register())
    }

    pub(crate) async fn trusted(&self) -> Trusted {
        Trusted { vault: self.vault.id(), key: public_key(&*self.vault).await.unwrap() }
    }

    /// Takes a backup in segments of a few events.
    pub(crate) async fn take(&self) -> Summary {
        self.create(&small()).await.unwrap()
    }

    pub(crate) async fn create(&self, options: &Options) -> Result<Summary> {
        self.backups().create(&self.log, &self.vault, options, &|_| {}).await
    }

    pub(crate) async fn verify(&self) -> oubliette_backup::Verified {
        let key = self.trusted().await.key;
        self.backups().verify(None, Some(&key), &|_| {}).await.unwrap()
    }

    pub(crate) async fn restore(
        &self,
        id: Option<BackupId>,
        into: &Arc<dyn EventLog>,
    ) -> Result<Restoration> {
        self.backups().restore(id, into, &self.trusted().await, &|_| {}).await
    }

    pub(crate) async fn append(&self, name: &str, events: usize) {
        append(&*self.log, name, (0..events).map(|_| self.event(name)).collect()).await;
    }

    /// Scrubs what is sealed for Bob.
    pub(crate) async fn scrub_bob(&self) {
        self.bob_is_gone.store(true, Ordering::SeqCst);
        self.log.scrub(&[self.bob.id()]).await.unwrap();
    }

    /// Sealed for Ada, for Bob, and for both; for Ada alone once Bob is gone.
    fn event(&self, name: &str) -> Envelope {
        let name = stream(name);
        let mut event = plain("{\"type\":\"Registered\"}");
        let (ada, bob) = (self.ada.clone(), self.bob.clone());
        let owners = match self.bob_is_gone.load(Ordering::SeqCst) {
            true => vec![vec![ada]],
            false => vec![vec![ada.clone()], vec![bob.clone()], vec![ada, bob]],
        };
        let values = format!("[\"{NAME}\"]");
        let mut nonces = Nonces::of(owners.len());
        for (part, owners) in (0..).zip(&owners) {
            let place = Place { stream: &name, event: event.id, part };
            let sealed = seal(place, owners, values.as_bytes(), Padding::None, &mut nonces).unwrap();
            event.parts.push(Some(sealed));
        }
        event
    }

    pub(crate) async fn objects(&self) -> Vec<String> {
        self.target.list("").await.unwrap()
    }

    /// Puts other bytes in the place of an object.
    pub(crate) async fn replace(&self, name: &str, bytes: &[u8]) {
        self.target.take(name).await.unwrap();
        self.target.put(name, bytes).await.unwrap();
    }
}

/// Segments of a few events.
pub(crate) fn small() -> Options {
    Options::new().segment_bytes(500)
}

pub(crate) fn new_log() -> Arc<dyn EventLog> {
    Arc::new(MemoryLog::new())
}

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

pub(crate) fn plain(open: &str) -> Envelope {
    let event_type = EventType::new("Registered").unwrap();
    Envelope { id: EventId::random().unwrap(), event_type, schema: 1, open: open.into(), parts: Vec::new() }
}

pub(crate) async fn append(log: &dyn EventLog, name: &str, events: Vec<Envelope>) {
    log.append(Batch::one(stream(name), Expect::Any, events)).await.unwrap();
}

pub(crate) async fn read(log: &Arc<dyn EventLog>) -> Vec<Recorded> {
    log.read(Query::all()).try_concat().await.unwrap()
}

/// Checks that one log reads as the other, to the byte, and tells the same of what was dropped.
pub(crate) async fn assert_same(restored: &Arc<dyn EventLog>, original: &Arc<dyn EventLog>) {
    let (is, should) = (read(restored).await, read(original).await);
    assert_eq!(is.len(), should.len());
    assert!(is == should, "an event differs");
    assert_eq!(restored.head().await.unwrap(), original.head().await.unwrap());
    assert_eq!(restored.dropped().await.unwrap(), original.dropped().await.unwrap());
}

/// How a place fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failing {
    /// With an error, and nothing is stored.
    Before,
    /// As a program that is killed when the object is stored, and nobody was told.
    After,
    /// As a program that breaks down.
    Panics,
}

/// A place that fails at the n-th change of it.
#[derive(Debug)]
pub(crate) struct FailingTarget {
    target: MemoryTarget,
    how: Failing,
    left: AtomicUsize,
}

impl FailingTarget {
    pub(crate) fn new(target: &MemoryTarget, how: Failing, at: usize) -> Arc<Self> {
        Arc::new(Self { target: target.clone(), how, left: AtomicUsize::new(at) })
    }

    /// Whether this is the change at which it fails. It fails from then on.
    fn fails(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1)))
            == Ok(0)
    }

    async fn change(&self, change: impl Future<Output = Result<()>>) -> Result<()> {
        if !self.fails() {
            return change.await;
        }
        match self.how {
            Failing::Before => {}
            Failing::After => change.await?,
            Failing::Panics => panic!("the program breaks down"),
        }
        Err(Error::new(ErrorKind::Unavailable, "put", "the place is out of reach"))
    }
}

#[async_trait]
impl BackupTarget for FailingTarget {
    fn location(&self) -> String {
        self.target.location()
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.change(self.target.put(name, bytes)).await
    }

    async fn get(&self, name: &str) -> Result<Vec<u8>> {
        self.target.get(name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.target.list(prefix).await
    }

    async fn take(&self, name: &str) -> Result<()> {
        self.change(self.target.take(name)).await
    }

    async fn tidy(&self) -> Result<()> {
        self.target.tidy().await
    }
}
