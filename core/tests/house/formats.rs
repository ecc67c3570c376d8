//! Formats are for ever: what an earlier release wrote is read by this one.
//!
//! The files under `fixtures` are never written again. A new format adds new files.

use futures::TryStreamExt as _;
use oubliette_core::memory::{MemoryLedger, MemoryLog, MemoryVault};
use oubliette_core::seal::{Place, Unsealed, open};
use oubliette_core::{Envelope, Key, KeyId, KeyState, Purpose, Scope, StreamId, SubjectId};
use zeroize::Zeroizing;

/// The key of fixture `n`: 32 bytes of `n`, with an id of 16 bytes of `n`.
fn key(n: u8, subject: &str) -> Key {
    let scope = Scope::new(SubjectId::new(subject).unwrap(), Purpose::declared("contract"));
    Key::new(KeyId::from_bytes([n; 16]), scope, Zeroizing::new([n; 32])).unwrap()
}

#[test]
fn an_envelope_of_format_1_is_read_and_its_parts_open() {
    let bytes = hex::decode(include_str!("fixtures/envelope-1.hex").trim()).unwrap();
    let envelope = Envelope::decode(&bytes).unwrap();
    assert_eq!(envelope.event_type.as_str(), "Registered");
    assert_eq!((envelope.schema, envelope.parts.len()), (2, 3));
    assert!(envelope.parts[2].is_none(), "a scrubbed part");
    assert_eq!(envelope.encode().unwrap(), bytes, "this release writes other bytes");

    let stream = StreamId::new("customer-42").unwrap();
    let keys = [key(1, "ada"), key(2, "bob")];
    let expected: [&[u8]; 2] = [br#"["Ada Lovelace",42]      "#, br#"["to both"]"#];
    for (number, expected) in expected.into_iter().enumerate() {
        let part = envelope.parts[number].as_ref().unwrap();
        let states: Vec<_> = part
            .owners()
            .map(|id| KeyState::Live(keys.iter().find(|key| key.id() == id).unwrap().clone()))
            .collect();
        let place = Place { stream: &stream, event: envelope.id, part: u16::try_from(number).unwrap() };
        let Unsealed::Known(text) = open(place, part, &states).unwrap() else { panic!("forgotten") };
        assert_eq!(text.as_slice(), expected);
    }
}

#[test]
fn a_certificate_of_format_1_verifies() {
    let json = include_bytes!("fixtures/certificate-1.json");
    let signed = oubliette_core::erasure::SignedCertificate::verify(json).unwrap();
    assert_eq!(signed.certificate().format, 1);
    assert_eq!(signed.certificate().keys.len(), 1);
}

#[test]
fn a_ledger_of_format_1_is_whole() {
    let entries: Vec<oubliette_core::ledger::Entry> = include_str!("fixtures/ledger-1.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 8);
    let head = oubliette_core::ledger::verify(&entries, None).unwrap();
    assert_eq!(head.sequence.0, 8);
}

/// Writes the fixtures of the current formats to the directory named by
/// `OUBLIETTE_FIXTURES`: how the files above were made, and how those of a new format are.
#[tokio::test]
async fn fixtures_of_the_current_formats_can_be_made() {
    use oubliette_core::seal::{Nonces, seal};
    use oubliette_core::{
        Draft, EventId, EventType, Expect, Oubliette, Ownership, Padding, PersonalField, StreamDrafts,
    };

    let stream = StreamId::new("customer-42").unwrap();
    let id = EventId::from_bytes([9; 16]);
    let mut nonces = Nonces::of(2);
    let mut part = |number, keys: &[Key], text: &[u8], padding| {
        seal(Place { stream: &stream, event: id, part: number }, keys, text, padding, &mut nonces).unwrap()
    };
    let bucket = Padding::Bucket(std::num::NonZeroU16::new(25).unwrap());
    let envelope = Envelope {
        id,
        event_type: EventType::new("Registered").unwrap(),
        schema: 2,
        open: br#"{"type":"Registered","plan":"free"}"#.to_vec(),
        parts: vec![
            Some(part(0, &[key(1, "ada")], br#"["Ada Lovelace",42]"#, bucket)),
            Some(part(1, &[key(1, "ada"), key(2, "bob")], br#"["to both"]"#, Padding::None)),
            None,
        ],
    };
    let ledger = MemoryLedger::new();
    let house = Oubliette::builder(
        std::sync::Arc::new(MemoryLog::new()),
        std::sync::Arc::new(MemoryVault::new().unwrap()),
        std::sync::Arc::new(ledger.clone()),
    )
    .build()
    .await
    .unwrap();
    let ada = SubjectId::new("ada").unwrap();
    let field = PersonalField {
        pointer: "/name".into(),
        ownership: Ownership::new([ada.clone()], Purpose::declared("contract")),
        null: serde_json::Value::Null,
    };
    let event = serde_json::json!({ "type": "Registered", "name": "Ada Lovelace" });
    let draft = Draft::from_json(EventType::new("Registered").unwrap(), event, &[field]).unwrap();
    let drafts = StreamDrafts { stream, expect: Expect::New, drafts: vec![draft] };
    house.append_drafts(vec![drafts]).await.unwrap();
    let certificate = house.erase(&ada).await.unwrap();
    let read = house.read(oubliette_core::Query::all()).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(read.len(), 4);

    use oubliette_core::Ledger as _;
    let entries = ledger.entries().await.unwrap();
    let lines: Vec<_> = entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    let made = [
        ("envelope-1.hex", hex::encode(envelope.encode().unwrap())),
        ("certificate-1.json", serde_json::to_string_pretty(&certificate).unwrap()),
        ("ledger-1.jsonl", lines.join("\n")),
    ];
    if let Some(folder) = std::env::var_os("OUBLIETTE_FIXTURES") {
        for (name, text) in made {
            std::fs::write(std::path::Path::new(&folder).join(name), text + "\n").unwrap();
        }
    }
}
