//! Keys and the texts of aliases: what lies in buckets.

use oubliette_core::{Fingerprint, KeyId, Purpose, Scope, SubjectId};
use serde::{Deserialize, Serialize};

use super::Record;
use crate::records::Kind;

/// A key. It has the same length from when it is minted, whatever becomes of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyRow {
    subject: SubjectId,
    purpose: Purpose,
    /// In microseconds.
    pub(crate) minted_at: i64,
    fingerprint: [u8; 32],
    dead: bool,
    body: Wraps,
}

#[derive(Debug)]
pub(crate) enum Life<'r> {
    Live(&'r Wraps),
    /// By the erasure of this sequence, at this moment.
    Dead(u64, i64),
}

/// Two places for sealed bytes, each with its bucket: of this generation, and of the next or the
/// last. Which one counts says the ring: no bucket has the number of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wraps(Vec<u8>);

/// No bucket.
const NONE: u64 = u64::MAX;
const NUMBER: usize = 8;

impl Wraps {
    pub(crate) fn new(bucket: u64, sealed: &[u8]) -> Self {
        let mut wraps = Self(vec![0xff; 2 * (NUMBER + sealed.len())]);
        wraps.set(|_| false, bucket, sealed);
        wraps
    }

    /// Puts sealed bytes beside those of the bucket that is `kept`.
    pub(crate) fn set(&mut self, kept: impl Fn(u64) -> bool, bucket: u64, sealed: &[u8]) {
        let half = self.0.len() / 2;
        let first_is_kept = self.halves().next().is_some_and(|(bucket, _)| kept(bucket));
        let at = if first_is_kept { half } else { 0 };
        let bytes = [&bucket.to_be_bytes(), sealed].concat();
        if let Some(place) = self.0.get_mut(at..at + half).filter(|place| place.len() == bytes.len()) {
            place.copy_from_slice(&bytes);
        }
    }

    /// The buckets, each with what is sealed there.
    pub(crate) fn halves(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let half = (self.0.len() / 2).max(1);
        self.0.chunks_exact(half).filter_map(|half| {
            let (bucket, sealed) = half.split_first_chunk::<NUMBER>()?;
            Some((u64::from_be_bytes(*bucket), sealed)).filter(|(bucket, _)| *bucket != NONE)
        })
    }

    fn zeroed(&mut self) {
        self.0.fill(0);
    }
}

impl KeyRow {
    pub(crate) fn new(scope: &Scope, minted_at: i64, fingerprint: Fingerprint, wraps: Wraps) -> Self {
        let Scope { subject, purpose } = scope.clone();
        Self { subject, purpose, minted_at, fingerprint: fingerprint.0, dead: false, body: wraps }
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::new(self.subject.clone(), self.purpose.clone())
    }

    pub(crate) fn subject(&self) -> &SubjectId {
        &self.subject
    }

    pub(crate) fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.fingerprint)
    }

    pub(crate) fn life(&self) -> Life<'_> {
        if !self.dead {
            return Life::Live(&self.body);
        }
        let number = |at: usize| {
            let bytes = self.body.0.get(at..at + NUMBER).and_then(|bytes| bytes.try_into().ok());
            u64::from_be_bytes(bytes.unwrap_or_default())
        };
        Life::Dead(number(0), number(NUMBER).cast_signed())
    }

    pub(crate) fn wraps_mut(&mut self) -> Option<&mut Wraps> {
        (!self.dead).then_some(&mut self.body)
    }

    /// Writes the death over what opened the key.
    pub(crate) fn die(&mut self, erasure: u64, at: i64) {
        self.body.zeroed();
        self.dead = true;
        let death = [erasure.to_be_bytes(), at.to_be_bytes()].concat();
        self.body.0.iter_mut().zip(death).for_each(|(to, from)| *to = from);
    }
}

impl Record for KeyRow {
    type Id = KeyId;
    const KIND: Kind = Kind::Key;

    fn name(id: &KeyId) -> Vec<u8> {
        id.as_bytes().to_vec()
    }
}

/// The text of an alias, sealed. It has the same length as long as it is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Text(pub(crate) Wraps);

impl Record for Text {
    type Id = SubjectId;
    const KIND: Kind = Kind::Text;

    fn name(id: &SubjectId) -> Vec<u8> {
        id.as_str().as_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRAPPED: usize = 60;

    fn row() -> KeyRow {
        let scope = Scope::new(SubjectId::new("ada").unwrap(), Purpose::declared("contract"));
        KeyRow::new(&scope, 5, Fingerprint([7; 32]), Wraps::new(3, &[1; WRAPPED]))
    }

    fn length(row: &KeyRow) -> usize {
        postcard::to_allocvec(row).unwrap().len()
    }

    #[test]
    fn a_key_keeps_its_length_when_it_moves_and_when_it_dies() {
        let mut row = row();
        let before = length(&row);
        for (kept, next) in [(3, 9), (9, 12)] {
            row.wraps_mut().unwrap().set(|bucket| bucket == kept, next, &[next as u8; WRAPPED]);
            let wraps = match row.life() {
                Life::Live(wraps) => wraps.clone(),
                Life::Dead(..) => panic!("a key that moved lives"),
            };
            let mut buckets: Vec<u64> = wraps.halves().map(|(bucket, _)| bucket).collect();
            buckets.sort_unstable();
            assert_eq!(buckets, [kept, next]);
            assert_eq!(length(&row), before);
        }
        row.die(77, 99);
        assert_eq!(length(&row), before);
        assert!(matches!(row.life(), Life::Dead(77, 99)));
        assert!(row.wraps_mut().is_none());
    }
}
