//! Places for backups that lie.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use oubliette_core::scan::Form;
use oubliette_core::{BackupTarget, Result};

use super::lying::{Lying, With};
use crate::fixture::Blob;
use crate::store::Store;

/// What is wrong with a place for backups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetLie {
    /// Nothing.
    #[default]
    Nothing,
    /// It keeps the objects that are taken away.
    KeepsWhatIsTaken,
    /// Where it is tells a text of the story.
    NamesSomebodyInItsLocation,
    /// A text of the story is in an index that it keeps, in base64.
    IndexesPlaintext,
}

impl Store<dyn BackupTarget> for Lying<dyn BackupTarget, TargetLie> {
    fn open(&self) -> BoxFuture<'_, Arc<dyn BackupTarget>> {
        Box::pin(async {
            let (target, with) = self.process().await;
            Arc::new(LyingTarget { target, lie: self.lie, with }) as Arc<dyn BackupTarget>
        })
    }

    fn residue(&self) -> BoxFuture<'_, Vec<Blob>> {
        Box::pin(self.at_rest())
    }
}

struct LyingTarget {
    target: Arc<dyn BackupTarget>,
    lie: TargetLie,
    with: With,
}

#[async_trait]
impl BackupTarget for LyingTarget {
    fn location(&self) -> String {
        match self.lie {
            TargetLie::NamesSomebodyInItsLocation => format!("backups of {}", self.with.text()),
            _ => self.target.location(),
        }
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        if self.lie == TargetLie::IndexesPlaintext {
            let bytes = Form::Base64.of(self.with.text()).concat();
            self.with.notes().kept.push(Blob::new("an index", bytes));
        }
        self.target.put(name, bytes).await
    }

    async fn get(&self, name: &str) -> Result<Vec<u8>> {
        self.target.get(name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.target.list(prefix).await
    }

    async fn take(&self, name: &str) -> Result<()> {
        if self.lie == TargetLie::KeepsWhatIsTaken {
            let kept = Blob::new("a bin", self.target.get(name).await?);
            self.with.notes().kept.push(kept);
        }
        self.target.take(name).await
    }

    async fn tidy(&self) -> Result<()> {
        self.target.tidy().await
    }
}

impl fmt::Debug for LyingTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}
