use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::key::{Key, Scope};
use crate::seal::{Nonces, Padding, Place, seal};
use crate::{Purpose, SubjectId};

fn part() -> SealedPart {
    let scope = Scope::new(SubjectId::new("s").unwrap(), Purpose::declared("p"));
    let stream = StreamId::new("s").unwrap();
    let place = Place { stream: &stream, event: EventId::from_bytes([1; 16]), part: 0 };
    seal(place, &[Key::generate(scope).unwrap()], b"text", Padding::None, &mut Nonces::of(1)).unwrap()
}

fn envelope() -> Envelope {
    Envelope {
        id: EventId::from_bytes([1; 16]),
        event_type: EventType::new("Registered").unwrap(),
        schema: 3,
        open: br#"{"type":"Registered"}"#.to_vec(),
        parts: vec![Some(part()), None],
    }
}

proptest! {
    #[test]
    fn an_envelope_survives_its_bytes(
        id: [u8; 16], name in "[a-zA-Z.]{1,40}", schema: u32, open: Vec<u8>, scrubbed: Vec<bool>
    ) {
        let parts = scrubbed.iter().map(|gone| (!gone).then(part)).collect();
        let event_type = EventType::new(name).unwrap();
        let envelope = Envelope { id: EventId::from_bytes(id), event_type, schema, open, parts };
        prop_assert_eq!(Envelope::decode(&envelope.encode().unwrap()).unwrap(), envelope);
    }

    #[test]
    fn hostile_bytes_are_refused_and_never_panic(bytes: Vec<u8>) {
        prop_assert!(Envelope::decode(&bytes).is_err());
    }
}

#[test]
fn an_envelope_cut_anywhere_is_corrupt() {
    let bytes = envelope().encode().unwrap();
    for len in 0..bytes.len() {
        assert_eq!(Envelope::decode(&bytes[..len]).unwrap_err().kind(), ErrorKind::Corrupt, "cut at {len}");
    }
}

#[test]
fn bytes_after_an_envelope_are_corrupt() {
    let mut bytes = envelope().encode().unwrap();
    bytes.push(0);
    assert_eq!(Envelope::decode(&bytes).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_length_beyond_the_bytes_is_corrupt_and_allocates_nothing() {
    let mut bytes = envelope().encode().unwrap();
    let at = 4 + 1 + 16 + 4 + 2 + "Registered".len();
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Envelope::decode(&bytes).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_newer_envelope_says_to_upgrade() {
    let mut bytes = envelope().encode().unwrap();
    bytes[4] = FORMAT + 1;
    assert_eq!(Envelope::decode(&bytes).unwrap_err().kind(), ErrorKind::NewerFormat);
}

#[test]
fn a_type_that_is_not_text_is_corrupt() {
    let mut bytes = envelope().encode().unwrap();
    bytes[4 + 1 + 16 + 4 + 2] = 0xff;
    assert_eq!(Envelope::decode(&bytes).unwrap_err().kind(), ErrorKind::Corrupt);
}
