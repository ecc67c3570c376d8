//! Appending: what follows is taken, once, and nothing else is.

use std::sync::Arc;

use oubliette_core::erasure::Step;
use oubliette_core::ledger::{Entry, Hash, Head, verify};
use oubliette_core::{ErrorKind, Ledger, Sequence};
use tokio::task::JoinSet;

use super::sample::{append, chain, following, head, read};
use crate::Fixture;
use crate::run::dropped_after;
use crate::sample::{assert_same, refused};

/// Whatever does not follow the last entry is refused, for each reason that it may have.
pub async fn an_entry_that_does_not_follow_is_a_conflict<F: Fixture<dyn Ledger>>(fixture: F) {
    const PROMISE: &str = "an entry that does not follow the last one is refused";
    let ledger = fixture.open().await;
    let entries = chain(4);
    refused(ledger.append(&entries[1]).await, ErrorKind::Conflict, "a ledger begins with the first entry");
    append(&*ledger, &entries[..2]).await;
    let forked = following(&entries[0].head(), Step::Fenced);
    let other = Head { hash: Hash([7; 32]), ..entries[1].head() };
    let elsewhere = following(&other, Step::Fenced);
    let forged = Entry { step: Step::Swept { parts: 9 }, ..entries[2].clone() };
    let renumbered = Entry { sequence: Sequence(9), ..entries[2].clone() };
    for entry in [&entries[3], &forked, &elsewhere, &forged, &renumbered] {
        refused(ledger.append(entry).await, ErrorKind::Conflict, PROMISE);
        assert_same(&read(&*ledger).await, &entries[..2], "a refused entry changes nothing");
    }
    append(&*ledger, &entries[2..]).await;
}

/// Of entries that follow the same one, also from two instances, exactly one is taken.
pub async fn of_two_entries_one_follows<F: Fixture<dyn Ledger>>(fixture: F) {
    let instances = [fixture.open().await, fixture.open().await];
    for round in 0..20 {
        let before = read(&*instances[0]).await;
        let mut writers = JoinSet::new();
        for ledger in instances.iter().cycle().take(4) {
            let (ledger, entry) = (Arc::clone(ledger), following(&head(&before), Step::Fenced));
            writers.spawn(async move { (ledger.append(&entry).await, entry) });
        }
        let mut taken = Vec::new();
        for (result, entry) in writers.join_all().await {
            match result {
                Ok(()) => taken.push(entry),
                Err(error) => {
                    let kind = error.kind();
                    assert_eq!(kind, ErrorKind::Conflict, "who comes second gets a conflict: {error:?}");
                }
            }
        }
        assert_eq!(taken.len(), 1, "of entries that follow the same one exactly one is taken");
        for ledger in &instances {
            let expected = [&before[..], &taken].concat();
            assert_same(&read(&**ledger).await, &expected, "the entry that was taken is there, and no other");
        }
        assert_eq!(before.len(), round, "each race appends one entry");
    }
}

/// The same entry again, as whoever lost the answer tries it, changes nothing.
pub async fn an_entry_stands_once<F: Fixture<dyn Ledger>>(fixture: F) {
    let (ledger, other) = (fixture.open().await, fixture.open().await);
    let entries = chain(5);
    for (n, entry) in (1..).zip(&entries) {
        append(&*ledger, std::slice::from_ref(entry)).await;
        for ledger in [&ledger, &other] {
            if let Err(error) = ledger.append(entry).await {
                let kind = error.kind();
                assert_eq!(kind, ErrorKind::Conflict, "an entry that is there already is a conflict at most");
            }
            assert_same(&read(&**ledger).await, &entries[..n], "an entry that is appended again stands once");
        }
    }
}

/// An append whose future is dropped half-way leaves the entry or none, and a ledger that
/// works.
pub async fn a_dropped_entry_is_there_or_not<F: Fixture<dyn Ledger>>(fixture: F) {
    let ledger = fixture.open().await;
    for polls in 0..16 {
        let before = read(&*ledger).await;
        let entry = following(&head(&before), Step::Swept { parts: polls });
        dropped_after(polls, ledger.append(&entry)).await;
        let after = read(&*ledger).await;
        verify(&after, None).expect("an append dropped half-way leaves a whole chain");
        assert!(after.starts_with(&before), "an append dropped half-way changes no other entry");
        assert!(after.len() <= before.len() + 1, "an append dropped half-way leaves its entry or none");
    }
    // One that was dropped may still be on its way, and so the next may lose to it.
    for late in [false, true] {
        let next = following(&head(&read(&*ledger).await), Step::Fenced);
        match ledger.append(&next).await {
            Ok(()) => break,
            Err(error) => assert!(
                !late && error.kind() == ErrorKind::Conflict,
                "after an append that was dropped the ledger works: {error:?}"
            ),
        }
    }
}
