//! Taking expired backups away.

use jiff::Timestamp;
use oubliette_core::{BackupId, Result};

use crate::backups::{Backups, Survey};
use crate::names;
use crate::record::{Record, State};
use crate::register::Held;

/// What was taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// The backups that are gone, in the order in which they went.
    pub backups: Vec<BackupId>,
    /// Objects that belonged to no backup, and are gone too.
    pub orphans: u64,
}

impl Backups {
    /// Takes every backup here away whose date has passed and that none needs that lives,
    /// and what is left of backups that are none: never begun, or already gone.
    ///
    /// A backup that was begun and whose date has passed goes as well. Stopped half-way, it
    /// is run again and finishes.
    ///
    /// # Errors
    /// `Unavailable`, also when another process takes a backup under the same register;
    /// `Corrupt` when the register cannot be read; `Denied` when the place lets nothing be
    /// taken away.
    pub async fn expire(&self, now: Timestamp) -> Result<Expired> {
        let mut held = self.register.hold().await?;
        self.target.tidy().await?;
        let survey = self.survey().await?;
        self.reconcile(&mut held, &survey).await?;
        let mut expired = Expired::default();
        // One that another continues goes after it, so that what is left is whole.
        while let Some(record) = self.next_to_go(&held, now) {
            self.take_all(record.id()).await?;
            expired.backups.push(record.id());
            held.note(Record { state: State::Gone(now), ..record }).await?;
        }
        expired.orphans = self.take_orphans(&held, &survey, &expired.backups).await?;
        Ok(expired)
    }

    fn next_to_go(&self, held: &Held, now: Timestamp) -> Option<Record> {
        let records = held.records();
        let is_base = |of: &Record| records.iter().any(|record| record.lives() && record.continues(of));
        let here = records.iter().filter(|record| record.lives() && self.is_here(record));
        let mut gone = here.filter(|record| record.has_expired(now) && !is_base(record));
        gone.next().cloned()
    }

    async fn take_orphans(&self, held: &Held, survey: &Survey, gone: &[BackupId]) -> Result<u64> {
        let mut taken = 0;
        for name in &survey.names {
            let Some((id, _)) = names::parse(name) else { continue };
            let lives = held.records().iter().any(|record| record.id() == id && record.lives());
            // A manifest that cannot be read may be brought back: what it names stays.
            if !lives && !gone.contains(&id) && !survey.manifests.contains_key(&id) {
                self.target.take(name).await?;
                taken += 1;
            }
        }
        Ok(taken)
    }
}
