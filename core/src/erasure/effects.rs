//! What each step does. Every effect can be repeated: a crash may come after any.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::json;

use super::certificate::{self, Certificate, SignedCertificate};
use super::progress::Progress;
use super::step::{Footprint, Held, Step, StepName};
use crate::backup::BackupRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::house::{FIRST, Oubliette, system_event};
use crate::ids::{ERASURES, ErasureId, KeyId, Position, Purpose, StreamId};
use crate::key::KeyRecord;
use crate::log::{Batch, Expect, Query, Select};
use crate::vault::{Erasure, Target};

/// The event that says that an erasure was asked for.
const REQUESTED: &str = "ErasureRequested";
/// The event that says that keys were destroyed: who reads the log forgets with it.
pub(super) const ERASED: &str = "RightToBeForgottenInvoked";

impl Oubliette {
    pub(super) async fn effect(&self, step: StepName, erasure: &Erasure, done: &Progress) -> Result<Step> {
        match step {
            StepName::Requested => self.request(erasure).await,
            StepName::Planned => Ok(Step::Planned(self.footprint(&erasure.target).await?)),
            StepName::Fenced => self.vault.fence(erasure.id).await.map(|()| Step::Fenced),
            StepName::Destroyed => Ok(Step::Destroyed { keys: self.vault.destroy(erasure.id).await? }),
            StepName::Recorded => self.record(erasure, keys(done)?).await,
            StepName::Forgotten => {
                Ok(Step::Forgotten { records: self.forget(erasure.id, keys(done)?).await? })
            }
            StepName::Swept => Ok(Step::Swept { parts: self.log.scrub(keys(done)?).await?.parts }),
            StepName::Verified => self.verify(erasure, done).await.map(Step::Verified),
            StepName::Closed => self.certify(erasure, done).await,
            StepName::Settled => {
                Err(Error::new(ErrorKind::Unexpected, "erase", "no erasure is settled before a sweep"))
            }
        }
    }

    /// What is held about a target: the same count for a preview, for the plan, and for
    /// the erasure.
    ///
    /// # Errors
    /// `Unavailable` when log or vault is.
    pub async fn footprint(&self, target: &Target) -> Result<Footprint> {
        let records = self.vault.keys_of(target.subject()).await?;
        let live = records.iter().filter(|key| key.destroyed.is_none() && target.takes(&key.purpose));
        let purposes: BTreeMap<KeyId, &Purpose> =
            live.map(|KeyRecord { id, purpose, .. }| (*id, purpose)).collect();
        let mut held: BTreeMap<&Purpose, Held> = BTreeMap::new();
        for purpose in purposes.values() {
            let empty = || Held { purpose: (*purpose).clone(), keys: 0, parts: 0 };
            held.entry(purpose).or_insert_with(empty).keys += 1;
        }
        let mut footprint = Footprint::default();
        let keys: Vec<KeyId> = purposes.keys().copied().collect();
        let mut pages = self.log.read(Query::sealed_under(keys));
        while let Some(page) = pages.try_next().await? {
            for event in page {
                let mine = event
                    .envelope
                    .parts
                    .iter()
                    .flatten()
                    .filter_map(|part| part.owners().find_map(|owner| purposes.get(&owner)));
                for purpose in mine {
                    footprint.parts += 1;
                    if let Some(held) = held.get_mut(*purpose) {
                        held.parts += 1;
                    }
                }
                footprint.events += 1;
            }
        }
        footprint.purposes = held.into_values().collect();
        Ok(footprint)
    }

    async fn request(&self, erasure: &Erasure) -> Result<Step> {
        let event = system_event(REQUESTED, json!({ "erasure": erasure.id }))?;
        let batch = Batch::one(stream_of(erasure.id)?, Expect::New, vec![event]);
        unless_done(self.log.append(batch).await.map(|appended| appended.last))?;
        Ok(Step::Requested { due: one_month_after(erasure.at)?, purpose: erasure.target.purpose().cloned() })
    }

    async fn record(&self, erasure: &Erasure, keys: &[KeyId]) -> Result<Step> {
        // It is there, unless the log was restored from before the request.
        self.request(erasure).await?;
        let stream = stream_of(erasure.id)?;
        let event = system_event(ERASED, json!({ "erasure": erasure.id, "keys": keys }))?;
        let batch = Batch::one(stream.clone(), Expect::Exactly(FIRST), vec![event]);
        let position = match unless_done(self.log.append(batch).await.map(|appended| appended.last))? {
            Some(position) => position,
            None => self.recorded_at(stream).await?,
        };
        Ok(Step::Recorded { position })
    }

    /// Where an earlier attempt recorded it.
    async fn recorded_at(&self, stream: StreamId) -> Result<Position> {
        let page = self.log.read(Query::select(Select::Stream(stream, FIRST))).try_next().await?;
        page.into_iter().flatten().next().map(|event| event.position).ok_or_else(|| {
            Error::new(
                ErrorKind::Corrupt,
                "erase",
                "the log has no request for this erasure where it should be recorded: restore the log",
            )
        })
    }

    async fn certify(&self, erasure: &Erasure, done: &Progress) -> Result<Step> {
        let missing = || Error::new(ErrorKind::Unexpected, "certify", "a step is missing");
        let anchor = self.vault.anchor().await?;
        let destroyed_at = done.at(StepName::Destroyed).ok_or_else(missing)?;
        let verified_at = done.at(StepName::Verified).ok_or_else(missing)?;
        let (due, purpose) = done.request().ok_or_else(missing)?;
        let backups = self.backups_before(done.at(StepName::Swept).ok_or_else(missing)?).await?;
        let certificate = Certificate {
            format: certificate::FORMAT,
            erasure: erasure.id,
            vault: self.vault.id(),
            purpose: purpose.cloned(),
            requested_at: erasure.at,
            due,
            destroyed_at,
            closed_at: Timestamp::now(),
            settled_at: None,
            keys: keys(done)?.to_vec(),
            forgotten: done.forgotten().cloned().unwrap_or_default(),
            parts_swept: done.swept().ok_or_else(missing)?,
            verification: done.verification().ok_or_else(missing)?.clone(),
            stores: self.claims(destroyed_at, verified_at, &backups)?,
            backups,
            promise: self.promise(),
            ledger: self.chain.head(anchor.as_ref()).await?,
        };
        let signature = self.vault.sign(&SignedCertificate::message(&certificate)?).await?;
        Ok(Step::Closed(Box::new(SignedCertificate::new(certificate, &signature))))
    }

    /// Backups that were taken before the dead parts were swept.
    async fn backups_before(&self, swept_at: Timestamp) -> Result<Vec<BackupRecord>> {
        let mut backups = Vec::new();
        for register in self.backups.iter() {
            backups
                .extend(register.backups().await?.into_iter().filter(|backup| backup.taken_at <= swept_at));
        }
        Ok(backups)
    }

    /// Whether the log says that an erasure was done.
    pub(super) async fn is_recorded(&self, erasure: ErasureId) -> Result<bool> {
        Ok(self.log.version(&stream_of(erasure)?).await? > FIRST)
    }
}

/// The stream in which an erasure is recorded.
fn stream_of(erasure: ErasureId) -> Result<StreamId> {
    StreamId::new(format!("{ERASURES}{erasure}"))
}

fn keys(done: &Progress) -> Result<&[KeyId]> {
    done.keys().ok_or_else(|| Error::new(ErrorKind::Unexpected, "erase", "no keys were destroyed yet"))
}

/// A conflict means that an earlier attempt already wrote the event.
fn unless_done(appended: Result<Position>) -> Result<Option<Position>> {
    match appended {
        Ok(position) => Ok(Some(position)),
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
        Err(error) => Err(error),
    }
}

/// One month, as GDPR Art. 12(3) gives: the same day of the next month, or its last.
fn one_month_after(at: Timestamp) -> Result<Timestamp> {
    at.to_zoned(TimeZone::UTC)
        .checked_add(1.month())
        .map(|due| due.timestamp())
        .map_err(|_| Error::new(ErrorKind::Unexpected, "erase", "the clock is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_due_on_the_same_day_of_the_next_month_or_on_its_last() {
        let dates = [
            ("2026-03-15T10:00:00Z", "2026-04-15T10:00:00Z"),
            ("2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z"),
            ("2025-12-31T23:59:59Z", "2026-01-31T23:59:59Z"),
        ];
        for (requested, due) in dates {
            assert_eq!(one_month_after(requested.parse().unwrap()).unwrap(), due.parse().unwrap());
        }
    }
}
