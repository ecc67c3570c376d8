//! The stores of a house, wherever they are.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use oubliette::postgres::{PostgresDocuments, PostgresLog, PostgresSnapshots};
use oubliette::sqlite::{SqliteDocuments, SqliteLog, SqliteSnapshots};
use oubliette::{Documents, EventLog, Position, SnapshotStore};

use crate::bucket::Reach;
use crate::exit::{CLOSED, Exit, INPUT};
use crate::place::{Found, Place};

pub(crate) const LOG: &str = "log/log.db";
pub(crate) const DOCUMENTS: &str = "documents/documents.db";
pub(crate) const SNAPSHOTS: &str = "snapshots/snapshots.db";
pub(crate) const SCHEMA: &str = "oubliette";

/// Where the stores are. What is not in a file is in PostgreSQL or in S3.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stores {
    /// Where the event log is: a file, `postgres://...`, `s3://BUCKET/FOLDER`, or `env:NAME` for an
    /// environment variable that holds one of the latter two
    #[arg(long, value_name = "PLACE", default_value = LOG)]
    pub(crate) log: Place,
    /// Where the documents of projections are, likewise, but for S3
    #[arg(long, value_name = "PLACE", default_value = DOCUMENTS)]
    pub(crate) documents: Place,
    /// Where the snapshots are, as the log
    #[arg(long, value_name = "PLACE", default_value = SNAPSHOTS)]
    pub(crate) snapshots: Place,
    /// What the house is called in its databases: its schemas are NAME_log and so on
    #[arg(long, value_name = "NAME", default_value = SCHEMA)]
    pub(crate) schema: String,
    #[command(flatten)]
    pub(crate) s3: Reach,
}

impl Default for Stores {
    fn default() -> Self {
        let file = |path: &str| Place::File(path.into());
        Self {
            log: file(LOG),
            documents: file(DOCUMENTS),
            snapshots: file(SNAPSHOTS),
            schema: SCHEMA.to_owned(),
            s3: Reach::default(),
        }
    }
}

impl Stores {
    /// All of them in one database.
    pub(crate) fn in_database(database: &Place, schema: impl Into<String>) -> Self {
        let place = || database.clone();
        let schema = schema.into();
        Self { log: place(), documents: place(), snapshots: place(), schema, s3: Reach::default() }
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
        match place.find(root) {
            Ok(Found::File(path)) => path.display().to_string(),
            Ok(Found::Database(_)) => format!("in PostgreSQL, schema {}", self.schema_of(store)),
            Ok(Found::Bucket(bucket)) => format!("in S3, {}", bucket.below(store).url()),
            Err(exit) => exit.error,
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
                (Found::Bucket(ours), Found::Bucket(theirs)) => ours.overlaps(&theirs),
                (Found::File(_) | Found::Database(_) | Found::Bucket(_), _) => false,
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
            Found::Bucket(bucket) => Arc::new(bucket.log(&self.s3).open().await?),
        })
    }

    pub(crate) async fn documents(&self, root: &Path) -> Result<Arc<dyn Documents>, Exit> {
        Ok(match self.documents.find(root)? {
            Found::File(path) => Arc::new(SqliteDocuments::open(path).await?),
            Found::Database(url) => {
                Arc::new(PostgresDocuments::builder(&url).schema(&self.schema).open().await?)
            }
            Found::Bucket(_) => return Err(documents_in_s3()),
        })
    }

    pub(crate) async fn snapshots(&self, root: &Path) -> Result<Arc<dyn SnapshotStore>, Exit> {
        Ok(match self.snapshots.find(root)? {
            Found::File(path) => Arc::new(SqliteSnapshots::open(path).await?),
            Found::Database(url) => {
                Arc::new(PostgresSnapshots::builder(&url).schema(&self.schema).open().await?)
            }
            Found::Bucket(bucket) => Arc::new(bucket.snapshots(&self.s3).open().await?),
        })
    }

    /// Fails while nothing was made yet: when a database or a bucket is out of reach, and when the house would
    /// not be a new one.
    pub(crate) async fn must_be_new(&self, root: &Path) -> Result<(), Exit> {
        if self.documents.file(root).is_none() {
            let builds = self.documents(root).await?.builds().await?;
            self.unless_taken("documents", &self.documents, root, builds.is_empty())?;
        }
        if self.snapshots.file(root).is_none() {
            self.snapshots(root).await?;
        }
        if self.log.file(root).is_none() {
            let log = self.log(root).await?;
            self.unless_taken("log", &self.log, root, is_empty(&*log).await?)?;
        }
        Ok(())
    }

    fn unless_taken(&self, store: &str, place: &Place, root: &Path, is_new: bool) -> Result<(), Exit> {
        if is_new {
            return Ok(());
        }
        let (place, next) = match place.find(root)? {
            Found::Bucket(bucket) => {
                (format!("the folder {}", bucket.url()), "name another folder of the bucket")
            }
            Found::File(_) | Found::Database(_) => {
                (format!("the schema {}", self.schema_of(store)), "give this one another name with --schema")
            }
        };
        Err(Exit::new(INPUT, format!("{place} holds a house already")).next(next))
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

pub(crate) fn documents_in_s3() -> Exit {
    Exit::new(INPUT, "documents are kept in a file or in PostgreSQL, and not in S3")
        .next("name a file or a database for them")
}

/// Whether nothing was written to a log, and nothing is being restored into it.
async fn is_empty(log: &dyn EventLog) -> Result<bool, Exit> {
    Ok(log.head().await? == Position::ZERO && log.quarantine().await?.is_none())
}
