//! Erasures, as they were registered.

use oubliette_core::{Erasure, ErasureId, Error, ErrorKind, Reason, Result, Sequence, Target};

use crate::act::{Act, Wanted, request};
use crate::records::Kind;
use crate::time::now;
use crate::vault::Inner;
use crate::wire::{ErasureRow, Record};

/// How many are read at once.
const AT_ONCE: usize = 10_000;

impl Inner {
    pub(crate) async fn register(&self, target: &Target, reason: &Reason) -> Result<Erasure> {
        let mut act = Act::new(self);
        if let Some(known) = act.in_force(target).await? {
            return act.erasures.get(&known).ok_or_else(never)?.erasure(known);
        }
        let head = act.head_mut()?;
        head.erasures += 1;
        let sequence = head.erasures;
        let row = ErasureRow::new(ErasureId::random()?, target, reason, now());
        let erasure = row.erasure(sequence)?;
        act.put(request(&erasure.id), &sequence)?;
        act.erasures.put(sequence, row);
        act.subjects.of(target.subject()).erasures.push(sequence);
        act.commit().await?;
        Ok(erasure)
    }

    pub(crate) async fn erasures(&self, after: Sequence) -> Result<Vec<Erasure>> {
        let rows = self.erasure_rows(after.0).await?;
        rows.iter().map(|(sequence, row)| row.erasure(*sequence)).collect()
    }

    /// Every erasure after a sequence.
    pub(crate) async fn erasure_rows(&self, after: u64) -> Result<Vec<(u64, ErasureRow)>> {
        let mut act = Act::new(self);
        let mut rows: Vec<(u64, ErasureRow)> = Vec::new();
        loop {
            let last = rows.last().map_or(after, |(sequence, _)| *sequence);
            let listed = act.list(Kind::Erasure, &[], &ErasureRow::name(&last), AT_ONCE).await?;
            let full = listed.len() == AT_ONCE;
            for (name, bytes) in listed {
                let sequence = u64::from_be_bytes(name.try_into().map_err(|_| never())?);
                rows.push((sequence, self.secrets.records.decode(&ErasureRow::place(&sequence), &bytes)?));
            }
            if !full {
                return Ok(rows);
            }
        }
    }
}

impl Act<'_> {
    /// The erasure of a target that stands until the target is readmitted.
    pub(crate) async fn in_force(&mut self, target: &Target) -> Result<Option<u64>> {
        let subjects = vec![target.subject().clone()];
        self.load(Wanted { subjects, ..Wanted::default() }).await?;
        let of = self.subjects.get(target.subject());
        let erasures = of.map_or_else(Vec::new, |subject| subject.erasures.clone());
        self.load(Wanted { erasures: erasures.clone(), ..Wanted::default() }).await?;
        let is = |sequence: &u64| {
            self.erasures.get(sequence).is_some_and(|row| !row.readmitted && row.target() == *target)
        };
        Ok(erasures.into_iter().find(is))
    }

    /// The erasure of this name, and its sequence.
    pub(crate) async fn erasure(&mut self, id: ErasureId) -> Result<(u64, ErasureRow)> {
        self.load(Wanted { requests: vec![id], ..Wanted::default() }).await?;
        let sequence = self.sequence(id).ok_or_else(|| never().with("erasure", id))?;
        self.load(Wanted { erasures: vec![sequence], ..Wanted::default() }).await?;
        let row = self.erasures.get(&sequence).ok_or_else(|| never().with("erasure", id))?;
        Ok((sequence, row.clone()))
    }
}

fn never() -> Error {
    Error::new(ErrorKind::NotFound, "erase", "this erasure was never registered here: register its target")
}
