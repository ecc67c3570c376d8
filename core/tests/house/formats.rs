//! Formats are for ever: what an earlier release wrote is read by this one.
//!
//! The files under `fixtures` are never written again. A new format adds new files.

use futures::TryStreamExt as _;
use oubliette_core::memory::{MemoryDocuments, MemoryLedger, MemoryLog, MemoryVault};
use oubliette_core::seal::{Place, Unsealed, open};
use oubliette_core::{
    BackupId, BackupRecord, BackupRegister, Carried, CarriedPart, Envelope, ErrorKind, Key, KeyId, KeyState,
    Position, Purpose, Scope, SealedState, Series, Slot, SnapshotKey, SnapshotKind, StreamId, SubjectId,
};
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

#[test]
fn a_certificate_of_format_2_verifies() {
    let json = include_bytes!("fixtures/certificate-2.json");
    let signed = oubliette_core::erasure::SignedCertificate::verify(json).unwrap();
    let certificate = signed.certificate();
    assert_eq!((certificate.format, certificate.keys.len(), certificate.backups.len()), (2, 1, 1));
    assert_eq!(certificate.forgotten.keys().collect::<Vec<_>>(), ["documents", "snapshots"]);
}

#[test]
fn a_ledger_in_which_derived_stores_forget_is_whole() {
    let entries: Vec<oubliette_core::ledger::Entry> = include_str!("fixtures/ledger-2.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 9);
    let head = oubliette_core::ledger::verify(&entries, None).unwrap();
    assert_eq!(head.sequence.0, 9);
}

#[test]
fn a_certificate_of_format_3_verifies() {
    let json = include_bytes!("fixtures/certificate-3.json");
    let signed = oubliette_core::erasure::SignedCertificate::verify(json).unwrap();
    let certificate = signed.certificate();
    assert_eq!((certificate.format, certificate.keys.len()), (3, 1));
    assert!(certificate.settled_at > Some(certificate.closed_at));
}

#[test]
fn a_ledger_with_a_settled_erasure_is_whole() {
    let entries: Vec<oubliette_core::ledger::Entry> = include_str!("fixtures/ledger-3.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 10);
    let head = oubliette_core::ledger::verify(&entries, None).unwrap();
    assert_eq!(head.sequence.0, 10);
}

#[test]
fn what_a_document_of_format_1_carries_is_read() {
    let bytes = hex::decode(include_str!("fixtures/document-1.hex").trim()).unwrap();
    let carried = Carried::decode(&bytes).unwrap();
    assert_eq!(carried, sample_document());
    assert_eq!(carried.encode().unwrap(), bytes, "this release writes other bytes");
    for len in 0..bytes.len() {
        assert!(Carried::decode(&bytes[..len]).is_err(), "cut short at {len}");
    }
    let newer = [&[2], &bytes[1..]].concat();
    assert_eq!(Carried::decode(&newer).unwrap_err().kind(), ErrorKind::NewerFormat);
}

#[test]
fn the_sealed_state_of_format_1_opens() {
    let bytes = hex::decode(include_str!("fixtures/state-1.hex").trim()).unwrap();
    let state = SealedState::from_bytes(bytes.clone()).unwrap();
    assert_eq!(state.as_bytes(), bytes);
    let keys = [key(1, "ada"), key(2, "bob")];
    assert_eq!(state.owners(), keys.each_ref().map(|key| key.id()));
    let states = keys.map(|key| (key.id(), KeyState::Live(key))).into();
    let text = state.open(&sample_snapshot(), Position(7), &states).unwrap();
    assert_eq!(text.as_slice(), br#"{"plans":3}"#);
    assert!(state.open(&sample_snapshot(), Position(8), &states).is_none(), "of another position");
    for (at, bit) in (0..bytes.len()).flat_map(|at| [(at, 1), (at, 128)]) {
        let mut changed = bytes.clone();
        changed[at] ^= bit;
        let opened = SealedState::from_bytes(changed)
            .ok()
            .and_then(|it| it.open(&sample_snapshot(), Position(7), &states));
        assert!(opened.is_none(), "byte {at} may be changed");
    }
}

fn sample_snapshot() -> SnapshotKey {
    let series = Series { kind: SnapshotKind::Aggregate, name: "account".into(), code: 3 };
    SnapshotKey { series, id: "account-7".into() }
}

/// Two slots, of which one is forgotten, and a part under the key of ada.
fn sample_document() -> Carried {
    let bytes = hex::decode(include_str!("fixtures/envelope-1.hex").trim()).unwrap();
    let envelope = Envelope::decode(&bytes).unwrap();
    let part = CarriedPart {
        stream: StreamId::new("customer-42").unwrap(),
        event: envelope.id,
        number: 0,
        sealed: envelope.parts[0].clone().unwrap(),
    };
    let slot = |at: &str, value, null: Option<&str>| Slot {
        at: at.into(),
        value,
        purpose: Some(Purpose::declared("contract")),
        null: null.map(str::to_owned),
    };
    Carried {
        slots: vec![slot("/name", Some((0, 1)), Some("\"nobody\"")), slot("/a~1b/0", None, None)],
        parts: vec![part],
    }
}

#[derive(Debug)]
struct OneBackup;

#[async_trait::async_trait]
impl BackupRegister for OneBackup {
    async fn backups(&self) -> oubliette_core::Result<Vec<BackupRecord>> {
        Ok(vec![BackupRecord {
            id: BackupId::from_bytes([7; 16]),
            location: "a folder".into(),
            taken_at: "2026-01-31T12:00:00Z".parse().unwrap(),
            continues: Some(BackupId::from_bytes([6; 16])),
            through: Position(2),
            expires_at: Some("2027-01-31T12:00:00Z".parse().unwrap()),
        }])
    }
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
    .documents(std::sync::Arc::new(MemoryDocuments::new()))
    .snapshots(std::sync::Arc::new(crate::sweeping::lazy()))
    .backups(std::sync::Arc::new(OneBackup))
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
    house.erase(&ada).await.unwrap();
    let certificate = house.sweep().await.unwrap().settled.remove(0);
    let read = house.read(oubliette_core::Query::all()).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(read.len(), 4);

    use oubliette_core::Ledger as _;
    let entries = ledger.entries().await.unwrap();
    let lines: Vec<_> = entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    let keys = [key(1, "ada"), key(2, "bob")];
    let state = SealedState::seal(&sample_snapshot(), Position(7), &keys, br#"{"plans":3}"#).unwrap();
    let made = [
        ("document-1.hex", hex::encode(sample_document().encode().unwrap())),
        ("state-1.hex", hex::encode(state.as_bytes())),
        ("envelope-1.hex", hex::encode(envelope.encode().unwrap())),
        ("certificate-3.json", serde_json::to_string_pretty(&certificate).unwrap()),
        ("ledger-3.jsonl", lines.join("\n")),
    ];
    if let Some(folder) = std::env::var_os("OUBLIETTE_FIXTURES") {
        for (name, text) in made {
            std::fs::write(std::path::Path::new(&folder).join(name), text + "\n").unwrap();
        }
    }
}
