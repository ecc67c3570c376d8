//! The file: transactions on threads that may block.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oubliette_core::{Error, ErrorKind, Result};
use redb::{ConcurrencyMode, Database, ReadTransaction, ReadableDatabase};
use tokio::sync::{Mutex, watch};

use crate::error::Failure;
use crate::write::Writing;

/// An open file. A clone is the same one.
#[derive(Clone)]
pub(crate) struct Store(Arc<Opened>);

struct Opened {
    path: PathBuf,
    database: Database,
    /// Writers wait for their turn here, not on a thread each.
    turn: Arc<Mutex<()>>,
    /// Sent whenever this instance has committed.
    moved: watch::Sender<()>,
}

impl Store {
    /// Opens the file, and makes it and its tables when they are not there.
    pub(crate) async fn open(path: PathBuf) -> Result<Self> {
        const OP: &str = "open";
        let store = blocking(OP, move || {
            let mut builder = Database::builder();
            builder.set_concurrency_mode(ConcurrencyMode::MultiWriter);
            // It reads the whole file: without it redb looks for damage after a crash only.
            builder.set_check_integrity_on_open(true);
            let database = builder.create(&path)?;
            sync_folder(&path)?;
            Ok(Self(Arc::new(Opened { path, database, turn: Arc::default(), moved: watch::Sender::new(()) })))
        });
        let store = store.await?;
        store.write(OP, |log| log.check_format()).await?;
        Ok(store)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Told of each commit of this instance from now on.
    pub(crate) fn commits(&self) -> watch::Receiver<()> {
        self.0.moved.subscribe()
    }

    /// Looks at the last commit, by whatever instance.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        op: &'static str,
        look: impl FnOnce(&ReadTransaction) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        blocking(op, move || look(&store.0.database.begin_read()?)).await
    }

    /// Makes one durable commit of a change, or nothing when it fails. It is made to its end,
    /// or never begun, when the future is dropped.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        op: &'static str,
        change: impl FnOnce(&mut Writing<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let turn = Arc::clone(&self.0.turn).lock_owned().await;
        let store = self.clone();
        blocking(op, move || {
            let _turn = turn;
            let transaction = store.0.database.begin_write()?;
            // A transaction that is not committed leaves nothing.
            let changed = change(&mut Writing::of(&transaction)?)?;
            transaction.commit()?;
            store.0.moved.send_replace(());
            Ok(changed)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    op: &'static str,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|failure| failure.during(op)),
        // redb may panic over a damaged file. What it says then stays behind, too.
        Err(ended) if ended.is_panic() => Err(Error::new(
            ErrorKind::Unexpected,
            op,
            "redb has panicked: check the file, then open it again",
        )),
        Err(_) => Err(Error::new(ErrorKind::Unavailable, op, "the program is about to end")),
    }
}

/// A new file is durable when its folder is.
fn sync_folder(path: &Path) -> Result<(), redb::StorageError> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
