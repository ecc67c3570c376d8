//! Destroying keys.
//!
//! One commit fences the target, takes its aliases away, and writes the death of each of its
//! keys over what opened it. What old copies of the records still open ends with a roll.

use oubliette_core::{ErasureId, KeyId, Result, SubjectId};

use crate::act::{Act, Wanted};
use crate::member::Member;
use crate::roots::Epoch;
use crate::time::now;
use crate::vault::Inner;
use crate::wire::{Carried, ErasureRow, Held, Life};

impl Inner {
    pub(crate) async fn destroy(&self, id: ErasureId) -> Result<Vec<KeyId>> {
        let carried = self.decide("destroy", || self.carry_out(id)).await;
        // Also when it failed: nobody knows whether it was done then.
        self.forget();
        let Some(carried) = carried? else { return Ok(Vec::new()) };
        self.records.sweep().await?;
        if self.options.roll_with_erasures {
            self.outlive(carried.epoch).await?;
        }
        Ok(carried.destroyed().collect())
    }

    /// What the erasure came to, be it now or before; nothing for one that was lifted.
    async fn carry_out(&self, id: ErasureId) -> Result<Option<Carried>> {
        let mut act = Act::new(self);
        let (sequence, row) = act.erasure(id).await?;
        if row.carried.is_some() || row.readmitted {
            return Ok(row.carried);
        }
        let destroyed = act.doom(sequence, &row).await?;
        let epoch = match act.head()?.touched.is_empty() {
            true => Epoch::default(),
            false => act.head()?.dying_epoch(),
        };
        let carried = Carried::new(&destroyed, epoch);
        if let Some(row) = act.erasures.edit(&sequence) {
            row.carried = Some(carried.clone());
        }
        act.evict();
        act.commit().await?;
        Ok(Some(carried))
    }
}

impl Act<'_> {
    /// Fences the target, and destroys what is its own.
    async fn doom(&mut self, sequence: u64, row: &ErasureRow) -> Result<Vec<KeyId>> {
        let target = row.target();
        let family = self.family(target.subject()).await?;
        self.raise(sequence, &target, &family);
        let aliases: Vec<&SubjectId> = family.iter().map(|relative| &relative.alias).collect();
        let mut subjects = vec![target.subject()];
        subjects.extend(aliases.iter().filter(|alias| **alias != target.subject()));
        if target.purpose().is_none() {
            self.raise_for(sequence, &target, &aliases);
            self.begin_anew(target.subject(), &family).await?;
        }
        let mut dying: Vec<KeyId> = Vec::new();
        for subject in subjects {
            let goes = |held: &&mut Held| held.live && target.takes(&held.purpose);
            for held in self.subjects.of(subject).keys.iter_mut().filter(goes) {
                held.live = false;
                dying.push(held.id());
            }
        }
        self.load(Wanted { keys: dying.clone(), ..Wanted::default() }).await?;
        let at = now();
        for id in &dying {
            let wraps = match self.keys.get(id).map(|row| row.life()) {
                Some(Life::Live(wraps)) => wraps.clone(),
                Some(Life::Dead(..)) | None => return Err(crate::keys::lost(*id)),
            };
            self.touch(&Member::Key(*id), &wraps)?;
            if let Some(row) = self.keys.edit(id) {
                row.die(sequence, at);
            }
            let head = self.head_mut()?;
            head.live_keys = head.live_keys.saturating_sub(1);
        }
        Ok(dying)
    }
}
