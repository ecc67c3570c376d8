//! Taking a backup.

use std::sync::Arc;

use jiff::Timestamp;
use oubliette_core::{BackupId, Error, ErrorKind, EventLog, KeyVault, Position, Query, Result};

use crate::backups::{Backups, OnProgress, Survey};
use crate::manifest::{Backup, Found, Last, Manifest};
use crate::names;
use crate::options::Options;
use crate::record::{Record, State};
use crate::register::Held;
use crate::signing::{PublicKey, public_key};
use crate::writing::Writing;

/// A backup that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The backup.
    pub backup: Backup,
    /// Events in it, without those of what it continues. There may be none.
    pub events: u64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// Whether it had been begun before, and was gone on with: it ends where the log ended
    /// then.
    pub resumed: bool,
}

impl Summary {
    fn of(manifest: &Manifest, resumed: bool) -> Self {
        let (events, bytes) = (manifest.events(), manifest.bytes());
        Self { backup: manifest.backup.clone(), events, bytes, resumed }
    }
}

impl Backups {
    /// Takes a backup of everything up to the log's head, while others go on writing.
    ///
    /// It continues the newest whole backup of this log here that has not expired, or is
    /// one in full when there is none. When nothing was appended since, it holds no event,
    /// and says that the log was still the same then.
    ///
    /// When an earlier call was stopped before its end, this one goes on with that backup,
    /// as far as the log went then, if it was to be full and kept just as this one is; if
    /// not, what there is of it is taken away.
    ///
    /// # Errors
    /// `Conflict` for a log in quarantine; `Unavailable` when a part is, or when another
    /// process takes a backup under the same register; `Corrupt` when the register is.
    pub async fn create(
        &self,
        log: &Arc<dyn EventLog>,
        vault: &Arc<dyn KeyVault>,
        options: &Options,
        on: OnProgress<'_>,
    ) -> Result<Summary> {
        if log.quarantine().await?.is_some() {
            return Err(Error::new(
                ErrorKind::Conflict,
                "backup",
                "the log was restored and has not been released: no backup of it is taken until it is",
            ));
        }
        let mut held = self.register.hold().await?;
        self.target.tidy().await?;
        let key = public_key(&**vault).await?;
        let head = log.head().await?;
        let begun = self.begun(&held, vault);
        let survey = self.survey().await?;
        self.reconcile(&mut held, &survey).await?;
        let taking = Taking { backups: self, log, vault, key, options, survey: &survey };
        if let Some(begun) = begun
            && let Some(summary) = taking.go_on(&mut held, &begun, head, on).await?
        {
            return Ok(summary);
        }
        let (backup, last) = taking.begin(head).await?;
        held.note(self.record(&backup, State::Begun)).await?;
        let writing = Writing::new(&backup, last);
        let manifest = taking.finish(&mut held, &backup, writing, on).await?;
        Ok(Summary::of(&manifest, false))
    }

    /// The backup that was begun here for this vault's log.
    fn begun(&self, held: &Held, vault: &Arc<dyn KeyVault>) -> Option<Backup> {
        let begun = |record: &&Record| record.state == State::Begun && self.is_here(record);
        let mut begun = held.records().iter().filter(begun).map(|record| &record.backup);
        begun.find(|backup| backup.vault == vault.id()).cloned()
    }

    /// Takes every object of a backup away, its manifest first: without it the others are
    /// none. Gives their number.
    pub(crate) async fn take_all(&self, id: BackupId) -> Result<u64> {
        self.target.take(&names::manifest(id)).await?;
        let names = self.target.list(&names::of(id)).await?;
        for name in &names {
            self.target.take(name).await?;
        }
        Ok(names.len() as u64 + 1)
    }
}

/// What it takes to take a backup.
pub(crate) struct Taking<'a> {
    pub(crate) backups: &'a Backups,
    pub(crate) log: &'a Arc<dyn EventLog>,
    pub(crate) vault: &'a Arc<dyn KeyVault>,
    pub(crate) key: PublicKey,
    pub(crate) options: &'a Options,
    survey: &'a Survey,
}

impl Taking<'_> {
    /// Plans a new backup, and gives the last event before it.
    async fn begin(&self, head: Position) -> Result<(Backup, Option<Last>)> {
        let taken_at = Timestamp::now();
        let base = if self.options.full { None } else { self.base(head, taken_at).await? };
        let beyond =
            |_| Error::new(ErrorKind::Invalid, "backup", "no date is that far away: keep it shorter");
        let expires_at =
            self.options.keep.map(|keep| taken_at.checked_add(keep)).transpose().map_err(beyond)?;
        let backup = Backup {
            id: BackupId::random()?,
            vault: self.vault.id(),
            continues: base.map(Found::link),
            taken_at,
            from: base.map_or(Position::ZERO, |base| base.backup().through),
            through: head,
            expires_at,
        };
        Ok((backup, base.and_then(|base| base.manifest.last)))
    }

    /// The newest whole backup of this very log.
    async fn base(&self, head: Position, now: Timestamp) -> Result<Option<&Found>> {
        let mut found: Vec<&Found> = self.survey.manifests.values().flatten().collect();
        found.retain(|found| {
            let backup = found.backup();
            let lives = backup.expires_at.is_none_or(|expires_at| expires_at > now);
            found.key == self.key && backup.vault == self.vault.id() && backup.through <= head && lives
        });
        // By position first: a clock may have been wrong.
        found.sort_by_key(|found| (found.backup().through, found.backup().taken_at));
        for found in found.into_iter().rev() {
            if self.is_of_this_log(found.manifest.last).await?
                && self.survey.chain(found.backup().id).is_some()
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Whether the log holds an event. One that was restored from before and went another
    /// way since does not, and no backup of the one continues one of the other. One whose
    /// last event went with its stream cannot tell: that, too, is a reason to begin anew.
    async fn is_of_this_log(&self, last: Option<Last>) -> Result<bool> {
        let Some(last) = last else { return Ok(false) };
        let before = Position(last.position.0.saturating_sub(1));
        let mut pages = self.log.read(Query::after(before).limit(1));
        let page = futures::TryStreamExt::try_next(&mut pages).await?.unwrap_or_default();
        Ok(page.first().map(Last::of) == Some(last))
    }

    /// Goes on with a backup that was begun, or takes what there is of it away.
    async fn go_on(
        &self,
        held: &mut Held,
        begun: &Backup,
        head: Position,
        on: OnProgress<'_>,
    ) -> Result<Option<Summary>> {
        let keep = begun.expires_at.map(|expires_at| expires_at.duration_since(begun.taken_at));
        let asked = (!self.options.full || begun.continues.is_none()) && keep == self.options.keep;
        // Only its record was missing, which is there by now.
        if let Some(whole) = self.survey.found(begun.id) {
            return Ok(asked.then(|| Summary::of(&whole.manifest, true)));
        }
        self.backups.target.take(&names::manifest(begun.id)).await?;
        if asked
            && begun.through <= head
            && let Some(writing) = self.written(begun).await?
        {
            let manifest = self.finish(held, begun, writing, on).await?;
            return Ok(Some(Summary::of(&manifest, true)));
        }
        self.backups.take_all(begun.id).await?;
        held.strike(begun.id).await?;
        Ok(None)
    }

    /// What is there of a backup that was begun, if it is of this very log.
    async fn written(&self, begun: &Backup) -> Result<Option<Writing>> {
        let last = match &begun.continues {
            None => None,
            Some(link) => match self.survey.found(link.id).filter(|base| base.link() == *link) {
                Some(base) => base.manifest.last,
                None => return Ok(None),
            },
        };
        let writing = Writing::found(self, begun, last).await?;
        // Without an event there is nothing to mix up.
        let known = writing.last().is_none() || self.is_of_this_log(writing.last()).await?;
        Ok(known.then_some(writing))
    }

    /// Stores what is missing, the manifest last.
    async fn finish(
        &self,
        held: &mut Held,
        backup: &Backup,
        writing: Writing,
        on: OnProgress<'_>,
    ) -> Result<Manifest> {
        let manifest = writing.finish(self, backup, on).await?;
        let signed = manifest.seal(&**self.vault, &self.key).await?;
        self.backups.target.put(&names::manifest(backup.id), &signed).await?;
        held.note(self.backups.record(backup, State::Whole)).await?;
        Ok(manifest)
    }
}
