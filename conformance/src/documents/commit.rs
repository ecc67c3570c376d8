//! Commits: documents and the position that they are of, together.

use jiff::Timestamp;
use oubliette_core::{Document, DocumentChanges, Documents, ErrorKind, Fault, Position};
use tokio::task::JoinSet;

use super::sample::{all, begin, carrying, everything, forget, named, next, numbered, record, remove, save};
use crate::Fixture;
use crate::run::dropped_after;
use crate::sample::{assert_same, key, refused, winners};

/// Documents and position are saved together, or neither is.
pub async fn a_commit_is_all_or_nothing<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let build = begin(&*store, "orders").await;
    save(&*store, build, vec![numbered("a", 1), carrying("b", &[&[&grace]])]).await;
    save(&*store, build, vec![numbered("c", 2)]).await;
    forget(&*store, &[ada.id()]).await;
    let before = (all(&*store, build).await, record(&*store, build).await);
    let put = |dead: &[Document]| [&[numbered("a", 9), numbered("d", 9)], dead].concat();
    for (after, dead, kind) in [
        (Position(1), vec![], ErrorKind::Conflict),
        (Position(3), vec![], ErrorKind::Conflict),
        (Position(2), vec![carrying("e", &[&[&grace], &[&ada]])], ErrorKind::Erased),
    ] {
        let mut changes = next(&*store, build, put(&dead), &["b"]).await;
        (changes.after, changes.through, changes.skipped) = (after, Position(9), vec![Position(8)]);
        refused(store.commit(build, changes).await, kind, "a commit that breaks a rule is refused");
        let after = (all(&*store, build).await, record(&*store, build).await);
        assert!(after == before, "nothing of a refused commit is saved: neither documents nor position");
    }

    let build = begin(&*store, "dropped").await;
    for polls in 0..16 {
        // A commit that was dropped may still be on its way, and so this one may lose.
        let n = record(&*store, build).await.position.0 + 1;
        let changes = next(&*store, build, alike(n), &[]).await;
        dropped_after(polls, store.commit(build, changes)).await;
        let page = store.page(build, &everything()).await.unwrap();
        let expected = if page.position == Position::ZERO { Vec::new() } else { alike(page.position.0) };
        assert_same(&page.documents, &expected, "a commit dropped half-way leaves all of it or nothing");
    }
    for late in [false, true] {
        let n = record(&*store, build).await.position.0 + 1;
        let changes = next(&*store, build, alike(n), &[]).await;
        match store.commit(build, changes).await {
            Ok(()) => break,
            Err(error) => assert!(
                !late && error.kind() == ErrorKind::Conflict,
                "after a commit that was dropped the store works: {error:?}"
            ),
        }
    }
}

/// What was committed is there after a restart, what was removed is not.
pub async fn commits_survive_a_restart<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let [build, other] = [begin(&*store, "orders").await, begin(&*store, "orders").await];
    let first = ["a", "b", "c", "d"].map(|key| carrying(key, &[&[&ada], &[&ada, &grace]]));
    for build in [build, other] {
        save(&*store, build, first.to_vec()).await;
    }
    let second = [carrying("b", &[&[&grace]]), numbered("c", 2), numbered("e", 2)];
    let mut changes = next(&*store, build, second.to_vec(), &["d", "never"]).await;
    (changes.through, changes.skipped) = (Position(9), vec![Position(7)]);
    store.commit(build, changes).await.expect("a commit may remove what is not there");
    remove(&*store, build, &["a", "e"]).await;
    let again = carrying("a", &[&[&grace]]);
    save(&*store, build, vec![again.clone()]).await;
    let changes =
        DocumentChanges { after: Position(11), through: Position(20), ..DocumentChanges::default() };
    store.commit(build, changes).await.expect("a commit may change no document");
    let before = store.builds().await.unwrap();
    drop(store);

    let store = fixture.open().await;
    assert_same(&store.builds().await.unwrap(), &before, "positions survive a restart");
    assert_eq!(record(&*store, build).await.position, Position(20), "a commit saves the position");
    assert_eq!(record(&*store, build).await.skipped, [Position(7)], "a commit saves what was passed over");
    let expected = [vec![again], second[..2].to_vec()].concat();
    assert_same(&all(&*store, build).await, &expected, "what was committed last is there after a restart");
    assert_same(&all(&*store, other).await, &first, "a commit changes no other build");
    let stale = DocumentChanges { after: Position(11), through: Position(21), ..DocumentChanges::default() };
    refused(store.commit(build, stale).await, ErrorKind::Conflict, "a commit follows the saved position");
    save(&*store, build, vec![numbered("f", 3)]).await;
}

/// Of commits that apply the same events, also from two instances, exactly one is taken.
pub async fn no_page_is_applied_twice<F: Fixture<dyn Documents>>(fixture: F) {
    let instances = [fixture.open().await, fixture.open().await];
    let build = begin(&*instances[0], "orders").await;
    for round in 0..20 {
        let mut workers = JoinSet::new();
        for (worker, store) in (0..4).zip(instances.iter().cycle().cloned()) {
            workers.spawn(async move {
                let (after, through) = (Position(round), Position(round + 1));
                let put = vec![numbered("counter", round), numbered(format!("{round}-{worker}"), worker)];
                let changes = DocumentChanges { after, through, put, ..DocumentChanges::default() };
                store.commit(build, changes).await
            });
        }
        let taken = winners(workers.join_all().await);
        assert_eq!(taken, 1, "of commits that apply the same events exactly one is taken");
        let page = instances[1].page(build, &everything()).await.unwrap();
        assert_eq!(page.position, Position(round + 1), "the position is that of the commit that was taken");
        assert_eq!(page.documents.len() as u64, round + 2, "one commit's documents are saved a round");
    }
}

/// Where a build stands still and why is there for others, until it goes on.
pub async fn a_failure_is_recorded<F: Fixture<dyn Documents>>(fixture: F) {
    let mut store = fixture.open().await;
    let [build, other] = [begin(&*store, "orders").await, begin(&*store, "orders").await];
    let fault = |n| Fault {
        position: Position(n),
        error: format!("the view \"orders\" fails: it's no. {n} — ü %"),
        at: Timestamp::from_microsecond(1_700_000_000_123_456).unwrap(),
    };
    for n in 1..4 {
        store.note(build, Some(&fault(n))).await.expect("a failure can be recorded");
        drop(store);
        store = fixture.open().await;
        assert_eq!(record(&*store, build).await.fault, Some(fault(n)), "a failure survives a restart");
        assert_eq!(record(&*store, other).await.fault, None, "a failure is recorded for its build alone");
        match n {
            1 => continue,
            2 => store.note(build, None).await.expect("that it goes on can be recorded"),
            _ => save(&*store, build, vec![numbered("a", n)]).await,
        }
        assert_eq!(record(&*store, build).await.fault, None, "a build that goes on has no failure");
    }
    let position = record(&*store, build).await.position;
    assert_eq!(position, Position(1), "a failure moves no position");
}

/// The answers to a `get` stand in the order of the keys, `None` where nothing is.
pub async fn a_get_answers_in_order<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let [build, other] = [begin(&*store, "orders").await, begin(&*store, "orders").await];
    let saved = ["c", "a", "b", "A"].map(|key| numbered(key, u64::from(key.as_bytes()[0])));
    save(&*store, build, saved.to_vec()).await;
    save(&*store, other, vec![numbered("elsewhere", 1)]).await;
    let asked = ["b", "nothing", "c", "a", "b", "elsewhere", "A", "b"];
    let answers = store.get(build, &asked.map(named)).await.expect("a build can be read");
    let expected = asked.map(|key| saved.iter().find(|document| document.key == named(key)).cloned());
    assert_same(&answers, &expected, "a get answers for each key, in order");
    let none = store.get(build, &[]).await.expect("no key is no error");
    assert!(none.is_empty(), "a get of no keys gives nothing");
    let many: Vec<_> = (0..2_000).map(|n| named(format!("k-{n}"))).chain([named("a")]).collect();
    let answers = store.get(build, &many).await.expect("many keys can be asked for");
    let there: Vec<usize> =
        (0..).zip(&answers).filter(|(_, answer)| answer.is_some()).map(|(n, _)| n).collect();
    assert_eq!((answers.len(), there), (2_001, vec![2_000]), "a get of many keys answers for each");
}

/// Two documents that say the same number.
fn alike(n: u64) -> Vec<Document> {
    vec![numbered("one", n), numbered("two", n)]
}
