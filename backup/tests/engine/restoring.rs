//! Restores that were stopped anywhere, and gone on with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use oubliette_backup::{FolderTarget, Progress};
use oubliette_core::memory::{MemoryLog, MemoryTarget};
use oubliette_core::{
    Appended, BackupTarget, Batch, Dropped, DroppedStream, Error, ErrorKind, EventLog, KeyId, Limits,
    PageStream, Position, Promise, Query, Restored, Result, Scrubbed, StreamId, Swept, Version,
};

use crate::support::{World, append, assert_same, new_log, plain, read, small, stream};

/// A log that takes so many pages, and in pages of two events.
#[derive(Debug)]
struct Stopping {
    log: MemoryLog,
    left: AtomicUsize,
    /// Whether the last page is taken, and nobody is told.
    after: bool,
}

#[async_trait]
impl EventLog for Stopping {
    fn limits(&self) -> Limits {
        Limits { events_per_batch: 2, ..self.log.limits() }
    }
    fn promise(&self) -> Promise {
        self.log.promise()
    }
    async fn append(&self, batch: Batch) -> Result<Appended> {
        self.log.append(batch).await
    }
    fn read(&self, query: Query) -> PageStream {
        self.log.read(query)
    }
    async fn head(&self) -> Result<Position> {
        self.log.head().await
    }
    async fn version(&self, stream: &StreamId) -> Result<Version> {
        self.log.version(stream).await
    }
    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        self.log.wait_beyond(position).await
    }
    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        self.log.scrub(keys).await
    }
    async fn sweep(&self) -> Result<Swept> {
        self.log.sweep().await
    }
    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        self.log.drop_stream(stream).await
    }
    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        self.log.dropped().await
    }
    async fn restore(&self, page: Restored) -> Result<()> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            return self.log.restore(page).await;
        }
        if self.after {
            self.log.restore(page).await?;
        }
        Err(Error::new(ErrorKind::Unavailable, "restore", "the log is out of reach"))
    }
    async fn quarantine(&self) -> Result<Option<Position>> {
        self.log.quarantine().await
    }
    async fn release(&self) -> Result<()> {
        self.log.release().await
    }
}

#[tokio::test]
async fn stopped_after_any_page_a_restore_is_gone_on_with() {
    let world = World::with_history().await;
    world.take().await;
    world.log.drop_stream(&stream("customer-0")).await.unwrap();
    world.append("customer-2", 5).await;
    let taken = world.take().await;
    let until = Some(taken.backup.through);
    for after in [false, true] {
        for pages in 0.. {
            let memory = MemoryLog::new();
            let stopping = Stopping { log: memory.clone(), left: pages.into(), after };
            let stopping: Arc<dyn EventLog> = Arc::new(stopping);
            let Err(error) = world.restore(None, &stopping).await else {
                assert!(pages > 10, "a restore takes several pages");
                break;
            };
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            let log: Arc<dyn EventLog> = Arc::new(memory);
            let begun = pages > 0 || after;
            assert_eq!(log.quarantine().await.unwrap(), until.filter(|_| begun), "it was begun");
            let part = read(&log).await.len() as u64;
            // A newer one does not get into what was begun.
            let newer = if begun { Some(world.take().await) } else { None };
            let restoration = world.restore(None, &log).await.unwrap();
            assert_eq!(restoration.events + part, read(&world.log).await.len() as u64);
            assert_same(&log, &world.log).await;
            let again = world.restore(Some(taken.backup.id), &log).await.unwrap();
            assert_eq!(again.events, 0, "restoring twice changes nothing");
            assert_same(&log, &world.log).await;
            assert!(newer.is_none_or(|newer| newer.backup.through == taken.backup.through));
            log.release().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_restore_that_was_begun_takes_no_other_backup() {
    let world = World::with_history().await;
    let old = world.take().await;
    let stopped = |pages: usize| {
        let memory = MemoryLog::new();
        let log: Arc<dyn EventLog> =
            Arc::new(Stopping { log: memory.clone(), left: pages.into(), after: false });
        (log, memory)
    };
    let (stopping, memory) = stopped(4);
    world.restore(None, &stopping).await.unwrap_err();
    let log: Arc<dyn EventLog> = Arc::new(memory);
    world.append("customer-1", 3).await;
    let new = world.take().await;
    let error = world.restore(Some(new.backup.id), &log).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let restoration = world.restore(None, &log).await.unwrap();
    assert_eq!(restoration.backup.id, old.backup.id, "it goes on with the one that was begun");

    // One of another log that ends at the same position is found out.
    let other = new_log();
    let until = old.backup.through.0;
    append(&*other, "another", (0..until).map(|_| plain("{}")).collect()).await;
    let other =
        World { log: other, target: MemoryTarget::new(), folder: tempfile::tempdir().unwrap(), ..world };
    let theirs = other.take().await;
    assert_eq!(theirs.backup.through.0, until);
    let error = other.restore(None, &log).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_log_with_events_of_its_own_takes_no_backup() {
    let world = World::with_history().await;
    world.take().await;
    for log in [&world.log, &new_log()] {
        append(&**log, "own", (0..100).map(|_| plain("{}")).collect()).await;
        let before = read(log).await;
        let error = world.restore(None, log).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(read(log).await == before);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = World::with_history().await;
    assert_eq!(world.restore(None, &new_log()).await.unwrap_err().kind(), ErrorKind::NotFound);
    world.take().await;
    let id = Some(oubliette_core::BackupId::random().unwrap());
    assert_eq!(world.restore(id, &new_log()).await.unwrap_err().kind(), ErrorKind::NotFound);
    let error = world.backups().verify(id, None, &|_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_folder_is_restored_on_another_machine() {
    let world = World::with_history().await;
    let place = tempfile::tempdir().unwrap();
    let folder =
        || async { Arc::new(FolderTarget::open(place.path()).await.unwrap()) as Arc<dyn BackupTarget> };
    let backups = world.backups_in(folder().await);
    backups.create(&world.log, &world.vault, &small(), &|_| {}).await.unwrap();
    // Without the register, which stayed behind.
    let elsewhere = World { folder: tempfile::tempdir().unwrap(), ..world };
    let backups = elsewhere.backups_in(folder().await);
    let log = new_log();
    let trusted = elsewhere.trusted().await;
    let heard = AtomicUsize::new(0);
    let hear = |progress: Progress| {
        assert!(progress.through <= progress.until);
        heard.fetch_add(1, Ordering::SeqCst);
    };
    backups.restore(None, &log, &trusted, &hear).await.unwrap();
    assert!(heard.into_inner() > 3);
    assert_same(&log, &elsewhere.log).await;
}
