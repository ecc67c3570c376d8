//! Verified: the vault and the log are asked again, each with its controls.

use std::collections::HashSet;

use futures::TryStreamExt as _;
use jiff::Timestamp;

use super::progress::Progress;
use super::step::{StepName, Verification};
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::KeyId;
use crate::key::KeyState;
use crate::log::Query;
use crate::vault::Erasure;

/// How many events from the log's beginning are looked at for the negative control.
const NEIGHBOURS: u64 = 256;
/// How often a straggler is swept away before the step fails.
const SWEEPS: usize = 3;

impl Oubliette {
    /// Asks vault and log again. An append that raced may have landed after the sweep:
    /// it is swept, and all is asked again.
    pub(super) async fn verify(&self, erasure: &Erasure, done: &Progress) -> Result<Verification> {
        self.wait_for_leases(done).await?;
        let keys_alive = self.alive(erasure, done).await?;
        self.verified(done, keys_alive).await
    }

    /// Verifies an erasure that is closed, in a store that had to catch up with it. Who was
    /// readmitted since has keys again, which open nothing old.
    pub(super) async fn verify_again(&self, done: &Progress) -> Result<()> {
        self.verified(done, 0).await.map(drop)
    }

    async fn verified(&self, done: &Progress, keys_alive: u64) -> Result<Verification> {
        let keys = done.keys().unwrap_or_default();
        let mut parts_left = 0;
        for _ in 0..SWEEPS {
            parts_left = self.parts_under(keys).await?;
            if parts_left == 0 {
                break;
            }
            self.log.scrub(keys).await?;
        }
        let verification = Verification {
            keys_destroyed: self.destroyed(keys).await?,
            keys_alive,
            parts_before: done.plan().map_or(0, |plan| plan.parts),
            parts_left,
            derived_left: self.derived_under(keys).await?,
            neighbours_opened: self.neighbours(keys).await?,
        };
        let expected = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        let derived_left = verification.derived_left.values().sum::<u64>();
        if verification.keys_destroyed == expected && keys_alive == 0 && parts_left == 0 && derived_left == 0
        {
            return Ok(verification);
        }
        Err(Error::new(ErrorKind::Incomplete, "verify", "something is left of what was erased")
            .with("keys_expected_destroyed", expected)
            .with("keys_destroyed", verification.keys_destroyed)
            .with("keys_alive", verification.keys_alive)
            .with("parts_left", parts_left)
            .with("derived_left", derived_left))
    }

    /// Caches in other processes are leases: they end before anything is verified.
    async fn wait_for_leases(&self, done: &Progress) -> Result<()> {
        let destroyed = done.at(StepName::Destroyed).unwrap_or(Timestamp::now());
        let ends = destroyed
            .checked_add(self.promise().unreadable_within)
            .map_err(|_| Error::new(ErrorKind::Unexpected, "verify", "a lease is out of range"))?;
        if let Ok(left) = std::time::Duration::try_from(ends.duration_since(Timestamp::now())) {
            tokio::time::sleep(left).await;
        }
        Ok(())
    }

    pub(super) async fn parts_under(&self, keys: &[KeyId]) -> Result<u64> {
        let keys: HashSet<_> = keys.iter().copied().collect();
        let mut left = 0;
        let mut pages = self.log.read(Query::sealed_under(keys.iter().copied().collect::<Vec<_>>()));
        while let Some(page) = pages.try_next().await? {
            let parts = page.iter().flat_map(|event| event.envelope.parts.iter().flatten());
            left += parts.filter(|part| part.owners().any(|owner| keys.contains(&owner))).count() as u64;
        }
        Ok(left)
    }

    /// Live keys that should be dead. A key that was minted behind the fence for an alias
    /// which others claim too is theirs, and opens nothing old.
    async fn alive(&self, erasure: &Erasure, done: &Progress) -> Result<u64> {
        let fenced = done.at(StepName::Fenced).unwrap_or(Timestamp::MAX);
        let records = self.vault.keys_of(erasure.target.subject()).await?;
        let alive = records.iter().filter(|key| {
            key.destroyed.is_none()
                && erasure.target.takes(&key.purpose)
                && (key.alias.is_none() || key.minted_at <= fenced)
        });
        Ok(alive.count() as u64)
    }

    async fn destroyed(&self, keys: &[KeyId]) -> Result<u64> {
        let states = self.vault.find(keys).await?;
        Ok(states.iter().filter(|state| matches!(state, KeyState::Destroyed(_))).count() as u64)
    }

    /// The negative control: what belongs to others still opens.
    ///
    /// It is void, and so fails, when there is something of others to open and none of
    /// it opens.
    async fn neighbours(&self, keys: &[KeyId]) -> Result<u64> {
        let keys: HashSet<_> = keys.iter().copied().collect();
        let (mut opened, mut failure) = (0, None);
        let mut pages = self.log.read(Query::all().limit(NEIGHBOURS));
        while let Some(page) = pages.try_next().await? {
            for event in self.open_page(page, None).await? {
                match event {
                    Ok(event) => opened += event.parts_open_without(&keys),
                    Err(error) => failure = Some(error),
                }
            }
        }
        match failure {
            Some(error) if opened == 0 => Err(error),
            _ => Ok(opened),
        }
    }
}
