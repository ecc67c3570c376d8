//! Fences: behind one, nothing is minted.

use oubliette_core::{ErasureId, Error, ErrorKind, Result, SubjectId, Target};

use crate::act::{Act, Wanted};
use crate::family::Relative;
use crate::vault::Inner;
use crate::wire::{Fence, Held};

impl Inner {
    pub(crate) async fn fence(&self, id: ErasureId) -> Result<()> {
        let mut act = Act::new(self);
        let (sequence, row) = act.erasure(id).await?;
        if row.carried.is_none() && !row.readmitted {
            let family = act.family(row.target().subject()).await?;
            act.raise(sequence, &row.target(), &family);
        }
        // Also when nothing was left to do: whoever did it may have died before others were told.
        act.evict();
        act.commit().await
    }

    pub(crate) async fn readmit(&self, target: &Target) -> Result<()> {
        let mut act = Act::new(self);
        let sequence = act.in_force(target).await?.ok_or_else(no_fence)?;
        let stands = act.subjects.get(target.subject());
        if !stands.is_some_and(|of| of.fences.iter().any(|fence| fence.erasure == sequence)) {
            return Err(no_fence());
        }
        let row = act.erasures.get(&sequence).cloned().ok_or_else(no_fence)?;
        // What is alive behind a fence is old, and must not serve the one who returns.
        if row.carried.is_none() && act.holds_keys(target).await? {
            return Err(Error::new(
                ErrorKind::Incomplete,
                "readmit",
                "the erasure of this target is not finished: finish it, then readmit",
            )
            .with("erasure", row.id()));
        }
        act.load(Wanted { subjects: row.fenced.iter().cloned().collect(), ..Wanted::default() }).await?;
        for fenced in &row.fenced {
            // The pseudonyms of dead aliases stay fenced: they stand for nobody any more.
            let dead = act.subjects.get(fenced).and_then(|of| of.alias.as_ref()).is_some_and(|it| it.gone);
            if fenced == target.subject() || !dead {
                act.subjects.of(fenced).fences.retain(|fence| fence.erasure != sequence);
            }
        }
        if let Some(row) = act.erasures.edit(&sequence) {
            row.readmitted = true;
        }
        act.evict();
        act.commit().await
    }
}

impl Act<'_> {
    /// Fences the target of an erasure, and the aliases that die with it. Aliases that
    /// others claim too live on, and others may mint for them.
    pub(crate) fn raise(&mut self, sequence: u64, target: &Target, family: &[Relative]) {
        let own = family.iter().filter(|relative| !relative.shared).map(|relative| &relative.alias);
        let subjects: Vec<&SubjectId> = own.chain([target.subject()]).collect();
        self.raise_for(sequence, target, &subjects);
    }

    /// Fences these subjects, to the extent of the erasure.
    pub(crate) fn raise_for(&mut self, sequence: u64, target: &Target, subjects: &[&SubjectId]) {
        let fence = Fence { purpose: target.purpose().cloned(), erasure: sequence };
        for subject in subjects {
            let fences = &mut self.subjects.of(subject).fences;
            if !fences.contains(&fence) {
                fences.push(fence.clone());
            }
            if let Some(row) = self.erasures.edit(&sequence) {
                row.fenced.insert((*subject).clone());
            }
        }
        self.evict();
    }

    async fn holds_keys(&mut self, target: &Target) -> Result<bool> {
        let family = self.family(target.subject()).await?;
        let own = family.iter().filter(|relative| !relative.shared).map(|relative| &relative.alias);
        let taken = |held: &Held| held.live && target.takes(&held.purpose);
        let mut subjects = own.chain([target.subject()]).filter_map(|subject| self.subjects.get(subject));
        Ok(subjects.any(|subject| subject.keys.iter().any(taken)))
    }
}

fn no_fence() -> Error {
    Error::new(ErrorKind::NotFound, "readmit", "there is no fence for this target: nothing is in its way")
}
