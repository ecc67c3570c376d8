//! Envelopes, sealed parts, what documents carry, and sealed states.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use oubliette_core::seal::{Place, Unsealed, open};
use oubliette_core::{
    Carried, Document, DocumentKey, Envelope, ErrorKind, EventId, Fingerprint, Key, KeyId, KeyState,
    Position, Purpose, Scope, SealedPart, SealedState, Series, SnapshotKey, SnapshotKind, StreamId,
    SubjectId,
};
use zeroize::Zeroizing;

use crate::read;

const DAMAGED: [ErrorKind; 2] = [ErrorKind::Corrupt, ErrorKind::NewerFormat];
/// Where the fingerprint of the key of a part with one owner stands: see [`SealedPart`].
const FINGERPRINT: std::ops::Range<usize> = 2 + 16..2 + 16 + 32;

static KEYS: LazyLock<[Key; 2]> = LazyLock::new(|| [key(1, "ada"), key(2, "bob")]);
static GENUINE: LazyLock<Envelope> = LazyLock::new(|| Envelope::decode(&fixture(ENVELOPE)).unwrap());

const ENVELOPE: &str = include_str!("../../core/tests/house/fixtures/envelope-1.hex");
const DOCUMENT: &str = include_str!("../../core/tests/house/fixtures/document-1.hex");
const STATE: &str = include_str!("../../core/tests/house/fixtures/state-1.hex");

/// Reads the bytes as each of the four.
pub fn check(data: &[u8]) {
    envelope(data);
    if let Some(part) = read(SealedPart::from_bytes(data.to_vec()), &DAMAGED) {
        assert_eq!(part.as_bytes(), data);
        sealed(&part, GENUINE.id, 0);
    }
    carried(data);
    state(data);
}

/// An envelope with its parts apart, a document and a state.
pub fn seeds() -> Vec<Vec<u8>> {
    let parts = GENUINE.parts.iter().flatten().map(|part| part.as_bytes().to_vec());
    [ENVELOPE, DOCUMENT, STATE].map(fixture).into_iter().chain(parts).collect()
}

fn envelope(data: &[u8]) {
    let Some(envelope) = read(Envelope::decode(data), &DAMAGED) else { return };
    assert_eq!(envelope.encode().unwrap(), data, "it is written otherwise than it was read");
    let (_, cut) = data.split_last().unwrap();
    for other in [cut, &[data, b" "].concat()] {
        assert_eq!(Envelope::decode(other).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    for (number, part) in (0..).zip(&envelope.parts) {
        if let Some(part) = part {
            sealed(part, envelope.id, number);
        }
    }
}

/// Checks what each answer of a vault makes of a part.
fn sealed(part: &SealedPart, event: EventId, number: u16) {
    let owners: Vec<KeyId> = part.owners().collect();
    assert!(!owners.is_empty() && owners.is_sorted_by(|a, b| a < b));
    let (nonce, tag) = part.traces();
    assert_eq!((nonce.len(), tag.len()), (12, 16));
    let stream = StreamId::new("customer-42").unwrap();
    let place = Place { stream: &stream, event, part: number };

    let states: Vec<_> =
        owners.iter().map(|id| live(*id).map_or(KeyState::Unknown, KeyState::Live)).collect();
    let known = !states.iter().any(|state| matches!(state, KeyState::Unknown));
    match open(place, part, &states) {
        Ok(Unsealed::Known(_)) => {
            let genuine = GENUINE.parts.get(usize::from(number)).and_then(Option::as_ref);
            assert_eq!((event, Some(part)), (GENUINE.id, genuine), "a changed part opens");
        }
        Ok(Unsealed::Forgotten) => panic!("no key is destroyed"),
        Err(error) => {
            assert_eq!(error.kind(), if known { ErrorKind::Corrupt } else { ErrorKind::UnknownKey });
        }
    }

    let print: [u8; 32] = part.as_bytes()[FINGERPRINT].try_into().unwrap();
    let dead = |print| vec![KeyState::Destroyed(Fingerprint(print)); owners.len()];
    assert!(matches!(open(place, part, &dead(print)), Ok(Unsealed::Forgotten)));
    let mut other = print;
    other[0] ^= 1;
    match open(place, part, &dead(other)) {
        // What tells of the keys of several people is in none of their records.
        Ok(Unsealed::Forgotten) => assert!(owners.len() > 1, "forgotten with the key of another part"),
        Ok(Unsealed::Known(_)) => panic!("opened with destroyed keys"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
    }
}

fn carried(data: &[u8]) {
    let Some(carried) = read(Carried::decode(data), &DAMAGED) else { return };
    // Its places are JSON: white space in them means nothing, and is not written again.
    let bytes = carried.encode().unwrap();
    let again = Carried::decode(&bytes).unwrap();
    assert_eq!(again, carried);
    assert_eq!(again.encode().unwrap(), bytes);
    let key = DocumentKey::new("document").unwrap();
    let document = Document { key, open: Vec::new(), carried, tokens: Vec::new(), lost: Vec::new() };
    for owner in document.owners() {
        forget(&document, owner);
    }
}

/// Checks that a document forgets what one key sealed, and nothing else.
fn forget(document: &Document, owner: KeyId) {
    let keys = HashSet::from([owner]);
    let left = document.without(&keys);
    assert!(!left.owners().contains(&owner) && left.lost == [owner]);
    let lives = |part: &SealedPart| part.owners().all(|key| key != owner);
    let living = document.carried.parts.iter().filter(|part| lives(&part.sealed));
    assert!(living.eq(&left.carried.parts), "a part of somebody else is changed");
    let sealed = |of: &Document, value: Option<(u16, u32)>| {
        let (part, index) = value?;
        of.carried.parts.get(usize::from(part)).filter(|part| lives(&part.sealed)).cloned().zip(Some(index))
    };
    assert_eq!(left.carried.slots.len(), document.carried.slots.len());
    for (slot, before) in left.carried.slots.iter().zip(&document.carried.slots) {
        assert_eq!(sealed(&left, slot.value), sealed(document, before.value), "a place leads elsewhere");
        assert_eq!((&slot.at, &slot.null, &slot.purpose), (&before.at, &before.null, &before.purpose));
    }
    assert!(left.without(&keys).same_content(&left), "what is forgotten twice is another document");
}

fn state(data: &[u8]) {
    let Some(state) = read(SealedState::from_bytes(data.to_vec()), &DAMAGED) else { return };
    assert_eq!(state.as_bytes(), data);
    let owners = state.owners();
    assert!(!owners.is_empty() && owners.is_sorted_by(|a, b| a < b));
    let series = Series { kind: SnapshotKind::Aggregate, name: "account".into(), code: 3 };
    let of = SnapshotKey { series, id: "account-7".into() };
    assert!(state.open(&of, Position(7), &HashMap::new()).is_none(), "it opens without its keys");
    let keys = KEYS.iter().map(|key| (key.id(), KeyState::Live(key.clone()))).collect();
    if state.open(&of, Position(7), &keys).is_some() {
        assert_eq!(data, fixture(STATE), "a changed state opens");
    }
}

/// The key of fixture `n`: 32 bytes of `n`, with an id of 16 bytes of `n`.
fn key(n: u8, subject: &str) -> Key {
    let scope = Scope::new(SubjectId::new(subject).unwrap(), Purpose::declared("contract"));
    Key::new(KeyId::from_bytes([n; 16]), scope, Zeroizing::new([n; 32])).unwrap()
}

fn live(id: KeyId) -> Option<Key> {
    KEYS.iter().find(|key| key.id() == id).cloned()
}

fn fixture(hex: &str) -> Vec<u8> {
    hex::decode(hex.trim()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_genuine_parts_open_and_the_genuine_state_does() {
        let stream = StreamId::new("customer-42").unwrap();
        let parts = GENUINE.parts.iter().flatten();
        for (number, part) in (0..).zip(parts) {
            let states: Vec<_> = part.owners().map(|id| KeyState::Live(live(id).unwrap())).collect();
            let place = Place { stream: &stream, event: GENUINE.id, part: number };
            assert!(matches!(open(place, part, &states), Ok(Unsealed::Known(_))));
        }
        assert!(Carried::decode(&fixture(DOCUMENT)).unwrap().parts.len() == 1);
        assert_eq!(SealedState::from_bytes(fixture(STATE)).unwrap().owners().len(), 2);
    }
}
