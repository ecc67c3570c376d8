//! Aliases: read into memory, recorded, and begun anew.

use std::collections::{BTreeSet, HashMap};

use oubliette_core::alias::{Alias, AliasKind, AliasName, Naming};
use oubliette_core::{Error, ErrorKind, Result, SubjectId};
use zeroize::Zeroizing;

use crate::act::{Act, Wanted};
use crate::error::corrupt;
use crate::family::Relative;
use crate::keyring::Keyring;
use crate::member::Member;
use crate::names::{Known, Names, draw};
use crate::records::{Kind, Place};
use crate::vault::Inner;
use crate::wire::{AliasPart, Text, Wraps};

/// How many changes are read at once.
const AT_ONCE: usize = 1_000;

impl Inner {
    pub(crate) async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>> {
        let stamp = self.stamp().await?;
        {
            let names = self.names.lock().await;
            if names.stamp == Some(stamp) && names.are_unfenced(namings) {
                let plan = names.plan(namings)?;
                if plan.is_recorded() {
                    return Ok(plan.answer);
                }
            }
        }
        self.decide("name", || self.record(namings, stamp)).await
    }

    pub(crate) async fn aliases(&self) -> Result<Vec<Alias>> {
        self.look("aliases", || self.list_aliases()).await
    }

    async fn list_aliases(&self) -> Result<Vec<Alias>> {
        let mut names = self.names.lock().await;
        Act::new(self).refresh(&mut names).await?;
        Ok(names.list())
    }

    async fn record(&self, namings: &[Naming], stamp: u64) -> Result<Vec<Vec<SubjectId>>> {
        let mut names = self.names.lock().await;
        let mut act = Act::new(self);
        let named: Vec<SubjectId> = namings.iter().filter_map(|naming| naming.subject.clone()).collect();
        act.load(Wanted { subjects: named.clone(), ..Wanted::default() }).await?;
        let fenced = |subject| act.subjects.get(subject).is_some_and(|of| of.is_wholly_fenced());
        if named.iter().any(fenced) {
            return Err(Error::new(
                ErrorKind::Erased,
                "name",
                "a named subject was erased, and nothing was recorded: readmit them first",
            ));
        }
        act.refresh(&mut names).await?;
        names.unfenced(stamp, named);
        let plan = names.plan(namings)?;
        if plan.is_recorded() {
            return Ok(plan.answer);
        }
        let changed = plan.changed();
        act.load(Wanted { subjects: changed.iter().cloned().collect(), ..Wanted::default() }).await?;
        let keyring = act.keyring().await?;
        for known in plan.aliases.values() {
            act.seal_text(&keyring, &known.subject, &text(&known.name)).await?;
            act.subjects.of(&known.subject).alias = Some(AliasPart::default());
        }
        for (alias, subject) in &plan.claims {
            act.alias(alias).claimed_by.insert(subject.clone());
            act.subjects.of(subject).claims.insert(alias.clone());
        }
        for (alias, other) in &plan.links {
            act.alias(alias).linked.insert(other.clone());
        }
        act.changed(&changed)?;
        act.follow_fences(&plan.answer.concat()).await?;
        act.commit().await?;
        Ok(plan.answer)
    }
}

impl Act<'_> {
    /// Reads the aliases that came, changed or went since.
    async fn refresh(&mut self, names: &mut Names) -> Result<()> {
        self.load_head().await?;
        while names.last < self.head()?.changes {
            let after = names.last.to_be_bytes();
            let listed = self.list(Kind::Change, &[], &after, AT_ONCE).await?;
            let mut changes = Vec::new();
            for (name, bytes) in listed {
                let number = u64::from_be_bytes(name.as_slice().try_into().map_err(|_| damaged())?);
                changes.push((number, self.decode(&change(number), &bytes)?));
            }
            let subjects: Vec<SubjectId> = changes.iter().map(|(_, pseudonym)| pseudonym).cloned().collect();
            self.load(Wanted { texts: subjects.clone(), subjects, ..Wanted::default() }).await?;
            let keyring = self.keyring().await?;
            for (number, pseudonym) in &changes {
                let part =
                    self.subjects.get(pseudonym).and_then(|of| of.alias.as_ref()).ok_or_else(damaged)?;
                match part.gone {
                    true => names.forget(pseudonym),
                    false => {
                        let known =
                            Known { name: self.text(&keyring, pseudonym)?, subject: pseudonym.clone() };
                        names.take(known, part.clone());
                    }
                }
                names.last = *number;
            }
            if changes.is_empty() {
                return Err(damaged());
            }
        }
        Ok(())
    }

    /// The name of an alias whose text was read.
    fn text(&self, keyring: &Keyring, pseudonym: &SubjectId) -> Result<AliasName> {
        let Text(wraps) = self.texts.get(pseudonym).ok_or_else(damaged)?;
        let plain = keyring.open_text(pseudonym, wraps)?;
        let (kind, text) = plain.split_first().ok_or_else(damaged)?;
        let kind = match *kind {
            IDENTIFIER => AliasKind::Identifier,
            NAME => AliasKind::Name,
            _ => return Err(damaged()),
        };
        Ok(AliasName::new(kind, std::str::from_utf8(text).map_err(|_| damaged())?))
    }

    /// Seals the text of a new alias.
    async fn seal_text(&mut self, keyring: &Keyring, pseudonym: &SubjectId, text: &[u8]) -> Result<()> {
        let bucket = self.room(keyring).await?;
        let sealed = keyring.seal_text(self.bucket(keyring, bucket)?, pseudonym, text)?;
        self.texts.put(pseudonym.clone(), Text(Wraps::new(bucket, &sealed)));
        self.put(Member::Text(pseudonym.clone()).place(bucket), &())
    }

    /// An alias that was read or begun, to be changed.
    fn alias(&mut self, pseudonym: &SubjectId) -> &mut AliasPart {
        self.subjects.of(pseudonym).alias.get_or_insert_default()
    }

    /// Counts the change of each alias, so that others follow.
    fn changed(&mut self, pseudonyms: &BTreeSet<SubjectId>) -> Result<()> {
        for pseudonym in pseudonyms {
            let head = self.head_mut()?;
            head.changes += 1;
            let number = head.changes;
            let before = std::mem::replace(&mut self.alias(pseudonym).change, number);
            if before > 0 {
                self.remove(change(before));
            }
            self.put(change(number), pseudonym)?;
        }
        Ok(())
    }

    /// An alias that comes to stand beside one that is about to die will die with it: the
    /// fences of erasures that are not carried out yet reach it at once.
    async fn follow_fences(&mut self, aliases: &[SubjectId]) -> Result<()> {
        let fences = aliases.iter().filter_map(|alias| self.subjects.get(alias)).flat_map(|of| &of.fences);
        let erasures: BTreeSet<u64> = fences.map(|fence| fence.erasure).collect();
        let wanted = erasures.iter().copied().collect();
        self.load(Wanted { erasures: wanted, ..Wanted::default() }).await?;
        for sequence in erasures {
            let open = self.erasures.get(&sequence).filter(|row| row.carried.is_none() && !row.readmitted);
            if let Some(target) = open.map(|row| row.target()) {
                let family = self.family(target.subject()).await?;
                self.raise(sequence, &target, &family);
            }
        }
        Ok(())
    }

    /// Takes the aliases of `family` away. Those that others than `subject` claim begin
    /// anew under other pseudonyms, with the claims and links that are left.
    pub(crate) async fn begin_anew(&mut self, subject: &SubjectId, family: &[Relative]) -> Result<()> {
        let gone: BTreeSet<SubjectId> = family.iter().map(|relative| relative.alias.clone()).collect();
        let parts: HashMap<SubjectId, AliasPart> = gone
            .iter()
            .filter_map(|alias| Some((alias.clone(), self.subjects.get(alias)?.living_alias()?.clone())))
            .collect();
        let around = parts.values().flat_map(|part| part.claimed_by.iter().chain(&part.linked)).cloned();
        let texts = gone.iter().cloned().collect();
        self.load(Wanted { subjects: around.collect(), texts, ..Wanted::default() }).await?;
        let keyring = self.keyring().await?;
        let mut anew = HashMap::new();
        for relative in family.iter().filter(|relative| relative.shared && relative.alias != *subject) {
            anew.insert(relative.alias.clone(), draw()?);
        }
        let survivor = |old: &SubjectId| match gone.contains(old) {
            true => anew.get(old).cloned(),
            false => Some(old.clone()),
        };
        let mut changed = gone.clone();
        for (alias, part) in &parts {
            for claimant in &part.claimed_by {
                let claims = &mut self.subjects.of(claimant).claims;
                claims.remove(alias);
                claims.extend(anew.get(alias).filter(|_| claimant != subject).cloned());
            }
            for neighbour in part.linked.iter().filter(|neighbour| !gone.contains(*neighbour)) {
                let linked = &mut self.alias(neighbour).linked;
                linked.remove(alias);
                linked.extend(anew.get(alias).cloned());
                changed.insert(neighbour.clone());
            }
            if let Some(new) = anew.get(alias) {
                let name = text(&self.text(&keyring, alias)?);
                self.seal_text(&keyring, new, &name).await?;
                let mut claimed_by = part.claimed_by.clone();
                claimed_by.remove(subject);
                let linked = part.linked.iter().filter_map(survivor).collect();
                *self.alias(new) = AliasPart { claimed_by, linked, ..AliasPart::default() };
                changed.insert(new.clone());
            }
            let Text(wraps) = self.texts.get(alias).cloned().ok_or_else(damaged)?;
            self.touch(&Member::Text(alias.clone()), &wraps)?;
            self.texts.remove(alias.clone());
            *self.alias(alias) = AliasPart { gone: true, change: part.change, ..AliasPart::default() };
        }
        self.changed(&changed)
    }
}

const IDENTIFIER: u8 = 0;
const NAME: u8 = 1;

/// What is sealed of a name: its kind, and its text.
fn text(name: &AliasName) -> Zeroizing<Vec<u8>> {
    let kind = match name.kind {
        AliasKind::Identifier => IDENTIFIER,
        AliasKind::Name => NAME,
    };
    // Of its full size from the start: a vector that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(1 + name.text().len()));
    text.push(kind);
    text.extend_from_slice(name.text().as_bytes());
    text
}

/// Where it stands which alias changed.
fn change(number: u64) -> Place {
    Place::new(Kind::Change, number.to_be_bytes())
}

fn damaged() -> Error {
    corrupt("name", "an alias in the vault is damaged: restore the vault from its backup")
}
