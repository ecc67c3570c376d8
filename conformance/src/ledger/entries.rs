//! Reading: every entry, as it was appended, in order.

use oubliette_core::Ledger;
use oubliette_core::ledger::verify;

use super::sample::{append, chain, head, read};
use crate::Fixture;
use crate::sample::assert_same;

/// An entry is durable when its append returns.
pub async fn entries_survive_a_restart<F: Fixture<dyn Ledger>>(fixture: F) {
    let entries = chain(12);
    for (n, entry) in (1..).zip(&entries) {
        let ledger = fixture.open().await;
        append(&*ledger, std::slice::from_ref(entry)).await;
        drop(ledger);
        let there = read(&*fixture.open().await).await;
        assert_same(&there, &entries[..n], "an entry that was appended is there after a restart");
    }
}

/// Each kind of entry to the last digit, in the order of the appends, for every instance.
pub async fn entries_are_read_as_they_were_appended<F: Fixture<dyn Ledger>>(fixture: F) {
    let (ledger, other) = (fixture.open().await, fixture.open().await);
    assert!(read(&*ledger).await.is_empty(), "a new ledger has no entries");
    let entries = chain(27);
    for (n, entry) in (0..).zip(&entries) {
        let (writer, reader) = if n % 2 == 0 { (&ledger, &other) } else { (&other, &ledger) };
        append(&**writer, std::slice::from_ref(entry)).await;
        let there = read(&**reader).await;
        assert_same(&there, &entries[..=n], "entries are read in order, each as it was appended");
        assert_eq!(verify(&there, None).ok(), Some(head(&entries[..=n])), "entries are read as one chain");
    }
}
