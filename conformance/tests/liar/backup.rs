//! Places for backups that lie.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::memory::MemoryTarget;
use oubliette_core::{BackupTarget, ErrorKind, Result};
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    RewritesLines,
    CutsLargeObjects,
    FollowsAnyPath,
    RefusesRepeats,
    ReplacesObjects,
    KeepsTheFirst,
    FindsEmptyObjects,
    ListsByFolder,
    ListsFoldersOnly,
    HidesWhatIsTaken,
    TakesByPrefix,
    ShowsHalves,
    KeepsHalves,
    LosesAllOnRestart,
}

/// Which case catches which lie.
pub(crate) const LIARS: &[(&str, Lie)] = &[
    ("an_object_survives_as_it_is", Lie::RewritesLines),
    ("an_object_survives_as_it_is", Lie::CutsLargeObjects),
    ("no_object_lies_outside", Lie::FollowsAnyPath),
    ("an_object_is_never_changed", Lie::RefusesRepeats),
    ("an_object_is_never_changed", Lie::ReplacesObjects),
    ("an_object_is_never_changed", Lie::KeepsTheFirst),
    ("a_missing_object_is_not_found", Lie::FindsEmptyObjects),
    ("objects_are_listed_by_name", Lie::ListsByFolder),
    ("objects_are_listed_by_name", Lie::ListsFoldersOnly),
    ("an_object_that_was_taken_is_gone", Lie::HidesWhatIsTaken),
    ("an_object_that_was_taken_is_gone", Lie::TakesByPrefix),
    ("an_object_is_whole_or_not_there", Lie::ShowsHalves),
    ("objects_survive_a_restart", Lie::LosesAllOnRestart),
    ("nothing_half_written_is_left", Lie::KeepsHalves),
];

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A place that lies.
pub(crate) struct Targets {
    lie: Lie,
    target: MemoryTarget,
    halves: Objects,
}

impl Targets {
    pub(crate) fn new(lie: Lie) -> Self {
        Self { lie, target: MemoryTarget::new(), halves: Arc::default() }
    }
}

impl Fixture<dyn BackupTarget> for Targets {
    async fn fresh() -> Self {
        Self::new(Lie::Nothing)
    }

    async fn open(&self) -> Arc<dyn BackupTarget> {
        let target = match self.lie {
            Lie::LosesAllOnRestart => MemoryTarget::new(),
            _ => self.target.clone(),
        };
        Arc::new(LyingTarget { lie: self.lie, target, halves: Arc::clone(&self.halves) })
    }

    async fn residue(&self) -> Vec<Blob> {
        let mut blobs = Vec::new();
        for name in self.target.list("").await.unwrap() {
            blobs.push(Blob::new(&name, self.target.get(&name).await.unwrap()));
        }
        let halves = self.halves.lock().unwrap();
        blobs.extend(halves.iter().map(|(name, bytes)| Blob::new(name, bytes.clone())));
        blobs
    }
}

struct LyingTarget {
    lie: Lie,
    target: MemoryTarget,
    /// What was begun, or should be gone.
    halves: Objects,
}

impl LyingTarget {
    fn keep(&self, name: &str, bytes: &[u8]) {
        self.halves.lock().unwrap().insert(name.to_owned(), bytes.to_vec());
    }

    fn half(&self, name: &str) -> Option<Vec<u8>> {
        self.halves.lock().unwrap().get(name).cloned().filter(|_| self.lie == Lie::ShowsHalves)
    }

    /// Leaves a half behind for as long as somebody may look, or give up.
    async fn put_in_halves(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.keep(name, &bytes[..bytes.len() / 2]);
        sleep(Duration::from_millis(1)).await;
        self.halves.lock().unwrap().remove(name);
        self.target.put(name, bytes).await
    }
}

#[async_trait]
impl BackupTarget for LyingTarget {
    fn location(&self) -> String {
        self.target.location()
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let stored = match self.lie {
            Lie::RewritesLines => {
                let lines = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
                return self.target.put(name, lines.as_bytes()).await;
            }
            Lie::CutsLargeObjects => self.target.put(name, &bytes[..bytes.len().min(1 << 20)]).await,
            Lie::ShowsHalves | Lie::KeepsHalves => self.put_in_halves(name, bytes).await,
            Lie::RefusesRepeats if self.target.get(name).await.is_ok() => {
                self.target.put(name, b"others, and so refused").await
            }
            _ => self.target.put(name, bytes).await,
        };
        match (self.lie, stored) {
            (Lie::FollowsAnyPath, Err(error)) if error.kind() == ErrorKind::Invalid => {
                self.target.put("a/elsewhere", bytes).await
            }
            (Lie::KeepsTheFirst, Err(error)) if error.kind() == ErrorKind::Conflict => Ok(()),
            (Lie::ReplacesObjects, Err(error)) if error.kind() == ErrorKind::Conflict => {
                self.target.take(name).await?;
                self.target.put(name, bytes).await
            }
            (_, stored) => stored,
        }
    }

    async fn get(&self, name: &str) -> Result<Vec<u8>> {
        match self.half(name) {
            Some(half) => Ok(half),
            None if self.lie == Lie::FindsEmptyObjects => Ok(self.target.get(name).await.unwrap_or_default()),
            None => self.target.get(name).await,
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let folder = prefix.rfind('/').map_or("", |end| &prefix[..=end]);
        let prefix = if self.lie == Lie::ListsFoldersOnly { folder } else { prefix };
        let mut names = self.target.list(prefix).await?;
        if self.lie == Lie::ListsByFolder {
            names.sort_by_key(|name| name.split('/').map(str::to_owned).collect::<Vec<_>>());
        }
        Ok(names)
    }

    async fn take(&self, name: &str) -> Result<()> {
        if self.lie == Lie::HidesWhatIsTaken
            && let Ok(bytes) = self.target.get(name).await
        {
            self.keep(name, &bytes);
        }
        if self.lie == Lie::TakesByPrefix {
            for name in self.target.list(name).await? {
                self.target.take(&name).await?;
            }
        }
        self.target.take(name).await
    }

    async fn tidy(&self) -> Result<()> {
        if self.lie != Lie::KeepsHalves {
            self.halves.lock().unwrap().clear();
        }
        self.target.tidy().await
    }
}

impl fmt::Debug for LyingTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, which lies: {:?}", self.target, self.lie)
    }
}
