//! What the house holds of somebody, sealed.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;
use oubliette_core::erasure::certificate::Claim;
use oubliette_core::seal::{Place, Unsealed, open};
use oubliette_core::{EventId, KeyId, KeyState, Oubliette, Query, Result, SealedPart, StreamId, SubjectId};

/// Every sealed part of somebody in the log. Documents carry the same ones.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) keys: Vec<KeyId>,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    stream: StreamId,
    event: EventId,
    number: u16,
    sealed: SealedPart,
}

impl Sealed {
    pub(super) async fn of(house: &Oubliette, subject: &SubjectId) -> Result<Self> {
        let keys: Vec<_> =
            house.vault().keys_of(subject).await?.into_iter().map(|record| record.id).collect();
        let mut parts = Vec::new();
        let mut pages = house.log().read(Query::sealed_under(keys.clone()));
        while let Some(page) = pages.try_next().await? {
            for event in page {
                for (number, sealed) in (0..).zip(event.envelope.parts) {
                    let (stream, event) = (event.stream.clone(), event.envelope.id);
                    let under = |sealed: &SealedPart| sealed.owners().any(|owner| keys.contains(&owner));
                    parts.extend(sealed.filter(under).map(|sealed| Part { stream, event, number, sealed }));
                }
            }
        }
        Ok(Self { keys, parts })
    }

    /// Without what somebody else owns too: that goes with either.
    pub(super) fn without_shared(mut self, other: &Self) -> Self {
        let others: HashSet<_> = other.keys.iter().collect();
        self.parts.retain(|part| !part.sealed.owners().any(|owner| others.contains(&owner)));
        self
    }

    pub(super) fn len(&self) -> u64 {
        self.parts.len() as u64
    }

    /// The nonce and the tag of each part.
    pub(super) fn traces(&self) -> impl Iterator<Item = Vec<u8>> {
        self.parts.iter().flat_map(|part| {
            let (nonce, tag) = part.sealed.traces();
            [nonce.to_vec(), tag.to_vec()]
        })
    }

    /// How many of the parts the house's vault opens now.
    pub(super) async fn opens(&self, house: &Oubliette) -> Result<u64> {
        let ids: HashSet<KeyId> = self.parts.iter().flat_map(|part| part.sealed.owners()).collect();
        let ids: Vec<KeyId> = ids.into_iter().collect();
        let states: HashMap<KeyId, KeyState> =
            ids.iter().copied().zip(house.vault().find(&ids).await?).collect();
        let mut opened = 0;
        for Part { stream, event, number, sealed } in &self.parts {
            let owners: Vec<_> = sealed
                .owners()
                .map(|owner| states.get(&owner).cloned().unwrap_or(KeyState::Unknown))
                .collect();
            match open(Place { stream, event: *event, part: *number }, sealed, &owners)? {
                Unsealed::Known(_) => opened += 1,
                Unsealed::Forgotten => {}
            }
        }
        Ok(opened)
    }

    /// How many documents and snapshots of the house are held under the keys.
    pub(super) async fn held(&self, house: &Oubliette) -> Result<(u64, u64)> {
        let documents = match house.documents() {
            Some(documents) => documents.held_under(&self.keys).await?,
            None => 0,
        };
        let snapshots = match house.snapshots() {
            Some(snapshots) => snapshots.held_under(&self.keys).await?,
            None => 0,
        };
        Ok((documents, snapshots))
    }

    /// Whether the certificate of the erasure of these keys claims that the bytes are gone
    /// from every store. None when there is no certificate.
    pub(super) async fn claims_bytes_gone(&self, house: &Oubliette) -> Result<Option<bool>> {
        let erasures = house.erasures().await?;
        let ours = erasures.iter().rev().filter(|erasure| {
            erasure.keys().is_some_and(|keys| keys.iter().any(|key| self.keys.contains(key)))
        });
        let certificate = ours.filter_map(|erasure| erasure.certificate()).next();
        Ok(certificate.map(|signed| {
            signed.certificate().stores.values().all(|levels| matches!(levels.d, Claim::Holds { .. }))
        }))
    }
}
