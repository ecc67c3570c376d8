//! The holder of the roots.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::{Error, ErrorKind, Result, VaultId};
use oubliette_vault::{Blob, Destruction, Epoch, Opened, RootHolder, RootState};

use crate::blob::Wrapped;
use crate::config::KmsRootsBuilder;
use crate::kms::{Kms, Seen, Standing, Unwrapped};

/// Seven days, and a day more that KMS may take.
const GONE_WITHIN: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// [`RootHolder`] in AWS KMS: a key of its own for each root. Cheap to clone.
#[derive(Clone)]
pub struct KmsRoots {
    pub(crate) kms: Kms,
}

impl KmsRoots {
    /// Where KMS is, and how patient to be.
    pub fn builder() -> KmsRootsBuilder {
        KmsRootsBuilder::new()
    }

    pub(crate) fn new(kms: Kms) -> Self {
        Self { kms }
    }

    /// How a key stands. One that is gone is so only where KMS knows others of the vault: an account that has none
    /// of them is the wrong one.
    async fn seen(&self, op: &'static str, vault: VaultId, key: &str) -> Result<Seen> {
        let seen = self.kms.seen(op, key).await?;
        if seen.standing == Standing::Gone && self.kms.named(op, vault, None).await?.is_empty() {
            return Err(Error::new(
                ErrorKind::WrongVault,
                op,
                "this KMS has no key of this vault: check account, region and endpoint",
            )
            .with("vault", vault));
        }
        Ok(seen)
    }

    /// Brings a key to its end, and waits until KMS agrees that it opens nothing.
    pub(crate) async fn end(
        &self,
        vault: VaultId,
        epoch: Epoch,
        key: &str,
        wrapped: Option<&Wrapped>,
    ) -> Result<Destruction> {
        const OP: &str = "destroy";
        let seen = self.seen(OP, vault, key).await?;
        match seen.standing {
            Standing::Gone => return Ok(Destruction::Done),
            Standing::Pending(_) | Standing::Empty => {}
            Standing::Enabled | Standing::Disabled if seen.imported => {
                self.kms.take_material(OP, key).await?
            }
            Standing::Enabled | Standing::Disabled => {
                self.kms.disable(OP, key).await?;
                self.kms.schedule(OP, key).await?;
            }
        }
        let look = || async {
            let done = match self.seen(OP, vault, key).await?.standing {
                Standing::Gone | Standing::Empty => Destruction::Done,
                Standing::Pending(until) => Destruction::Pending(until),
                Standing::Enabled | Standing::Disabled => return Ok(None),
            };
            // What it says of the key is not what it does, until every part of it has heard.
            let Some(wrapped) = wrapped else { return Ok(Some(done)) };
            match self.kms.unwrap(OP, vault, epoch, wrapped).await {
                Ok(Unwrapped::Root(_)) => Ok(None),
                Ok(Unwrapped::Refused(_) | Unwrapped::Gone) => Ok(Some(done)),
                // What is damaged opens nothing either.
                Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Some(done)),
                Err(error) => Err(error),
            }
        };
        let done = self.kms.until(look).await?.ok_or_else(|| {
            let text = "KMS does not agree yet that the key of a root opens nothing: it is tried again";
            Error::new(ErrorKind::Unavailable, OP, text).with("epoch", epoch)
        })?;
        if seen.imported && done == Destruction::Done {
            // The key that is left costs money, and opens nothing.
            self.kms.schedule(OP, key).await?;
        }
        Ok(done)
    }
}

#[async_trait]
impl RootHolder for KmsRoots {
    fn gone_within(&self) -> Option<Duration> {
        Some(GONE_WITHIN)
    }

    async fn create(&self, vault: VaultId, epoch: Epoch) -> Result<Blob> {
        let key = self.kms.make(vault, epoch).await?;
        match self.kms.wrap(vault, epoch, &key).await {
            Ok(root) => Wrapped::new(vault, epoch, key, root).to_blob(),
            Err(error) => {
                self.kms.abandon(&key).await;
                Err(error)
            }
        }
    }

    async fn open(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Opened> {
        const OP: &str = "open";
        if blob.0.is_empty() {
            return Ok(Opened::Absent);
        }
        let wrapped = Wrapped::of(OP, vault, epoch, blob)?;
        let refused = match self.kms.unwrap(OP, vault, epoch, &wrapped).await? {
            Unwrapped::Root(root) => return Ok(Opened::Root(root)),
            Unwrapped::Refused(failure) => Some(failure),
            Unwrapped::Gone => None,
        };
        match (self.seen(OP, vault, &wrapped.key).await?.standing, refused) {
            (Standing::Gone | Standing::Empty | Standing::Pending(_), _) => Ok(Opened::Destroyed),
            // Somebody disabled it, which they can undo: that is no end.
            (Standing::Disabled | Standing::Enabled, Some(failure)) => {
                Err(failure.into_error(OP, "kms:Decrypt").with("epoch", epoch))
            }
            (Standing::Disabled | Standing::Enabled, None) => {
                let text = "KMS does not agree yet whether the key of a root is there: try again";
                Err(Error::new(ErrorKind::Unavailable, OP, text).with("epoch", epoch))
            }
        }
    }

    async fn destroy(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Destruction> {
        if !blob.0.is_empty() {
            let wrapped = Wrapped::of("destroy", vault, epoch, blob)?;
            return self.end(vault, epoch, &wrapped.key, Some(&wrapped)).await;
        }
        // Whatever was made for it, and never kept. All are tried, also when one fails.
        let mut ends = Vec::new();
        for named in self.kms.named("destroy", vault, Some(epoch)).await? {
            ends.push(self.end(vault, epoch, &named.key, None).await);
        }
        let ends = ends.into_iter().collect::<Result<Vec<_>>>()?;
        let last = ends.into_iter().filter_map(|end| match end {
            Destruction::Pending(until) => Some(until),
            Destruction::Done => None,
        });
        Ok(last.max().map_or(Destruction::Done, Destruction::Pending))
    }

    async fn state(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<RootState> {
        if blob.0.is_empty() {
            return Ok(RootState::Absent);
        }
        let wrapped = Wrapped::of("state", vault, epoch, blob)?;
        Ok(match self.seen("state", vault, &wrapped.key).await?.standing {
            // A disabled key is enabled again with one call.
            Standing::Enabled | Standing::Disabled => RootState::Live,
            Standing::Pending(until) => RootState::Pending(until),
            Standing::Empty | Standing::Gone => RootState::Destroyed,
        })
    }
}

impl fmt::Debug for KmsRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KmsRoots({:?})", self.kms)
    }
}
