//! What a restore owes: it stays closed until the ledger has been replayed in it.
//!
//! The story is told over a log in memory, and its backup is restored into the log of the
//! house: that one is new, as a log that takes a restore must be.

use std::collections::HashSet;
use std::sync::Arc;

use oubliette_core::erasure::Step;
use oubliette_core::ledger::{Entry, Head, Ledger};
use oubliette_core::memory::MemoryLedger;
use oubliette_core::{ErrorKind, EventLog, KeyId, Position, Query, Recorded, Restored};

use super::ciphertext::parts_of;
use super::keys::assert_tells;
use super::story::{Story, events, projection, read, told};
use super::{Evidence, House};
use crate::memory;
use crate::sample::{self, refused};
use crate::store::{Store, fresh};

/// The log of the house, into which is restored what was told elsewhere.
struct Restoring {
    story: Story,
    own: House,
}

impl Restoring {
    async fn of(parts: House) -> Self {
        let log: Arc<dyn Store<dyn EventLog>> = fresh::<dyn EventLog, memory::Log>().await;
        let story = told(House { log, ..parts.clone() }).await;
        Self { story, own: parts }
    }
}

/// A restored log is in quarantine until whoever opens it has forgotten in it.
pub(super) async fn a_restored_log_is_closed_until_it_has_forgotten(parts: House) -> Evidence {
    const PROMISE: &str = "a restored log is closed until it has forgotten";
    let Restoring { story, own } = Restoring::of(parts).await;
    let (lost, kept) = (story.cast.lost(), story.cast.kept());
    let (dying, before) = (story.dying().await, story.read().await);
    assert_tells(&before.text(), &lost, true, "void: it is read before");
    story.erase().await;
    let log = own.log.open().await;
    story.restore(&log).await.expect("a backup is restored");
    let restored = parts_of("log", &*log).await;
    let dead = restored.iter().filter(|sealed| sealed.is_under(&dying)).count() as u64;
    assert!(dead > 0, "void: the backup is from before the erasure, and holds what is erased");
    for _ in 0..2 {
        let quarantine = own.log.open().await.quarantine().await.expect("a log can be asked");
        assert!(quarantine.is_some(), "{PROMISE}: it is in quarantine, also after a restart");
    }
    let house = story.over(&own, None).await.build().await.expect("a restored house opens with its ledger");
    assert_eq!(
        log.quarantine().await.expect("a log can be asked"),
        None,
        "an open house is in no quarantine"
    );
    let projection = projection(&house).await;
    projection.catch_up().await.expect("the projection follows");
    let after = read(&house, &projection, &story.cast).await.expect("a restored house can be read");
    assert_tells(&after.text(), &lost, false, PROMISE);
    assert_tells(&after.text(), &kept, true, "a restore brings back what belongs to others");
    let left = parts_of("log", &*log).await;
    let undead = left.iter().filter(|sealed| sealed.is_under(&dying)).count();
    assert_eq!(undead, 0, "{PROMISE}: {undead} dead parts are in it");
    let mut ring = story.ring(&restored).await;
    let open =
        restored.iter().filter(|sealed| sealed.is_under(&dying)).filter(|sealed| ring.opens(sealed)).count();
    assert_eq!(open, 0, "{PROMISE}: {open} of the dead parts in the backup open");
    Evidence {
        trials: ring.trials,
        found_before: dead,
        found_of_others: left.len() as u64,
        ..Evidence::default()
    }
}

/// A ledger that is missing, truncated, older or forked keeps the house closed.
pub(super) async fn a_house_stays_closed_without_its_ledger(parts: House) -> Evidence {
    const PROMISE: &str = "a house stays closed without its ledger";
    let Restoring { story, own } = Restoring::of(parts).await;
    story.erase().await;
    let log = own.log.open().await;
    story.restore(&log).await.expect("a backup is restored");
    let entries = own.ledger.entries().await.expect("a ledger can be read");
    let last = entries.last().expect("void: nothing is in the ledger");
    let whole = entries.len();
    let forked = {
        let before = entries.get(whole - 2).map_or(Head::EMPTY, Entry::head);
        let fork = Entry::following(&before, last.at, last.erasure, Step::Fenced).expect("an entry");
        [&entries[..whole - 1], &[fork]].concat()
    };
    let others = [
        ("missing", Vec::new()),
        ("truncated", entries[..whole - 1].to_vec()),
        ("older", entries[..whole / 2].to_vec()),
        ("forked", forked),
    ];
    let head = log.head().await.expect("a log has a head");
    for (name, entries) in others {
        let ledger = Arc::new(ledger(&entries).await);
        for parts in [&own, &story.parts] {
            let house = story.over(parts, Some(ledger.clone())).await.build().await;
            let error = refused(house, ErrorKind::Diverged, &format!("{PROMISE}: it is {name}"));
            let text = format!("{error:?}");
            assert!(text.contains("ledger"), "{PROMISE}, and says so: {text}");
        }
        assert!(log.quarantine().await.expect("a log can be asked").is_some(), "{PROMISE}: it is {name}");
        assert_eq!(log.head().await.expect("a log has a head"), head, "{PROMISE}: the log grew");
    }
    story.over(&own, None).await.build().await.expect("with its ledger the house opens");
    Evidence { trials: 8, found_before: 4, found_of_others: whole as u64, ..Evidence::default() }
}

/// A restore that was cut short stays closed, and can be finished.
pub(super) async fn a_restore_cut_short_stays_closed(parts: House) -> Evidence {
    const PROMISE: &str = "a restore that was cut short stays closed";
    let Restoring { story, own } = Restoring::of(parts).await;
    let recorded = sample::read(&**story.house.log(), Query::all()).await;
    story.erase().await;
    let log = own.log.open().await;
    let until = recorded.last().expect("void: nothing was told").position;
    let mut cuts = 0;
    for page in recorded.chunks(7) {
        let through = page.last().map_or(Position::ZERO, |event| event.position);
        log.restore(Restored { events: page.to_vec(), through, until, dropped: Vec::new() })
            .await
            .expect("a page is restored");
        if through < until {
            let house = story.over(&own, None).await.build().await;
            refused(house, ErrorKind::Incomplete, PROMISE);
            let there = sample::read(&*log, Query::all()).await.len() as u64;
            assert_eq!(there, through.0, "{PROMISE}: nothing is written meanwhile");
            cuts += 1;
        }
    }
    assert!(cuts > 2, "void: it was cut {cuts} times");
    let house = story.over(&own, None).await.build().await.expect("a finished restore opens");
    let read = events(&house, &HashSet::new()).await;
    let read = read.expect("a restored house can be read");
    let lost = events(&story.house, &HashSet::new()).await.expect("the log that was lost can be read");
    assert_eq!(read, lost, "a finished restore reads as the log that was lost");
    Evidence { trials: cuts, found_before: cuts, found_of_others: read.len() as u64, ..Evidence::default() }
}

/// Restored twice, into one log or another, and opened several times, it is the same.
pub(super) async fn restoring_twice_converges(parts: House) -> Evidence {
    const PROMISE: &str = "restoring twice converges";
    let Restoring { story, own } = Restoring::of(parts).await;
    story.erase().await;
    let log = own.log.open().await;
    for _ in 0..2 {
        story.restore(&log).await.expect("a restore can be repeated");
    }
    story.over(&own, None).await.build().await.expect("a restored house opens");
    let once = sample::read(&*log, Query::all()).await;
    story.over(&own, None).await.build().await.expect("a restored house opens again");
    assert_eq!(sample::read(&*log, Query::all()).await, once, "{PROMISE}: opened again, nothing happens");
    let other = House { log: fresh::<dyn EventLog, memory::Log>().await, ..own.clone() };
    let log = other.log.open().await;
    story.restore(&log).await.expect("a backup is restored twice");
    story.over(&other, None).await.build().await.expect("a restored house opens");
    let twice = sample::read(&*log, Query::all()).await;
    let same = |events: &[Recorded]| {
        let parts = |event: &Recorded| {
            let parts =
                event.envelope.parts.iter().map(|part| part.as_ref().map(|part| part.owners().collect()));
            parts.collect::<Vec<Option<Vec<KeyId>>>>()
        };
        let events =
            events.iter().map(|event| (event.position, event.stream.clone(), event.version, parts(event)));
        events.collect::<Vec<_>>()
    };
    sample::assert_same(&same(&twice), &same(&once), PROMISE);
    let count = once.len() as u64;
    Evidence { trials: 3, found_before: count, found_of_others: count, ..Evidence::default() }
}

async fn ledger(entries: &[Entry]) -> MemoryLedger {
    let ledger = MemoryLedger::new();
    for entry in entries {
        ledger.append(entry).await.expect("a chain of entries is a ledger");
    }
    ledger
}
