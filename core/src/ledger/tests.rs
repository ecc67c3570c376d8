use super::*;

fn chain(len: u64) -> Vec<Entry> {
    let mut head = Head::EMPTY;
    (0..len)
        .map(|n| {
            let at = Timestamp::from_second(i64::try_from(n).unwrap()).unwrap();
            let entry = Entry::following(&head, at, ErasureId::from_bytes([1; 16]), Step::Fenced).unwrap();
            head = entry.head();
            entry
        })
        .collect()
}

#[test]
fn a_whole_chain_is_accepted_and_gives_its_head() {
    let entries = chain(5);
    assert_eq!(verify(&entries, None).unwrap().sequence, Sequence(5));
    assert_eq!(verify(&entries, Some(&entries[2].head())).unwrap(), entries[4].head());
    assert_eq!(verify(&[], None).unwrap(), Head::EMPTY);
}

#[test]
fn an_entry_changed_taken_out_or_put_in_is_found() {
    let mut changed = chain(5);
    changed[2].at = Timestamp::now();
    let mut taken = chain(5);
    taken.remove(2);
    let mut put = chain(5);
    put.insert(2, put[1].clone());
    for entries in [changed, taken, put] {
        assert_eq!(verify(&entries, None).unwrap_err().kind(), ErrorKind::Diverged);
    }
}

#[test]
fn a_ledger_older_than_its_anchor_is_refused() {
    let entries = chain(5);
    let anchor = entries[4].head();
    for shorter in [&entries[..4], &[]] {
        assert_eq!(verify(shorter, Some(&anchor)).unwrap_err().kind(), ErrorKind::Diverged);
    }
}

#[test]
fn another_ledger_of_the_same_length_is_refused() {
    let anchor = Head { sequence: Sequence(5), hash: Hash([1; 32]) };
    assert_eq!(verify(&chain(5), Some(&anchor)).unwrap_err().kind(), ErrorKind::Diverged);
}

#[test]
fn an_entry_survives_its_text() {
    let entry = chain(1).remove(0);
    let text = serde_json::to_string(&entry).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
}

#[test]
fn an_entry_that_is_whole_and_follows_another_one_is_found() {
    let at = Timestamp::UNIX_EPOCH;
    let first = chain(1).remove(0).head();
    let following = |head| Entry::following(&head, at, ErasureId::from_bytes([1; 16]), Step::Fenced).unwrap();
    assert!(following(first).follows(&first).unwrap());
    // Its own hash fits each of them.
    let later = Head { sequence: first.sequence.plus(1), ..first };
    let other = Head { hash: Hash([1; 32]), ..first };
    for head in [later, other] {
        assert!(!following(head).follows(&first).unwrap());
    }
}

#[test]
fn an_empty_ledger_holds_the_anchor_of_an_empty_one() {
    assert_eq!(verify(&[], Some(&Head::EMPTY)).unwrap(), Head::EMPTY);
    let entries = chain(2);
    assert_eq!(verify(&entries, Some(&Head::EMPTY)).unwrap(), entries[1].head());
}

#[test]
fn a_hash_is_written_as_64_hex_digits_and_read_from_no_other_text() {
    let hash = Hash([0xab; 32]);
    let text = "ab".repeat(32);
    assert_eq!((hash.to_string(), format!("{hash:?}")), (text.clone(), format!("Hash({text})")));
    assert_eq!(Hash::try_from(text.clone()).unwrap(), hash);
    for other in [&text[2..], "", &text.replace('a', "g")] {
        assert_eq!(Hash::try_from(other.to_owned()).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
