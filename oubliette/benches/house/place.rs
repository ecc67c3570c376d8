//! Where what is compared lies.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use oubliette::EventLog;
use oubliette::sqlite::SqliteLog;
use oubliette_backend_postgres::PostgresLog;
use oubliette_servers::Postgres;
use tempfile::TempDir;

use crate::raw::{self, Raw};

/// A backend that is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

impl Store {
    pub(crate) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// How many events a long log has here.
    pub(crate) fn many(self, quick: bool) -> u64 {
        match self {
            _ if quick => 10_000,
            Self::Sqlite => 100_000,
            Self::Postgres => 1_000_000,
        }
    }
}

/// A folder for what is local, and the connection string of the log when that is not.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) url: Option<String>,
}

/// A place that is new, and gone when this is dropped.
pub(crate) struct Lent {
    pub(crate) place: Place,
    _folder: TempDir,
    /// With stock settings; of nobody else.
    _server: Option<Postgres>,
}

impl Lent {
    pub(crate) fn new(store: Store) -> Self {
        Self::beside((store == Store::Postgres).then(Postgres::stock))
    }

    /// A place on PostgreSQL, on a disk that takes longer for each flush.
    pub(crate) fn on_a_slow_disk(delay: Duration) -> Self {
        Self::beside(Some(Postgres::stock_on_a_slow_disk(delay)))
    }

    fn beside(server: Option<Postgres>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place =
            Place { folder: folder.path().to_owned(), url: server.as_ref().map(|server| server.url()) };
        Self { place, _folder: folder, _server: server }
    }
}

impl Place {
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        Path::join(&self.folder, name)
    }

    pub(crate) async fn log(&self) -> Arc<dyn EventLog> {
        match &self.url {
            None => Arc::new(SqliteLog::open(self.file("log.db")).await.unwrap()),
            Some(url) => Arc::new(PostgresLog::open(url).await.unwrap()),
        }
    }

    pub(crate) async fn raw(&self) -> Arc<dyn Raw> {
        match &self.url {
            None => Arc::new(raw::Sqlite::open(&self.folder).await),
            Some(url) => Arc::new(raw::Postgres::open(url).await),
        }
    }
}
