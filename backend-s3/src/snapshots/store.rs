//! The store of snapshots: what it promises, and where each call goes.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use oubliette_core::{
    ErasedKeys, Error, ErrorKind, Forgotten, KeyId, Position, Promise, Result, Series, Snapshot, SnapshotKey,
    SnapshotStore, Swept,
};

use super::config::S3SnapshotsBuilder;
use super::format::{Commit, Control, Of, Place, Saved};
use super::state::{Lies, State};
use super::sweep::sweep;
use crate::error::corrupt;
use crate::format::{Random, commit_name};
use crate::ground::Ground;
use crate::options::Options;
use crate::shared::{Journal as _, Shared, finish, random};
use crate::store::Store;
use crate::sweep::outcome;

/// Snapshots under a prefix of an S3 bucket. Its `Debug` shows where that is and nothing else.
///
/// Several processes may open the same store. What is known of each snapshot, and not the snapshot, is in memory
/// while it is open.
pub struct S3Snapshots {
    options: Options,
    ground: Ground,
    name: String,
    shared: Arc<Shared<State>>,
}

impl S3Snapshots {
    /// Opens the snapshots in a bucket, with the credentials and the region that are usual for AWS.
    ///
    /// # Errors
    /// Those of [`S3SnapshotsBuilder::open`].
    pub async fn open(bucket: &str) -> Result<Self> {
        Self::builder(bucket).open().await
    }

    /// Options for the snapshots in a bucket.
    pub fn builder(bucket: &str) -> S3SnapshotsBuilder {
        S3SnapshotsBuilder::new(bucket)
    }

    pub(super) async fn with(options: Options, name: String) -> Result<Self> {
        let store = Store::new(options.connect().await, &options);
        let ground = Ground::of(&store).await?;
        ground.check()?;
        let shared = Arc::new(Shared::open(store).await?);
        Ok(Self { options, ground, name, shared })
    }

    /// Commits what `make` makes of what is known, and again as long as another one is first. None is made where
    /// there is nothing to do.
    async fn commit<T: Send + 'static>(
        &self,
        op: &'static str,
        make: impl Fn(&State) -> Result<(T, Option<Commit>)> + Send + 'static,
    ) -> Result<T> {
        let every = self.options.checkpoint;
        finish(&self.shared, op, move |shared| async move {
            loop {
                shared.catch_up(op).await?;
                let (number, (made, commit)) = {
                    let state = shared.state();
                    (state.next(), make(&state)?)
                };
                let Some(commit) = commit else { return Ok(made) };
                if shared.commit_as(op, number, commit).await? {
                    // Nobody waits for it, and only one is made at a time.
                    tokio::spawn(async move { shared.checkpoint(every).await });
                    return Ok(made);
                }
            }
        })
        .await
    }

    /// Takes those away that are meant, and gives their number.
    async fn drop_those(
        &self,
        control: Control,
        is_meant: impl Fn(&Place, &Lies) -> bool + Send + 'static,
    ) -> Result<u64> {
        self.commit("drop", move |state| {
            let count = state.count(&is_meant);
            let commit = (count > 0).then(|| Commit::new(Vec::new(), control.clone())).transpose()?;
            Ok((count, commit))
        })
        .await
    }

    /// Reads what lies there; `None` when one of them was taken away meanwhile.
    async fn read(&self, op: &'static str, lies: &[Lies]) -> Result<Option<Vec<Snapshot>>> {
        let mut snapshots = Vec::with_capacity(lies.len());
        // Those of one commit are read with one request, wherever they lie in it.
        let mut commits = BTreeMap::new();
        for Lies { commit: number, index, .. } in lies {
            let commit = match commits.get(number) {
                Some(commit) => Arc::clone(commit),
                None => {
                    let commit = self.shared.commit(op, *number).await?;
                    commits.insert(*number, commit.clone());
                    commit
                }
            };
            let missing = || corrupt(&commit_name(*number), "a snapshot is missing");
            match commit.saved.get(*index).ok_or_else(missing)?.snapshot(*number)? {
                Some(snapshot) => snapshots.push(snapshot),
                None => return Ok(None),
            }
        }
        Ok(Some(snapshots))
    }

    /// Finds, reads, and finds again where what was found is gone by then.
    async fn find(&self, op: &'static str, find: impl Fn(&State) -> Vec<Lies>) -> Result<Vec<Snapshot>> {
        let mut before = None;
        loop {
            self.shared.catch_up(op).await?;
            let lies = find(&self.shared.state());
            if let Some(snapshots) = self.read(op, &lies).await? {
                return Ok(snapshots);
            }
            if before.as_ref() == Some(&lies) {
                return Err(corrupt("commits", "a snapshot is missing that nobody took away"));
            }
            before = Some(lies);
        }
    }
}

#[async_trait]
impl SnapshotStore for S3Snapshots {
    fn name(&self) -> &str {
        &self.name
    }

    /// Dead bytes are gone once it is swept, where the bucket keeps none of them elsewhere.
    fn promise(&self) -> Promise {
        self.ground.promise(self.options.sweep_within)
    }

    async fn save(&self, snapshots: Vec<Snapshot>) -> Result<()> {
        const OP: &str = "save";
        if snapshots.is_empty() {
            return Ok(());
        }
        // Of two for one place the last one is saved.
        let places: BTreeMap<Place, Saved> =
            snapshots.iter().map(Saved::new).map(|saved| (saved.place.clone(), saved)).collect();
        let saved: Vec<Saved> = places.into_values().collect();
        self.commit(OP, move |state| {
            let owners = saved.iter().flat_map(|saved| &saved.owners);
            if owners.into_iter().any(|owner| state.is_forgotten(KeyId::from_bytes(*owner))) {
                return Err(Error::new(ErrorKind::Erased, OP, "a snapshot is sealed under a forgotten key"));
            }
            Ok(((), Some(Commit::new(saved.clone(), Control::None)?)))
        })
        .await
    }

    async fn load(&self, of: &SnapshotKey, at_most: Position) -> Result<Option<Snapshot>> {
        let at_most = Place { of: Of::from(&of.series), id: of.id.clone(), position: at_most.0 };
        let found = self.find("load", |state| state.newest(&at_most).into_iter().collect()).await?;
        Ok(found.into_iter().next())
    }

    async fn page(&self, of: &Series, at: Position, after: &str, limit: usize) -> Result<Vec<Snapshot>> {
        let of = Of::from(of);
        self.find("page", |state| state.page(&of, at.0, after, limit)).await
    }

    async fn drop_before(&self, of: &Series, id: Option<&str>, position: Position) -> Result<u64> {
        let (of, id, position) = (Of::from(of), id.map(str::to_owned), position.0);
        let control = Control::DropBefore(of.clone(), id.clone(), position);
        self.drop_those(control, move |place, _| place.is_before(&of, id.as_deref(), position)).await
    }

    async fn drop_beyond(&self, position: Position) -> Result<u64> {
        let position = position.0;
        self.drop_those(Control::DropBeyond(position), move |place, _| place.position > position).await
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let keys: HashSet<Random> = erased.keys.iter().map(|key| *key.as_bytes()).collect();
        let records = self.commit("forget", move |state| {
            let new = keys.iter().filter(|key| !state.is_forgotten(KeyId::from_bytes(**key)));
            let new: Vec<Random> = new.copied().collect();
            let records = state.count(|_, lies| lies.is_under(&keys));
            // Under a key that is remembered nothing is left.
            let commit = match new.is_empty() {
                true => None,
                false => Some(Commit::new(Vec::new(), Control::Forget(new))?),
            };
            Ok((records, commit))
        });
        Ok(Forgotten { records: records.await? })
    }

    async fn sweep(&self) -> Result<Swept> {
        let by = finish(&self.shared, "sweep", |shared| async move { sweep(&shared).await }).await?;
        Ok(outcome(by, self.ground.keeps().as_deref()))
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        self.shared.catch_up("held under").await?;
        let keys: HashSet<Random> = keys.iter().map(|key| *key.as_bytes()).collect();
        Ok(self.shared.state().count(|_, lies| lies.is_under(&keys)))
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        self.shared.catch_up("remembers").await?;
        let state = self.shared.state();
        Ok(keys.iter().all(|key| state.is_forgotten(*key)))
    }
}

impl Commit {
    pub(super) fn new(saved: Vec<Saved>, control: Control) -> Result<Self> {
        Ok(Self { token: random()?, saved, control })
    }
}

impl fmt::Debug for S3Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { bucket, prefix, .. } = &self.options;
        f.debug_struct("S3Snapshots").field("bucket", bucket).field("prefix", prefix).finish()
    }
}
