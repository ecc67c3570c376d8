//! The sweep: what leaves no byte of what was taken away.
//!
//! A segment is written anew without its dead parts, in place of what was read and of nothing else
//! (`If-Match`): a reader sees all of the old one or all of the new one, and of two that sweep none
//! brings back what the other took away. So is a commit that holds events of a dropped stream. Then every
//! version of an object but the last goes, and every upload in parts that was not finished.

use std::collections::{BTreeMap, HashSet};

use oubliette_core::{Error, ErrorKind, KeyId, Result, SealedPart, Swept};

use crate::checkpoint::{INDEX, MANIFEST};
use crate::doctor::PROBES;
use crate::error::corrupt;
use crate::format::{
    COMMITS, Commit, Control, LOG, Part, Random, SEALED, Segment, commit_name, segment_name, segment_of,
};
use crate::frame::{decode, encode};
use crate::options::Options;
use crate::shared::{Journal, Shared};
use crate::store::{ERASE, Store, Version};

const OP: &str = "sweep";

/// Sweeps the log. Returns what was in the way.
pub(crate) async fn sweep(shared: &Shared) -> Result<Vec<String>> {
    let (through, due) = shared.due().await?;
    let mut by = shared.take_orphans().await?;
    for number in &due {
        shared.rewrite(*number).await?;
    }
    by.extend(shared.end_sweep(through, !due.is_empty() && by.is_empty()).await?);
    Ok(by)
}

/// What a sweep came to on a ground that may keep bytes.
pub(crate) fn outcome(by: Vec<String>, keeps: Option<&str>) -> Swept {
    match (by.is_empty(), keeps) {
        (false, _) => Swept::Blocked { by },
        (true, Some(why)) => Swept::Unsure { why: why.to_owned() },
        (true, None) => Swept::Clean,
    }
}

/// Takes all of a log away, and what says that there is one last: until then it can be done again.
pub(crate) async fn take_away(options: Options) -> Result<()> {
    const OP: &str = "take away";
    let store = Store::new(options.connect().await, &options);
    if store.get(OP, LOG).await?.is_none() {
        return Err(Error::new(ErrorKind::NotFound, OP, "there is no log under this prefix"));
    }
    store.abort_uploads(OP).await?;
    // What else lies under the prefix is none of the log's.
    let is_of_the_log = |version: &Version| {
        [LOG, MANIFEST].contains(&version.name.as_str())
            || [COMMITS, SEALED, INDEX, PROBES].iter().any(|folder| version.name.starts_with(folder))
    };
    let all = store.versions(OP, "").await?.into_iter().filter(is_of_the_log);
    let (last, first): (Vec<_>, Vec<_>) = all.partition(|version| version.name == LOG);
    for version in first.iter().chain(&last) {
        store.erase(version).await.map_err(|failure| failure.into_error(OP, ERASE))?;
    }
    Ok(())
}

impl Shared {
    /// Takes away the segments that no commit names: of writers that ended too early, or lost a race.
    ///
    /// First they are declared void in a commit. A writer that is about to name one has either done so
    /// before, and then it is no orphan, or will see that it may not, and writes another.
    async fn take_orphans(&self) -> Result<Vec<String>> {
        let mut orphans: BTreeMap<Random, Vec<Version>> = BTreeMap::new();
        for version in self.store.versions(OP, SEALED).await? {
            let Some(id) = segment_of(&version.name) else { continue };
            orphans.entry(id).or_default().push(version);
        }
        loop {
            self.catch_up(OP).await?;
            let (number, commit) = {
                let state = self.state();
                orphans.retain(|id, _| !state.has_segment(id));
                let new: Vec<Random> = orphans.keys().filter(|id| !state.is_void(id)).copied().collect();
                if new.is_empty() {
                    break;
                }
                (state.next(), Commit::on(&state, Vec::new(), Control::Void(new))?)
            };
            if self.commit_as(OP, number, commit).await? {
                break;
            }
        }
        self.erase(orphans.values().flatten()).await
    }

    /// Writes a commit and its segment anew, without what is dead in them.
    async fn rewrite(&self, number: u64) -> Result<()> {
        let commit = self.rewrite_commit(number).await?;
        let Some(segment) = commit.segment else { return Ok(()) };
        let living: HashSet<Random> = commit.events.iter().map(|event| event.id).collect();
        let name = segment_name(&segment);
        loop {
            let Some(object) = self.store.get(OP, &name).await? else { return Ok(()) };
            let mut segment: Segment = decode(&name, &object.bytes)?;
            let before = segment.parts.len();
            let mut parts = Vec::with_capacity(before);
            for part in segment.parts {
                if living.contains(&part.event) && !self.is_dead(&part)? {
                    parts.push(part);
                }
            }
            if parts.len() == before {
                return Ok(());
            }
            segment = Segment { parts };
            if self.store.replace(OP, &name, &encode(&name, &segment)?, &object.tag).await? {
                return Ok(());
            }
        }
    }

    fn is_dead(&self, part: &Part) -> Result<bool> {
        let owners: Vec<KeyId> = SealedPart::owners(&part.sealed()?).collect();
        let state = self.state();
        Ok(owners.iter().any(|owner| state.is_scrubbed(*owner)))
    }
}

impl<J: Journal> Shared<J> {
    /// What a sweep has to do: up to which commit, and which commits hold what is dead.
    ///
    /// # Errors
    /// Those of S3.
    pub(crate) async fn due(&self) -> Result<(u64, Vec<u64>)> {
        self.catch_up(OP).await?;
        let state = self.state();
        Ok((state.next() - 1, state.unswept()))
    }

    /// Writes a commit anew without what is dead in it, in the place of what was read and of nothing else. Returns the
    /// commit as it is then.
    ///
    /// # Errors
    /// `Corrupt` when it is missing or damaged; those of S3.
    pub(crate) async fn rewrite_commit(&self, number: u64) -> Result<J::Commit> {
        let name = commit_name(number);
        loop {
            let object = self.store.get(OP, &name).await?;
            let object = object.ok_or_else(|| corrupt(&name, "a commit is missing"))?;
            let mut commit: J::Commit = decode(&name, &object.bytes)?;
            if !self.state().clear(number, &mut commit)
                || self.store.replace(OP, &name, &encode(&name, &commit)?, &object.tag).await?
            {
                return Ok(commit);
            }
        }
    }

    /// Takes away what nobody reads any more, once nothing dead is written anew, and notes that what was due up to a
    /// commit is done. Returns what was in the way.
    pub(crate) async fn end_sweep(&self, through: u64, is_due: bool) -> Result<Vec<String>> {
        let mut by = self.erase(self.old_checkpoints(OP).await?.iter()).await?;
        self.store.abort_uploads(OP).await?;
        let old = self.store.versions(OP, "").await?;
        by.extend(self.erase(old.iter().filter(|version| !version.is_latest)).await?);
        while by.is_empty() && is_due {
            self.catch_up(OP).await?;
            let (number, commit) = {
                let state = self.state();
                (state.next(), state.swept(through)?)
            };
            if self.commit_as(OP, number, commit).await? {
                break;
            }
        }
        Ok(by)
    }

    /// Takes versions away. Returns those that may not be.
    async fn erase(&self, versions: impl Iterator<Item = &Version>) -> Result<Vec<String>> {
        let mut kept = 0;
        for version in versions {
            match self.store.erase(version).await {
                Err(failure) if failure.is_denied() => kept += 1,
                erased => erased.map_err(|failure| failure.into_error(OP, ERASE))?,
            }
        }
        let held = format!("a lock, or credentials without {ERASE}: {kept} versions of objects stay");
        Ok((kept > 0).then_some(held).into_iter().collect())
    }
}
