//! Forgotten: whatever is derived from the log, each part by itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::effects::ERASED;
use crate::envelope::Recorded;
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::{ErasureId, KeyId};
use crate::projector::{ErasedKeys, Forgotten};

impl Oubliette {
    /// Lets every derived store forget. Each is tried, also when another fails.
    ///
    /// # Errors
    /// `Incomplete` with the names of those that failed, caused by the first.
    pub(super) async fn forget(&self, erasure: ErasureId, keys: &[KeyId]) -> Result<BTreeMap<String, u64>> {
        let erased = ErasedKeys { erasure, keys: keys.to_vec() };
        let mut marked = caught_up(erasure);
        marked.keys.extend(keys);
        self.forget_marked(&erased, &marked).await
    }

    /// The same; documents and snapshots are told `marked`, which they remember.
    pub(super) async fn forget_marked(
        &self,
        erased: &ErasedKeys,
        marked: &ErasedKeys,
    ) -> Result<BTreeMap<String, u64>> {
        let mut outcomes: Vec<(&str, Result<Forgotten>)> = Vec::new();
        if let Some(documents) = &self.documents {
            outcomes.push((documents.name(), documents.forget(marked).await));
        }
        if let Some(snapshots) = &self.snapshots {
            outcomes.push((snapshots.name(), snapshots.forget(marked).await));
        }
        for projector in self.projectors.iter() {
            outcomes.push((projector.name(), projector.forget(erased).await));
        }
        let (mut records, mut failed, mut first) = (BTreeMap::new(), Vec::new(), None);
        for (name, outcome) in outcomes {
            match outcome {
                Ok(forgotten) => drop(records.insert(name.to_owned(), forgotten.records)),
                Err(error) => {
                    failed.push(name);
                    first.get_or_insert(error);
                }
            }
        }
        match first {
            None => Ok(records),
            Some(first) => Err(Error::new(
                ErrorKind::Incomplete,
                "forget",
                "some of what is derived from the log could not forget; the rest has",
            )
            .with("failed", failed.join(", "))
            .caused_by(first)),
        }
    }

    /// Lets documents and snapshots remember a mark, under which nothing was ever sealed.
    pub(super) async fn remember(&self, mark: &ErasedKeys) -> Result<()> {
        if let Some(documents) = &self.documents {
            documents.forget(mark).await?;
        }
        if let Some(snapshots) = &self.snapshots {
            snapshots.forget(mark).await?;
        }
        Ok(())
    }

    /// What each derived store that can be asked still holds under these keys.
    pub(super) async fn derived_under(&self, keys: &[KeyId]) -> Result<BTreeMap<String, u64>> {
        let mut left = BTreeMap::new();
        if let Some(documents) = &self.documents {
            left.insert(documents.name().to_owned(), documents.held_under(keys).await?);
        }
        if let Some(snapshots) = &self.snapshots {
            left.insert(snapshots.name().to_owned(), snapshots.held_under(keys).await?);
        }
        Ok(left)
    }
}

/// The mark of a store that has caught up with an erasure.
pub(super) fn caught_up(erasure: ErasureId) -> ErasedKeys {
    ErasedKeys { erasure, keys: vec![KeyId::from_bytes(*erasure.as_bytes())] }
}

/// The keys that an event says were destroyed, when it is the toolkit's own.
pub(crate) fn erased_keys(event: &Recorded) -> Option<ErasedKeys> {
    #[derive(Deserialize)]
    struct Erased {
        erasure: ErasureId,
        keys: Vec<KeyId>,
    }
    if !event.stream.is_reserved() || event.envelope.event_type.as_str() != ERASED {
        return None;
    }
    let Erased { erasure, keys } = serde_json::from_slice(&event.envelope.open).ok()?;
    Some(ErasedKeys { erasure, keys })
}

#[cfg(test)]
mod tests;
