use super::*;

fn key(n: u8) -> Key {
    let scope = Scope::new(SubjectId::new("s").unwrap(), Purpose::declared("p"));
    Key::new(KeyId::from_bytes([n; 16]), scope, Zeroizing::new([n; 32])).unwrap()
}

#[test]
fn what_is_derived_of_a_key_is_its_own_for_each_use() {
    let secrets = [
        *key(1).derived(b"one").unwrap(),
        *key(1).derived(b"other").unwrap(),
        *key(2).derived(b"one").unwrap(),
        *key(2).derived(b"other").unwrap(),
        [1; 32],
    ];
    for (at, secret) in secrets.iter().enumerate() {
        assert!(!secrets[..at].contains(secret), "two uses have the same secret");
    }
    assert_eq!(secrets[0], *key(1).derived(b"one").unwrap());
}

#[test]
fn a_key_seals_as_often_as_it_safely_may_and_not_once_more() {
    let key = key(1);
    key.0.seals.store(MAX_SEALS - 1, Ordering::Relaxed);
    key.count_seal().unwrap();
    for _ in 0..2 {
        assert_eq!(key.count_seal().unwrap_err().kind(), ErrorKind::LimitExceeded);
    }
}

#[test]
fn a_key_is_shown_by_its_id_and_a_fingerprint_as_it_is() {
    let key = key(0xab);
    assert_eq!(format!("{key:?}"), format!("Key({})", "ab".repeat(16)));
    let shown = format!("{:?}", key.fingerprint());
    assert_eq!(shown, format!("Fingerprint({})", hex::encode(key.fingerprint().0)));
    assert!(!shown.contains(&"ab".repeat(32)));
}
