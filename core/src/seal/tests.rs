use proptest::prelude::*;

use super::*;
use crate::ids::{EventId, Purpose, SubjectId};
use crate::key::Scope;

fn key(subject: &str, purpose: &'static str) -> Key {
    Key::generate(Scope::new(SubjectId::new(subject).unwrap(), Purpose::declared(purpose))).unwrap()
}

fn sealed(place: Place<'_>, keys: &[Key], text: &[u8]) -> SealedPart {
    seal(place, keys, text, Padding::None, &mut Nonces::of(1)).unwrap()
}

fn live(part: &SealedPart, keys: &[Key]) -> Vec<KeyState> {
    part.owners()
        .map(|id| keys.iter().find(|key| key.id() == id).cloned().map_or(KeyState::Unknown, KeyState::Live))
        .collect()
}

fn known(opened: Unsealed) -> Vec<u8> {
    match opened {
        Unsealed::Known(text) => text.to_vec(),
        Unsealed::Forgotten => panic!("forgotten"),
    }
}

const EVENT: EventId = EventId::from_bytes([7; 16]);

proptest! {
    #[test]
    fn what_is_sealed_opens_again(text: Vec<u8>, owners in 1..5_usize, bucket in 0..100_u16) {
        let stream = StreamId::new("s").unwrap();
        let place = Place { stream: &stream, event: EVENT, part: 0 };
        let keys: Vec<_> = (0..owners).map(|n| key(&format!("s-{n}"), "p")).collect();
        let padding = std::num::NonZeroU16::new(bucket).map_or(Padding::None, Padding::Bucket);
        let part = seal(place, &keys, &text, padding, &mut Nonces::of(1)).unwrap();
        let part = SealedPart::from_bytes(part.as_bytes().to_vec()).unwrap();
        let opened = known(open(place, &part, &live(&part, &keys)).unwrap());
        prop_assert_eq!(opened.len(), padding.padded(text.len()));
        prop_assert_eq!(opened.get(..text.len()).unwrap(), text.as_slice());
        prop_assert!(opened.iter().skip(text.len()).all(|byte| *byte == b' '));
    }

    #[test]
    fn a_part_with_any_bit_changed_is_corrupt_or_refused(text: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8) {
        let stream = StreamId::new("s").unwrap();
        let place = Place { stream: &stream, event: EVENT, part: 0 };
        let keys = [key("s", "p")];
        let mut bytes = sealed(place, &keys, &text).as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let outcome = SealedPart::from_bytes(bytes).and_then(|part| open(place, &part, &live(&part, &keys)).map(|_| ()));
        prop_assert!(outcome.is_err());
    }

    #[test]
    fn hostile_bytes_are_refused_and_never_panic(bytes: Vec<u8>) {
        if let Ok(part) = SealedPart::from_bytes(bytes) {
            prop_assert!(part.owners().len() > 0);
        }
    }
}

#[test]
fn a_part_moved_elsewhere_is_corrupt() {
    let (here, there) = (StreamId::new("here").unwrap(), StreamId::new("there").unwrap());
    let keys = [key("s", "p")];
    let place = Place { stream: &here, event: EVENT, part: 0 };
    let part = sealed(place, &keys, b"text");
    let states = live(&part, &keys);
    let moved = [
        Place { stream: &there, ..place },
        Place { event: EventId::from_bytes([8; 16]), ..place },
        Place { part: 1, ..place },
    ];
    for place in moved {
        assert_eq!(open(place, &part, &states).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    assert_eq!(known(open(place, &part, &states).unwrap()), b"text");
}

#[test]
fn a_part_given_to_another_key_or_purpose_is_corrupt() {
    let stream = StreamId::new("s").unwrap();
    let place = Place { stream: &stream, event: EVENT, part: 0 };
    let mine = key("s", "p");
    let part = sealed(place, std::slice::from_ref(&mine), b"text");
    let under = |scope: Scope, secret: [u8; 32]| {
        KeyState::Live(Key::new(mine.id(), scope, zeroize::Zeroizing::new(secret)).unwrap())
    };
    let other_purpose = Scope::new(mine.scope().subject.clone(), Purpose::declared("q"));
    for state in [under(other_purpose, *mine.secret()), under(mine.scope().clone(), [1; 32])] {
        assert_eq!(open(place, &part, &[state]).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    let other = key("s", "p");
    assert_eq!(open(place, &part, &[KeyState::Live(other)]).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn only_a_destroyed_key_reads_as_forgotten() {
    let stream = StreamId::new("s").unwrap();
    let place = Place { stream: &stream, event: EVENT, part: 0 };
    let mine = key("s", "p");
    let part = sealed(place, std::slice::from_ref(&mine), b"text");
    let outcome = open(place, &part, &[KeyState::Destroyed(mine.fingerprint())]).unwrap();
    assert!(matches!(outcome, Unsealed::Forgotten));
    assert_eq!(open(place, &part, &[KeyState::Unknown]).unwrap_err().kind(), ErrorKind::UnknownKey);
    let pointed_at_a_dead_key = open(place, &part, &[KeyState::Destroyed(key("s", "p").fingerprint())]);
    assert_eq!(pointed_at_a_dead_key.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_value_of_several_people_is_gone_with_any_one_of_them() {
    let stream = StreamId::new("s").unwrap();
    let place = Place { stream: &stream, event: EVENT, part: 0 };
    let keys = [key("ada", "p"), key("bob", "p"), key("eve", "p")];
    let part = sealed(place, &keys, b"text");
    for dead in 0..keys.len() {
        let mut states = live(&part, &keys);
        let KeyState::Live(key) = &states[dead] else { panic!("dead") };
        states[dead] = KeyState::Destroyed(key.fingerprint());
        assert!(matches!(open(place, &part, &states).unwrap(), Unsealed::Forgotten));
        states[dead] = KeyState::Unknown;
        assert_eq!(open(place, &part, &states).unwrap_err().kind(), ErrorKind::UnknownKey);
    }
}

#[test]
fn equal_values_have_no_equal_ciphertexts() {
    let stream = StreamId::new("s").unwrap();
    let place = Place { stream: &stream, event: EVENT, part: 0 };
    let keys = [key("s", "p")];
    let mut nonces = Nonces::of(100);
    let parts: Vec<_> =
        (0..100).map(|_| seal(place, &keys, b"same", Padding::None, &mut nonces).unwrap()).collect();
    let mut texts: Vec<_> = parts.iter().map(|part| part.ciphertext().to_vec()).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 100);
}

#[test]
fn a_part_is_for_one_purpose_and_has_an_owner() {
    let stream = StreamId::new("s").unwrap();
    let place = Place { stream: &stream, event: EVENT, part: 0 };
    let mut nonces = Nonces::of(1);
    for keys in [vec![], vec![key("s", "p"), key("s", "q")]] {
        let error = seal(place, &keys, b"", Padding::None, &mut nonces).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn a_newer_part_says_to_upgrade() {
    assert_eq!(SealedPart::from_bytes(vec![9; 200]).unwrap_err().kind(), ErrorKind::NewerFormat);
}

#[test]
fn a_key_that_is_given_twice_owns_a_part_once() {
    let stream = StreamId::new("s").unwrap();
    let place = Place { stream: &stream, event: EVENT, part: 0 };
    let (ada, bob) = (key("ada", "p"), key("bob", "p"));
    for keys in [vec![ada.clone(), ada.clone()], vec![bob.clone(), ada.clone(), bob.clone()]] {
        let part = SealedPart::from_bytes(sealed(place, &keys, b"text").as_bytes().to_vec()).unwrap();
        assert_eq!(known(open(place, &part, &live(&part, &keys)).unwrap()), b"text");
    }
}

#[test]
fn a_part_has_at_most_255_owners() {
    let stream = StreamId::new("s").unwrap();
    let place = Place { stream: &stream, event: EVENT, part: 0 };
    let keys: Vec<_> = (0..=MAX_OWNERS).map(|n| key(&format!("s-{n}"), "p")).collect();
    let part = sealed(place, &keys[1..], b"text");
    assert_eq!(part.owners().len(), MAX_OWNERS);
    assert_eq!(known(open(place, &part, &live(&part, &keys)).unwrap()), b"text");
    let error = seal(place, &keys, b"text", Padding::None, &mut Nonces::of(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn nonces_are_not_shown() {
    assert_eq!(format!("{:?}", Nonces::of(1)), "Nonces(..)");
}

#[test]
fn what_was_opened_says_that_it_is_known_and_no_more() {
    let known = Unsealed::Known(Zeroizing::new(b"Ada Lovelace".to_vec()));
    assert_eq!(format!("{known:?} {:?}", Unsealed::Forgotten), "Known(..) Forgotten");
}
