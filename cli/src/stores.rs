//! The stores of a house, wherever they are.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use oubliette::postgres::{PostgresDocuments, PostgresLog, PostgresSnapshots};
use oubliette::sqlite::{SqliteDocuments, SqliteLog, SqliteSnapshots};
use oubliette::{Documents, EventLog, Position, SnapshotStore};

use crate::exit::{CLOSED, Exit, INPUT};
use crate::place::{Found, Place};

pub(crate) const LOG: &str = "log/log.db";
pub(crate) const DOCUMENTS: &str = "documents/documents.db";
pub(crate) const SNAPSHOTS: &str = "snapshots/snapshots.db";
pub(crate) const SCHEMA: &str = "oubliette";

/// Where the stores are. What is not in a file is in PostgreSQL.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stores {
    /// Where the event log is: a file, `postgres://...`, or `env:NAME` for an environment variable with
    /// such a connection string in it
    #[arg(long, value_name = "PLACE", default_value = LOG)]
    pub(crate) log: Place,
    /// Where the documents of projections are, likewise
    #[arg(long, value_name = "PLACE", default_value = DOCUMENTS)]
    pub(crate) documents: Place,
    /// Where the snapshots are, likewise
    #[arg(long, value_name = "PLACE", default_value = SNAPSHOTS)]
    pub(crate) snapshots: Place,
    /// What the house is called in its databases: its schemas are NAME_log and so on
    #[arg(long, value_name = "NAME", default_value = SCHEMA)]
    pub(crate) schema: String,
}

impl Default for Stores {
    fn default() -> Self {
        let file = |path: &str| Place::File(path.into());
        Self {
            log: file(LOG),
            documents: file(DOCUMENTS),
            snapshots: file(SNAPSHOTS),
            schema: SCHEMA.to_owned(),
        }
    }
}

impl Stores {
    /// All of them in one database.
    pub(crate) fn in_database(database: &Place, schema: impl Into<String>) -> Self {
        let place = || database.clone();
        Self { log: place(), documents: place(), snapshots: place(), schema: schema.into() }
    }

    pub(crate) fn each(&self) -> [(&'static str, &Place); 3] {
        [("log", &self.log), ("documents", &self.documents), ("snapshots", &self.snapshots)]
    }

    /// What a store is called in its database.
    pub(crate) fn schema_of(&self, store: &str) -> String {
        format!("{}_{store}", self.schema)
    }

    /// Where a store is, for people.
    pub(crate) fn shown(&self, store: &str, place: &Place, root: &Path) -> String {
        match place.file(root) {
            Some(path) => path.display().to_string(),
            None => format!("in PostgreSQL, schema {}", self.schema_of(store)),
        }
    }

    /// Whether a store of one is a store of the other.
    pub(crate) fn overlap(&self, root: &Path, other: &Self, others_root: &Path) -> Result<bool, Exit> {
        for ((_, ours), (_, theirs)) in self.each().into_iter().zip(other.each()) {
            let same = match (ours.find(root)?, theirs.find(others_root)?) {
                (Found::File(ours), Found::File(theirs)) => ours == theirs,
                (Found::Database(ours), Found::Database(theirs)) => {
                    ours == theirs && self.schema == other.schema
                }
                (Found::File(_), Found::Database(_)) | (Found::Database(_), Found::File(_)) => false,
            };
            if same {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) async fn log(&self, root: &Path) -> Result<Arc<dyn EventLog>, Exit> {
        Ok(match self.log.find(root)? {
            Found::File(path) => Arc::new(SqliteLog::open(path).await?),
            Found::Database(url) => Arc::new(PostgresLog::builder(&url).schema(&self.schema).open().await?),
        })
    }

    pub(crate) async fn documents(&self, root: &Path) -> Result<Arc<dyn Documents>, Exit> {
        Ok(match self.documents.find(root)? {
            Found::File(path) => Arc::new(SqliteDocuments::open(path).await?),
            Found::Database(url) => {
                Arc::new(PostgresDocuments::builder(&url).schema(&self.schema).open().await?)
            }
        })
    }

    pub(crate) async fn snapshots(&self, root: &Path) -> Result<Arc<dyn SnapshotStore>, Exit> {
        Ok(match self.snapshots.find(root)? {
            Found::File(path) => Arc::new(SqliteSnapshots::open(path).await?),
            Found::Database(url) => {
                Arc::new(PostgresSnapshots::builder(&url).schema(&self.schema).open().await?)
            }
        })
    }

    /// Fails while nothing was made yet: when a database is out of reach, and when the house would
    /// not be a new one.
    pub(crate) async fn must_be_new(&self, root: &Path) -> Result<(), Exit> {
        if self.documents.file(root).is_none() {
            let builds = self.documents(root).await?.builds().await?;
            self.unless_taken("documents", builds.is_empty())?;
        }
        if self.snapshots.file(root).is_none() {
            self.snapshots(root).await?;
        }
        if self.log.file(root).is_none() {
            let log = self.log(root).await?;
            self.unless_taken("log", is_empty(&*log).await?)?;
        }
        Ok(())
    }

    fn unless_taken(&self, store: &str, is_new: bool) -> Result<(), Exit> {
        if is_new {
            return Ok(());
        }
        Err(Exit::new(INPUT, format!("the schema {} holds a house already", self.schema_of(store)))
            .next("give this one another name with --schema"))
    }

    /// The log of a house that was made: one without events is none.
    pub(crate) async fn log_that_was_made(&self, root: &Path) -> Result<Arc<dyn EventLog>, Exit> {
        let lost = |how| {
            let place = self.shown("log", &self.log, root);
            Exit::new(CLOSED, format!("the event log {place} is {how}"))
                .next("restore it with `oubliette backup restore`: an empty log is not put in its place")
        };
        let file = self.log.file(root);
        if file.as_ref().is_some_and(|path| !path.exists()) {
            return Err(lost("missing"));
        }
        let log = self.log(root).await?;
        // A restore that was stopped before it began leaves a store without events.
        if is_empty(&*log).await? {
            return Err(lost(if file.is_some() { "empty" } else { "missing or empty" }));
        }
        Ok(log)
    }
}

/// Whether nothing was written to a log, and nothing is being restored into it.
async fn is_empty(log: &dyn EventLog) -> Result<bool, Exit> {
    Ok(log.head().await? == Position::ZERO && log.quarantine().await?.is_none())
}
