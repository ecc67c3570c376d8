//! The ledger: a file to which lines of JSON are appended.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use oubliette_core::ledger::{Entry, Head};
use oubliette_core::{Error, ErrorKind, Ledger, Result};
use oubliette_vault::files::{
    blocking, create_directory, folder, owner_only, sync_directory, system_error as io,
};

/// A ledger in a file, one entry a line. Cheap to clone.
///
/// Several processes may append: each takes an exclusive lock on the file. An entry is on
/// the disk when `append` returns. A last line that a crash has cut short was never
/// appended: it is not read, and the next append takes it away.
///
/// Keep the file apart from the stores that are restored from backups: a ledger that is
/// restored with them knows nothing of the erasures since.
#[derive(Clone, Debug)]
pub struct LocalLedger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    tail: Mutex<Tail>,
}

/// How far the file was read.
#[derive(Clone, Copy, Debug)]
struct Tail {
    bytes: u64,
    lines: usize,
    head: Head,
}

impl LocalLedger {
    /// Opens a ledger, and makes its directory when there is none. The file is made by
    /// the first append: where a vault is beyond an empty ledger, that is noticed.
    ///
    /// # Errors
    /// `Denied` when the operating system refuses.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let tail = Mutex::new(Tail { bytes: 0, lines: 0, head: Head::EMPTY });
        blocking(move || {
            create_directory(folder(&path)).map_err(io("ledger"))?;
            Ok(Self(Arc::new(Inner { path, tail })))
        })
        .await
    }
}

#[async_trait]
impl Ledger for LocalLedger {
    async fn append(&self, entry: &Entry) -> Result<()> {
        let (inner, entry) = (self.0.clone(), entry.clone());
        blocking(move || inner.append(&entry)).await
    }

    async fn entries(&self) -> Result<Vec<Entry>> {
        let inner = self.0.clone();
        blocking(move || inner.entries()).await
    }
}

impl Inner {
    fn append(&self, entry: &Entry) -> Result<()> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = owner_only().create(true).truncate(false).open(&self.path).map_err(io("ledger"))?;
        file.lock().map_err(io("ledger"))?;
        let length = file.metadata().map_err(io("ledger"))?.len();
        if length < tail.bytes {
            return Err(Error::new(
                ErrorKind::Diverged,
                "ledger",
                "the ledger has become shorter: restore the file, then open it again",
            )
            .with("bytes", length)
            .with("before", tail.bytes));
        }
        tail.read_on(&mut file, |_| ())?;
        if !entry.follows(&tail.head)? {
            return Err(Error::new(
                ErrorKind::Conflict,
                "ledger",
                "the entry does not follow the last one: read the ledger again",
            )
            .with("last", tail.head.sequence)
            .with("entry", entry.sequence));
        }
        let mut line = serde_json::to_vec(entry)
            .map_err(|error| Error::json(ErrorKind::Unexpected, "ledger", "an entry", &error))?;
        line.push(b'\n');
        file.set_len(tail.bytes)
            .and_then(|()| file.seek(SeekFrom::Start(tail.bytes)))
            .and_then(|_| file.write_all(&line))
            .and_then(|()| file.sync_all())
            .map_err(io("ledger"))?;
        if tail.bytes == 0 {
            sync_directory(folder(&self.path)).map_err(io("ledger"))?;
        }
        *tail = Tail { bytes: tail.bytes + line.len() as u64, lines: tail.lines + 1, head: entry.head() };
        Ok(())
    }

    fn entries(&self) -> Result<Vec<Entry>> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(io("ledger"))?,
        };
        // Nobody may be in the middle of a line.
        file.lock_shared().map_err(io("ledger"))?;
        let mut entries = Vec::new();
        let mut tail = Tail { bytes: 0, lines: 0, head: Head::EMPTY };
        tail.read_on(&mut file, |entry| entries.push(entry))?;
        Ok(entries)
    }
}

impl Tail {
    /// Reads the whole lines from here on.
    fn read_on(&mut self, file: &mut File, mut take: impl FnMut(Entry)) -> Result<()> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.bytes))
            .and_then(|_| file.read_to_end(&mut bytes))
            .map_err(io("ledger"))?;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") {
                break;
            }
            let entry: Entry = serde_json::from_slice(line).map_err(|_| {
                Error::new(
                    ErrorKind::Corrupt,
                    "ledger",
                    "a line of the ledger cannot be read: restore the ledger from its copy",
                )
                .with("line", self.lines + 1)
            })?;
            *self = Self { bytes: self.bytes + line.len() as u64, lines: self.lines + 1, head: entry.head() };
            take(entry);
        }
        Ok(())
    }
}
