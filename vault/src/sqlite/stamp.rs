//! The stamp: eight bytes in a file of their own, which cost little to look at.
//!
//! They are zeros while somebody commits what evicts, and stay so if that process is killed: until
//! the next commit nobody trusts what they remember.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use oubliette_core::Result;

use crate::error::io;
use crate::files::{owner_only, read_at, write_at};
use crate::sealing::fill;

#[derive(Debug)]
pub(super) struct Stamp {
    path: PathBuf,
    /// Open from when it is first there: each call of the vault looks at it.
    file: OnceLock<File>,
}

impl Stamp {
    pub(super) fn beside(database: &Path) -> Self {
        Self { path: database.with_added_extension("stamp"), file: OnceLock::new() }
    }

    /// The stamp; another one each time as long as it is in doubt.
    pub(super) fn read(&self) -> Result<u64> {
        match self.certain() {
            Some(stamp) => Ok(stamp),
            None => drawn(),
        }
    }

    pub(super) fn is_certain(&self) -> bool {
        self.certain().is_some()
    }

    /// Puts it in doubt.
    pub(super) fn doubt(&self) -> Result<()> {
        self.write([0; 8])
    }

    /// Draws another one. It need not reach the disk: a power failure takes what processes
    /// remember, too.
    pub(super) fn renew(&self) -> Result<()> {
        self.write(drawn()?.to_ne_bytes())
    }

    fn certain(&self) -> Option<u64> {
        let mut bytes = [0; 8];
        read_at(self.file(false).ok()?, &mut bytes, 0).ok()?;
        let stamp = u64::from_ne_bytes(bytes);
        (stamp != 0).then_some(stamp)
    }

    fn write(&self, bytes: [u8; 8]) -> Result<()> {
        self.file(true).and_then(|file| write_at(file, &bytes, 0)).map_err(io("vault"))
    }

    fn file(&self, create: bool) -> std::io::Result<&File> {
        match self.file.get() {
            Some(file) => Ok(file),
            None => {
                let file = owner_only().create(create).truncate(false).open(&self.path)?;
                Ok(self.file.get_or_init(|| file))
            }
        }
    }
}

fn drawn() -> Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes) | 1)
}
