//! Stores of snapshots that lie.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::memory::MemorySnapshots;
use oubliette_core::{
    ErasedKeys, Error, ErrorKind, Forgotten, KeyId, Position, Promise, Result, Series, Snapshot, SnapshotKey,
    SnapshotKind, SnapshotStore, Swept, Version,
};
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    LosesVersions,
    TellsSnapshots,
    SavesOneByOne,
    LosesAllOnRestart,
    Swallows(ErrorKind),
    ChecksKeysTooEarly,
    LoadsWhatIsBefore,
    IgnoresKinds,
    SkipsAtPageEdges,
    DropsUpToThePosition,
    DropsFromThePosition,
    ForgetsFirstOwners,
    ForgetsNeighbours,
    CountsAgain,
    KeepsAJournal,
    KeepsAFreeList,
    SweepsNothing,
    PromisesNothing,
    SweepsTooMuch,
    LoadsWhateverIsThere,
    ForgetsOnceBegun,
    CountsForEachKey,
    RemembersAny,
}

/// Which case catches which lie.
pub(crate) const LIARS: &[(&str, Lie)] = &[
    ("a_snapshot_survives_as_it_is", Lie::LosesVersions),
    ("an_error_tells_nothing_of_a_snapshot", Lie::TellsSnapshots),
    ("a_save_is_all_or_nothing", Lie::SavesOneByOne),
    ("snapshots_survive_a_restart", Lie::LosesAllOnRestart),
    ("a_forgotten_key_seals_no_snapshot", Lie::Swallows(ErrorKind::Erased)),
    ("a_forgotten_key_seals_no_snapshot", Lie::ChecksKeysTooEarly),
    ("the_newest_snapshot_is_loaded", Lie::LoadsWhatIsBefore),
    ("a_snapshot_of_another_key_is_not_loaded", Lie::IgnoresKinds),
    ("a_series_is_read_in_pages", Lie::SkipsAtPageEdges),
    ("old_snapshots_go_and_no_others", Lie::DropsUpToThePosition),
    ("snapshots_of_events_that_are_no_more_go", Lie::DropsFromThePosition),
    ("a_snapshot_goes_with_any_of_its_keys", Lie::ForgetsFirstOwners),
    ("a_snapshot_goes_with_any_of_its_keys", Lie::ForgetsNeighbours),
    ("forgetting_snapshots_can_be_repeated", Lie::CountsAgain),
    ("a_dropped_forget_of_snapshots_is_done_when_repeated", Lie::ForgetsOnceBegun),
    ("snapshots_leave_no_byte", Lie::KeepsAJournal),
    ("snapshots_leave_no_byte", Lie::SweepsNothing),
    ("snapshots_leave_no_byte", Lie::PromisesNothing),
    ("snapshots_leave_no_byte_after_a_churn", Lie::KeepsAFreeList),
    ("a_sweep_changes_no_snapshot", Lie::SweepsTooMuch),
    ("a_damaged_snapshot_is_not_loaded", Lie::LoadsWhateverIsThere),
    ("held_snapshots_are_counted", Lie::CountsForEachKey),
    ("a_store_of_snapshots_remembers_dead_keys", Lie::RemembersAny),
];

/// A place whose store of snapshots lies.
pub(crate) struct Stores {
    lie: Lie,
    store: MemorySnapshots,
    notes: Arc<Mutex<Notes>>,
}

impl Stores {
    pub(crate) fn new(lie: Lie) -> Self {
        Self { lie, store: MemorySnapshots::new(), notes: Arc::default() }
    }
}

impl Fixture<dyn SnapshotStore> for Stores {
    async fn fresh() -> Self {
        Self::new(Lie::Nothing)
    }

    async fn open(&self) -> Arc<dyn SnapshotStore> {
        let lost = self.lie == Lie::LosesAllOnRestart;
        let store = if lost { MemorySnapshots::new() } else { self.store.clone() };
        Arc::new(LyingSnapshots { lie: self.lie, store, notes: Arc::clone(&self.notes) })
    }

    async fn residue(&self) -> Vec<Blob> {
        let held = self.store.all();
        let journal = self.notes.lock().unwrap().journal.clone();
        let whole: Vec<u8> = held.iter().flat_map(|it| it.sealed.as_bytes()).copied().collect();
        let (kept, notes) = (whole.clone(), Arc::clone(&self.notes));
        let write = move |bytes: Option<&[u8]>| notes.lock().unwrap().damaged = bytes != Some(&kept[..]);
        let mut blobs = vec![Blob::new("the snapshots", whole).written_by(write)];
        blobs.extend(journal.iter().map(|it| Blob::new("a journal", it.sealed.as_bytes())));
        blobs
    }
}

struct LyingSnapshots {
    lie: Lie,
    store: MemorySnapshots,
    notes: Arc<Mutex<Notes>>,
}

/// What a liar remembers, and should not.
#[derive(Default)]
struct Notes {
    journal: Vec<Snapshot>,
    spared: Vec<Snapshot>,
    forgotten: HashSet<KeyId>,
    begun: HashSet<KeyId>,
    swept: bool,
    damaged: bool,
}

#[async_trait]
impl SnapshotStore for LyingSnapshots {
    fn name(&self) -> &str {
        self.store.name()
    }

    fn promise(&self) -> Promise {
        let bytes_gone = match self.lie {
            Lie::SweepsNothing => Some(Duration::from_hours(24)),
            Lie::PromisesNothing => None,
            _ => return self.store.promise(),
        };
        Promise { bytes_gone, ..self.store.promise() }
    }

    async fn save(&self, mut snapshots: Vec<Snapshot>) -> Result<()> {
        let id = snapshots.first().map(|snapshot| snapshot.key.id.clone());
        match self.lie {
            Lie::LosesVersions => {
                snapshots.iter_mut().for_each(|snapshot| snapshot.version = Version(snapshot.position.0));
            }
            Lie::KeepsAJournal | Lie::SweepsNothing => self.notes().journal.extend(snapshots.clone()),
            Lie::KeepsAFreeList => {
                let large = snapshots.iter().filter(|it| it.sealed.as_bytes().len() > 1_000);
                self.notes().journal.extend(large.cloned());
            }
            Lie::SavesOneByOne => {
                for snapshot in snapshots {
                    self.store.save(vec![snapshot]).await?;
                    sleep(Duration::from_millis(1)).await;
                }
                return Ok(());
            }
            Lie::ChecksKeysTooEarly => {
                let mut owners = snapshots.iter().flat_map(|snapshot| snapshot.sealed.owners());
                if owners.any(|owner| self.notes().forgotten.contains(&owner)) {
                    return Err(Error::new(ErrorKind::Erased, "save", "forgotten"));
                }
                sleep(Duration::from_millis(5)).await;
            }
            _ => {}
        }
        match (self.lie, self.store.save(snapshots).await) {
            (Lie::Swallows(kind), Err(error)) if error.kind() == kind => Ok(()),
            (Lie::TellsSnapshots, Err(error)) => {
                Err(Error::new(error.kind(), "save", format!("refused: {}", id.unwrap_or_default())))
            }
            (_, saved) => saved,
        }
    }

    async fn load(&self, of: &SnapshotKey, at_most: Position) -> Result<Option<Snapshot>> {
        let before = Position(at_most.0.saturating_sub(1));
        let at_most = if self.lie == Lie::LoadsWhatIsBefore { before } else { at_most };
        let spared = self.notes().spared.iter().find(|it| it.key == *of && it.position <= at_most).cloned();
        let mut found = self.store.load(of, at_most).await?.or(spared);
        match (self.lie, &mut found) {
            _ if !self.notes().damaged => {}
            (Lie::LoadsWhateverIsThere, Some(found)) => found.version = found.version.plus(1),
            _ => return Err(Error::new(ErrorKind::Corrupt, "load", "the snapshots are damaged")),
        }
        if found.is_some() || self.lie != Lie::IgnoresKinds {
            return Ok(found);
        }
        let mut other = of.clone();
        other.series.kind = match of.series.kind {
            SnapshotKind::Aggregate => SnapshotKind::Document,
            SnapshotKind::Document => SnapshotKind::Aggregate,
        };
        self.store.load(&other, at_most).await
    }

    async fn page(&self, of: &Series, at: Position, after: &str, limit: usize) -> Result<Vec<Snapshot>> {
        let page = self.store.page(of, at, after, limit).await?;
        let skipped = usize::from(self.lie == Lie::SkipsAtPageEdges && !after.is_empty());
        Ok(page.into_iter().skip(skipped).collect())
    }

    async fn drop_before(&self, of: &Series, id: Option<&str>, position: Position) -> Result<u64> {
        let more = u64::from(self.lie == Lie::DropsUpToThePosition);
        self.store.drop_before(of, id, position.plus(more)).await
    }

    async fn drop_beyond(&self, position: Position) -> Result<u64> {
        let less = u64::from(self.lie == Lie::DropsFromThePosition);
        self.store.drop_beyond(Position(position.0.saturating_sub(less))).await
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let mut erased = erased.clone();
        let held = self.store.all();
        match self.lie {
            Lie::ForgetsFirstOwners => {
                let first =
                    |it: &Snapshot| it.sealed.owners().first().is_some_and(|key| erased.keys.contains(key));
                self.notes().spared.extend(held.into_iter().filter(|it| !first(it)));
            }
            Lie::ForgetsNeighbours => {
                let owners = held.iter().map(|it| it.sealed.owners());
                let touched = owners.filter(|owners| owners.iter().any(|key| erased.keys.contains(key)));
                let neighbours: Vec<KeyId> = touched.flatten().collect();
                erased.keys.extend(neighbours);
            }
            Lie::ForgetsOnceBegun => {
                erased.keys.retain(|key| self.notes().begun.insert(*key));
                sleep(Duration::from_millis(1)).await;
            }
            Lie::ChecksKeysTooEarly => {
                self.notes().forgotten.extend(erased.keys);
                return Ok(Forgotten::default());
            }
            _ => {}
        }
        let mut forgotten = self.store.forget(&erased).await?;
        if self.lie == Lie::CountsAgain {
            forgotten.records = forgotten.records.max(1);
        }
        Ok(forgotten)
    }

    async fn sweep(&self) -> Result<Swept> {
        self.notes().swept = true;
        self.store.sweep().await
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        if self.lie != Lie::CountsForEachKey {
            return self.store.held_under(keys).await;
        }
        let mut held = 0;
        for key in keys {
            held += self.store.held_under(&[*key]).await?;
        }
        Ok(held)
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        if self.lie == Lie::SweepsTooMuch && self.notes().swept {
            return Ok(keys.is_empty());
        }
        let mut any = self.store.remembers(keys).await?;
        for key in keys.iter().filter(|_| self.lie == Lie::RemembersAny) {
            any |= self.store.remembers(&[*key]).await?;
        }
        Ok(any)
    }
}

impl LyingSnapshots {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }
}

impl fmt::Debug for LyingSnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, which lies: {:?}", self.store, self.lie)
    }
}
