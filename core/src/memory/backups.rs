//! A place for backups in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::lock;
use crate::backup::BackupTarget;
use crate::error::{Error, ErrorKind, Result};

/// A [`BackupTarget`] in memory. A clone shares its objects.
#[derive(Clone, Default)]
pub struct MemoryTarget(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl MemoryTarget {
    /// An empty place.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl BackupTarget for MemoryTarget {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        <dyn BackupTarget>::check_name(name)?;
        let mut objects = lock(&self.0);
        let there = objects.entry(name.to_owned()).or_insert_with(|| bytes.to_vec());
        if there == bytes {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "put", "an object of this name has other bytes"))
    }

    async fn get(&self, name: &str) -> Result<Vec<u8>> {
        let missing = || Error::new(ErrorKind::NotFound, "get", "there is no object of this name");
        lock(&self.0).get(name).cloned().ok_or_else(missing)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let objects = lock(&self.0);
        Ok(objects.keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    async fn take(&self, name: &str) -> Result<()> {
        lock(&self.0).remove(name);
        Ok(())
    }

    async fn tidy(&self) -> Result<()> {
        Ok(())
    }
}

impl fmt::Debug for MemoryTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTarget").field("objects", &lock(&self.0).len()).finish()
    }
}
