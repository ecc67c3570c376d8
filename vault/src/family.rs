//! The family of a subject: the aliases that an erasure of the subject takes along.

use std::collections::BTreeSet;

use oubliette_core::{Result, SubjectId};

use crate::act::{Act, Wanted};

/// An alias in a subject's family.
#[derive(Clone, Debug)]
pub(crate) struct Relative {
    /// Its pseudonym.
    pub(crate) alias: SubjectId,
    /// Whether anybody else claims it, so that it lives on under another pseudonym.
    pub(crate) shared: bool,
}

impl Act<'_> {
    /// The aliases that the subject claims, or is, and those linked to them over any number
    /// of links that nobody else claims. A linked alias that somebody else claims stays, and
    /// what is linked to it is not looked at. All of them, and the subject, are read.
    pub(crate) async fn family(&mut self, subject: &SubjectId) -> Result<Vec<Relative>> {
        self.load(Wanted { subjects: vec![subject.clone()], ..Wanted::default() }).await?;
        let of = self.subjects.get(subject);
        let mut open: BTreeSet<SubjectId> = of.map_or_else(BTreeSet::new, |of| of.claims.clone());
        if of.is_some_and(|of| of.living_alias().is_some()) {
            open.insert(subject.clone());
        }
        let mut family: BTreeSet<SubjectId> = open.clone();
        // Over one more link with each round.
        while !open.is_empty() {
            self.load(Wanted { subjects: open.iter().cloned().collect(), ..Wanted::default() }).await?;
            let linked = |alias: &SubjectId| {
                let part = self.subjects.get(alias).and_then(|of| of.living_alias());
                part.map_or_else(BTreeSet::new, |part| part.linked.clone())
            };
            let linked: BTreeSet<SubjectId> = open.iter().flat_map(linked).collect();
            let new: BTreeSet<SubjectId> = linked.difference(&family).cloned().collect();
            self.load(Wanted { subjects: new.iter().cloned().collect(), ..Wanted::default() }).await?;
            open = new.into_iter().filter(|alias| !self.is_shared(alias, subject)).collect();
            family.extend(open.iter().cloned());
        }
        let relative = |alias: SubjectId| Relative { shared: self.is_shared(&alias, subject), alias };
        Ok(family.into_iter().map(relative).collect())
    }

    fn is_shared(&self, alias: &SubjectId, subject: &SubjectId) -> bool {
        let part = self.subjects.get(alias).and_then(|of| of.living_alias());
        part.is_some_and(|part| part.is_claimed_by_others(subject))
    }
}
