//! What there must be, in lists and sets.

use std::collections::{BTreeMap, BTreeSet};

use oubliette_core::{BackupId, ErrorKind, Purpose, Scope, SubjectId, Target};
use serde_json::{Value, json};

use super::operation::{STREAMS, Who};
use crate::crash::{Account, CONTRACT, MARKETING, Noted};

/// A key: a person, whether it is for marketing, and how many such keys died before it.
type Key = (usize, bool, usize);

#[derive(Clone, Debug)]
pub(super) struct Note {
    n: u64,
    stream: usize,
    name: Key,
    mail: Key,
    message: Option<[Key; 2]>,
}

#[derive(Debug, Default)]
pub(super) struct Reference {
    /// What the log holds, in order.
    pub(super) notes: Vec<Note>,
    /// The number of the last note that was asked for.
    last: u64,
    /// How many of the notes are projected.
    projected: usize,
    minted: BTreeSet<Key>,
    dead: BTreeSet<Key>,
    fences: BTreeSet<Who>,
    /// The number of keys that each erasure destroyed, and of parts under them that the log held.
    pub(super) erasures: Vec<(usize, u64)>,
    pub(super) backups: Vec<(BackupId, Vec<Note>)>,
}

pub(super) fn stream(stream: usize) -> String {
    format!("desk-{stream}")
}

pub(super) fn subject(person: usize) -> SubjectId {
    SubjectId::new(format!("person-{person}")).unwrap()
}

fn purpose(marketing: bool) -> Purpose {
    if marketing { MARKETING } else { CONTRACT }
}

pub(super) fn target(who: Who) -> Target {
    match who.marketing {
        None => Target::Subject(subject(who.person)),
        Some(marketing) => Target::Purpose(Scope::new(subject(who.person), purpose(marketing))),
    }
}

impl Reference {
    /// The number of a new note.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(super) fn version(&self, stream: usize) -> u64 {
        self.notes.iter().filter(|note| note.stream == stream).count() as u64
    }

    /// Appends a note, or says why not.
    pub(super) fn append(
        &mut self,
        n: u64,
        stream: usize,
        who: usize,
        with: Option<usize>,
        expected: bool,
    ) -> Result<(), ErrorKind> {
        let mut scopes = vec![(who, false), (who, true)];
        scopes.extend(with.map(|with| (with, false)));
        if scopes.iter().any(|(person, marketing)| self.is_fenced(*person, *marketing)) {
            return Err(ErrorKind::Erased);
        }
        let [name, mail] = [false, true].map(|marketing| self.key(who, marketing));
        let message = with.map(|with| [name, self.key(with, false)]);
        if !expected {
            return Err(ErrorKind::Conflict);
        }
        self.notes.push(Note { n, stream, name, mail, message });
        Ok(())
    }

    fn is_fenced(&self, person: usize, marketing: bool) -> bool {
        [None, Some(marketing)].iter().any(|it| self.fences.contains(&Who { person, marketing: *it }))
    }

    /// The live key, minted where there is none.
    fn key(&mut self, person: usize, marketing: bool) -> Key {
        let died = self.dead.iter().filter(|key| (key.0, key.1) == (person, marketing)).count();
        let key = (person, marketing, died);
        self.minted.insert(key);
        key
    }

    pub(super) fn erase(&mut self, who: Who) {
        // The same request again is the same erasure.
        if !self.fences.insert(who) {
            return;
        }
        let goes = |key: &&Key| key.0 == who.person && who.marketing.is_none_or(|only| key.1 == only);
        let dying: Vec<Key> = self.minted.difference(&self.dead).filter(goes).copied().collect();
        let dies = |keys: &[Key]| {
            keys.iter().any(|key| dying.contains(key)) && keys.iter().all(|key| self.lives(key))
        };
        let parts = self.notes.iter().flat_map(|note| {
            let message = note.message.as_ref().is_some_and(|keys| dies(keys));
            [dies(&[note.name]), dies(&[note.mail]), message]
        });
        self.erasures.push((dying.len(), parts.filter(|dies| *dies).count() as u64));
        self.dead.extend(dying);
    }

    pub(super) fn readmit(&mut self, who: Who) -> Result<(), ErrorKind> {
        if self.fences.remove(&who) { Ok(()) } else { Err(ErrorKind::NotFound) }
    }

    pub(super) fn is_fence(&self, who: Who) -> bool {
        self.fences.contains(&who)
    }

    /// The numbers of a person's keys, and of those among them that are dead.
    pub(super) fn keys(&self, person: usize) -> (usize, usize) {
        let of = |keys: &BTreeSet<Key>| keys.iter().filter(|key| key.0 == person).count();
        (of(&self.minted), of(&self.dead))
    }

    pub(super) fn project(&mut self) {
        self.projected = self.notes.len();
    }

    pub(super) fn restore(&mut self, backup: usize) {
        self.notes = self.backups[backup].1.clone();
        self.project();
    }

    /// What the log reads as: stream, version and content of each event.
    pub(super) fn events(&self) -> Vec<(String, u64, Value)> {
        let mut versions = BTreeMap::new();
        let notes = self.notes.iter().map(|note| {
            let version: &mut u64 = versions.entry(note.stream).or_default();
            *version += 1;
            let (n, name, mail, message) = (note.n, self.name(note), self.mail(note), self.message(note));
            let json = json!({ "type": "Noted", "n": n, "name": name, "mail": mail, "message": message });
            (stream(note.stream), *version, json)
        });
        notes.collect()
    }

    /// The documents as they are projected.
    pub(super) fn desks(&self) -> BTreeMap<String, Value> {
        self.desks_of(self.projected)
    }

    /// The documents of the first notes.
    pub(super) fn desks_of(&self, notes: usize) -> BTreeMap<String, Value> {
        let notes = &self.notes[..notes];
        let mut desks = BTreeMap::new();
        for id in 0..STREAMS {
            let mine: Vec<&Note> = notes.iter().filter(|note| note.stream == id).collect();
            let Some(last) = mine.last() else { continue };
            let sent = mine.iter().filter(|note| note.message.is_some());
            let messages: Vec<_> = sent.map(|note| self.message(note)).collect();
            let desk = json!({
                "notes": mine.len(), "last": last.n, "name": self.name(last), "mail": self.mail(last),
                "messages": messages,
            });
            desks.insert(stream(id), desk);
        }
        desks
    }

    pub(super) fn account(&self, stream: usize) -> Account {
        let mine = self.notes.iter().filter(|note| note.stream == stream);
        let names: Vec<String> = mine.map(|note| self.name(note).unwrap_or_default()).collect();
        Account { notes: names.len() as u64, names }
    }

    fn name(&self, note: &Note) -> Option<String> {
        self.lives(&note.name).then(|| Noted::name_of(note.n))
    }

    fn mail(&self, note: &Note) -> Option<String> {
        self.lives(&note.mail).then(|| Noted::mail_of(note.n))
    }

    fn message(&self, note: &Note) -> Option<String> {
        let live = note.message?.iter().all(|key| self.lives(key));
        live.then(|| Noted::message_of(note.n))
    }

    fn lives(&self, key: &Key) -> bool {
        !self.dead.contains(key)
    }
}
