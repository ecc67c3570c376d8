use super::*;
use crate::ids::{Purpose, SubjectId};
use crate::key::Scope;
use crate::snapshot::{Series, SnapshotKind};

fn key(n: u8) -> Key {
    let scope = Scope::new(SubjectId::new("s").unwrap(), Purpose::declared("p"));
    Key::new(KeyId::from_bytes([n; 16]), scope, Zeroizing::new([n; 32])).unwrap()
}

fn snapshot() -> SnapshotKey {
    let series = Series { kind: SnapshotKind::Aggregate, name: "account".into(), code: 1 };
    SnapshotKey { series, id: "7".into() }
}

fn live(keys: &[Key]) -> HashMap<KeyId, KeyState> {
    keys.iter().map(|key| (key.id(), KeyState::Live(key.clone()))).collect()
}

#[test]
fn a_state_is_sealed_under_each_key_once_in_their_order() {
    let keys = [key(3), key(1), key(3), key(2)];
    let state = SealedState::seal(&snapshot(), Position(1), &keys, b"state").unwrap();
    assert_eq!(state.owners(), [1, 2, 3].map(|n| KeyId::from_bytes([n; 16])));
    let state = SealedState::from_bytes(state.as_bytes().to_vec()).unwrap();
    assert_eq!(state.open(&snapshot(), Position(1), &live(&keys)).unwrap().as_slice(), b"state");
}

#[test]
fn a_state_opens_with_all_of_its_keys_alone() {
    let keys = [key(1), key(2)];
    let state = SealedState::seal(&snapshot(), Position(1), &keys, b"state").unwrap();
    for answer in [None, Some(KeyState::Unknown), Some(KeyState::Destroyed(key(2).fingerprint()))] {
        let mut states = live(&keys[..1]);
        states.extend(answer.map(|answer| (key(2).id(), answer)));
        assert!(state.open(&snapshot(), Position(1), &states).is_none());
    }
    // Another key under the same name.
    let mut states = live(&keys);
    let scope = key(2).scope().clone();
    let other = Key::new(key(2).id(), scope, Zeroizing::new([9; 32])).unwrap();
    states.insert(key(2).id(), KeyState::Live(other));
    assert!(state.open(&snapshot(), Position(1), &states).is_none());
}

#[test]
fn a_state_opens_in_its_place_alone() {
    let keys = [key(1)];
    let state = SealedState::seal(&snapshot(), Position(1), &keys, b"state").unwrap();
    let of = |change: fn(&mut SnapshotKey)| {
        let mut of = snapshot();
        change(&mut of);
        of
    };
    let others = [
        of(|of| of.series.kind = SnapshotKind::Document),
        of(|of| of.series.name = "other".into()),
        of(|of| of.series.code = 2),
        of(|of| of.id = "8".into()),
    ];
    for other in others {
        assert!(state.open(&other, Position(1), &live(&keys)).is_none());
    }
    assert!(state.open(&snapshot(), Position(1), &live(&keys)).is_some());
}

#[test]
fn an_empty_state_is_the_shortest_and_nothing_shorter_is_one() {
    let state = SealedState::seal(&snapshot(), Position(1), &[key(1), key(2)], b"").unwrap();
    let bytes = state.as_bytes();
    assert_eq!(bytes.len(), 1 + 2 + 2 * 16 + 32 + NONCE + TAG);
    assert_eq!(bytes[..3], [1, 2, 0]);
    for len in 0..bytes.len() {
        let cut = SealedState::from_bytes(bytes[..len].to_vec());
        assert_eq!(cut.unwrap_err().kind(), ErrorKind::Corrupt, "cut at {len}");
    }
    let whole = SealedState::from_bytes(bytes.to_vec()).unwrap();
    assert!(whole.open(&snapshot(), Position(1), &live(&[key(1), key(2)])).unwrap().is_empty());
}

#[test]
fn a_state_of_no_format_no_key_or_keys_out_of_order_is_corrupt() {
    let state = SealedState::seal(&snapshot(), Position(1), &[key(1), key(2)], b"").unwrap();
    let changed = |at: usize, byte: u8| {
        let mut bytes = state.as_bytes().to_vec();
        bytes[at..at + if at < 3 { 1 } else { 16 }].fill(byte);
        SealedState::from_bytes(bytes).unwrap_err().kind()
    };
    assert_eq!(changed(0, 0), ErrorKind::Corrupt);
    assert_eq!(changed(0, 2), ErrorKind::NewerFormat);
    assert_eq!(changed(1, 0), ErrorKind::Corrupt);
    assert_eq!(changed(3, 2), ErrorKind::Corrupt, "the same key twice");
    assert_eq!(changed(3, 3), ErrorKind::Corrupt, "out of order");
    let error = SealedState::seal(&snapshot(), Position(1), &[], b"").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn a_state_is_shown_by_its_size_alone() {
    let state = SealedState::seal(&snapshot(), Position(1), &[key(1)], b"state").unwrap();
    assert_eq!(format!("{state:?}"), "SealedState(1 owners, 84 bytes)");
}
