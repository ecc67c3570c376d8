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
