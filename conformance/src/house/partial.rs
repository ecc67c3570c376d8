//! Law 7: a partial erasure is not an erasure.

use std::panic::resume_unwind;

use oubliette_core::erasure::{Moment, StepName};
use oubliette_core::{Error, ErrorKind, KeyState, Personal};

use super::ciphertext::Ciphertext;
use super::liars::{DocumentLie, SnapshotLie};
use super::story::{Told, told};
use super::{Evidence, House};
use crate::sample::{CONTRACT, refused, subject};

/// Every store is tried, those that failed are named, nothing is certified, and whoever goes
/// on finishes it.
pub(super) async fn a_partial_erasure_is_not_an_erasure(parts: House) -> Evidence {
    const PROMISE: &str = "a partial erasure is not an erasure";
    let (parts, documents_down) = parts.with_documents(DocumentLie::IsDown).await;
    let (parts, snapshots_down) = parts.with_snapshots(SnapshotLie::IsDown).await;
    let story = told(parts).await;
    let dying = story.dying().await;
    let keys: Vec<_> = dying.iter().copied().collect();
    let documents = story.parts.documents.open().await;
    let snapshots = story.parts.snapshots.open().await;
    let held = documents.held_under(&keys).await.expect("a store can be asked");
    assert!(held > 0, "void: nothing of theirs is in the documents");
    let names = [documents.name().to_owned(), snapshots.name().to_owned()];
    // One of them fails, then the other as well, then each alone.
    for (down, failed) in
        [((true, false), &names[..1]), ((true, true), &names[..]), ((false, true), &names[1..])]
    {
        documents_down.turn(down.0);
        snapshots_down.turn(down.1);
        let error = story.house.erase(&story.cast.erased()).await;
        let text = chain(&refused(error, ErrorKind::Incomplete, PROMISE));
        for name in failed {
            assert!(text.contains(name.as_str()), "{PROMISE}: {name} failed, and is not named in: {text}");
        }
        let progress = story.house.erasures().await.expect("a ledger can be read");
        assert!(progress.iter().all(|it| it.certificate().is_none()), "{PROMISE}: it was certified");
        if !down.1 {
            let left = snapshots.held_under(&keys).await.expect("a store can be asked");
            assert_eq!(left, 0, "{PROMISE}: the snapshots were not tried, because the documents failed");
        }
    }
    documents_down.turn(false);
    snapshots_down.turn(false);
    let finished = story.house.resume().await.expect("an open erasure is finished");
    assert_eq!(finished.len(), 1, "an open erasure is finished");
    assert_eq!(finished[0], story.erase().await, "the same request gives the same certificate");
    let left = story.in_stores().await.iter().filter(|sealed| sealed.is_under(&dying)).count();
    assert_eq!(left, 0, "{PROMISE}: {left} dead parts are left in what was certified");
    let others = story.in_stores().await.len() as u64;
    assert!(others > 0, "void: nothing of others is there");
    Evidence { trials: 3, found_before: held, found_of_others: others, ..Evidence::default() }
}

/// Whoever starts next finishes what was stopped, wherever it was stopped.
pub(super) async fn an_erasure_that_was_stopped_is_finished_by_the_next_start(parts: House) -> Evidence {
    const PROMISE: &str = "an erasure that was stopped is finished by whoever starts next";
    let story = told(parts).await;
    let mut count = 0;
    for (n, step) in StepName::ALL.into_iter().enumerate() {
        let (id, other) = (format!("stopped-{n}"), story.cast.neighbour().id.to_owned());
        let (who, note) = (subject(&id), format!("Once \u{e9} upon {n}"));
        let said = vec![Told::Noted { id: other, note: Personal::new(&who, CONTRACT, note) }];
        story.append("stopped", said).await;
        story.projection.catch_up().await.expect("the projection follows");
        let keys: Vec<_> = {
            let keys = story.house.vault().keys_of(&who).await.expect("a vault can be asked");
            keys.iter().map(|key| key.id).collect()
        };
        let stopping = story.again().await.observer(move |progressed| {
            // The hardest moment: it is done, and the ledger does not say so.
            if (progressed.step, progressed.moment) == (step, Moment::Effected) {
                // As a crash: nothing is told of it.
                resume_unwind(Box::new("stopped"));
            }
        });
        let stopping = stopping.build().await.expect("a house opens twice");
        let erased = who.clone();
        let stopped = tokio::spawn(async move { stopping.erase(&erased).await.map(drop) }).await;
        assert!(stopped.is_err_and(|error| error.is_panic()), "void: it was not stopped at {step}");
        let next = story.again().await.build().await.expect("a house opens after a crash");
        let progress = next.erasures().await.expect("a ledger can be read");
        let last = progress.last().expect("the erasure is in the ledger");
        let certificate = last.certificate().unwrap_or_else(|| panic!("{PROMISE}: {step}"));
        assert_eq!(certificate.certificate().keys, keys, "{PROMISE}: its keys, at {step}");
        let states = next.vault().find(&keys).await.expect("a vault can be asked");
        let destroyed = states.iter().all(|state| matches!(state, KeyState::Destroyed(_)));
        assert!(destroyed && !keys.is_empty(), "{PROMISE}: its keys live, at {step}");
        let dead = keys.iter().copied().collect();
        let left =
            story.in_stores().await.iter().filter(|sealed| Ciphertext::is_under(sealed, &dead)).count();
        assert_eq!(left, 0, "{PROMISE}: dead parts are left, at {step}");
        count += 1;
    }
    Evidence { trials: count, found_before: count, found_of_others: 1, ..Evidence::default() }
}

/// An error and all that caused it.
fn chain(error: &Error) -> String {
    format!("{error:?}")
}
