//! Builds: begun, served, ended, and recorded.

use std::sync::Arc;

use oubliette_core::{
    Before, BuildId, BuildState, DocumentChanges, DocumentQuery, Documents, ErrorKind, Position, Result, Role,
};

use super::sample::{all, begin, carrying, named, numbered, projection, record, save};
use crate::Fixture;
use crate::sample::{assert_same, key, refused};

/// Every build is listed, in order, with what became of it, also once it has ended.
pub async fn builds_are_recorded_for_good<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    assert!(store.builds().await.unwrap().is_empty(), "a new store has no builds");
    let mut begun = Vec::new();
    for (name, version, role) in [
        ("orders", 1, Role::Successor),
        ("orders", u32::MAX, Role::Scratch),
        ("Orders", 1, Role::Successor),
        ("orders", 1, Role::Successor),
    ] {
        let id = store.begin(&projection(name), version, role).await.expect("a build can be begun");
        assert!(!begun.contains(&id), "each build has an id of its own");
        begun.push(id);
        let build = record(&*store, id).await;
        let of = (build.projection, build.version, build.role);
        assert_eq!(of, (projection(name), version, role), "a build is recorded as it was begun");
        let stands = (build.state, build.position, build.fault, build.skipped);
        let new = (BuildState::Building, Position::ZERO, None, Vec::new());
        assert_eq!(stands, new, "a new build stands before the first event");
        assert_eq!((build.served_at, build.ended_at), (None, None), "a new build did not answer yet");
    }
    for (after, through, skipped) in [(0, 7, vec![2, 3]), (7, 9, Vec::new()), (9, 12, vec![10])] {
        let skipped = skipped.into_iter().map(Position).collect();
        let (after, through) = (Position(after), Position(through));
        let changes = DocumentChanges { after, through, skipped, ..DocumentChanges::default() };
        store.commit(begun[0], changes).await.expect("a commit that follows is taken");
    }
    store.serve(begun[0], Before::Kept).await.expect("a build can be served");
    store.end(begun[0]).await.expect("a build can be ended");
    store.end(begun[3]).await.expect("a build can be ended");
    let before = store.builds().await.unwrap();
    let listed: Vec<BuildId> = before.iter().map(|build| build.id).collect();
    assert_eq!(listed, begun, "every build is listed, ended ones too, in the order of their beginning");
    let ended = &before[0];
    assert_eq!(ended.state, BuildState::Ended, "that a build has ended is recorded");
    assert_eq!(ended.position, Position(12), "an ended build keeps the position that it reached");
    assert_eq!(ended.skipped, [2, 3, 10].map(Position), "what was passed over is recorded, ascending");
    let times = [Some(ended.begun_at), ended.served_at, ended.ended_at];
    assert!(times.iter().all(Option::is_some), "when a build was served and ended is recorded");
    assert!(times.is_sorted(), "a build is begun, then served, then ended");
    drop(store);
    let store = fixture.open().await;
    assert_same(&store.builds().await.unwrap(), &before, "builds are recorded over a restart");
    let next = begin(&*store, "orders").await;
    assert!(!begun.contains(&next), "the id of an ended build is not given again");
}

/// One build a projection is served, for all readers at one moment.
pub async fn one_build_answers_for_a_projection<F: Fixture<dyn Documents>>(fixture: F) {
    use BuildState::{Building, Ended, Kept, Served};
    let (store, other) = (fixture.open().await, fixture.open().await);
    let [one, two, apart] =
        [begin(&*store, "orders").await, begin(&*store, "orders").await, begin(&*store, "customers").await];
    for build in [one, two] {
        save(&*store, build, vec![numbered("a", build.0)]).await;
    }
    let served = |build, before| store.serve(build, before);
    let stand = async |promise: &str, expected: [BuildState; 3]| {
        for store in [&store, &other] {
            let states = store.builds().await.unwrap().into_iter().map(|build| build.state);
            assert_eq!(states.collect::<Vec<_>>(), expected, "{promise}");
        }
    };
    served(apart, Before::Ended).await.expect("a build can be served");
    served(one, Before::Ended).await.expect("a build can be served");
    stand("a build is served for its projection alone", [Served, Building, Served]).await;
    served(two, Before::Kept).await.expect("a build can be served");
    stand("the build that answered before is kept", [Kept, Served, Served]).await;
    assert_eq!(all(&*store, one).await, [numbered("a", one.0)], "a kept build keeps its documents");
    let before = store.builds().await.unwrap();
    served(two, Before::Ended).await.expect("the served build can be served again");
    assert_same(&store.builds().await.unwrap(), &before, "to serve the served build changes nothing");
    refused(served(BuildId(99), Before::Ended).await, ErrorKind::NotFound, "what is not there is not served");
    assert_same(&store.builds().await.unwrap(), &before, "a build that is refused replaces none");

    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for build in [one, two].iter().cycle().take(40) {
                store.serve(*build, Before::Kept).await.expect("a kept build can be served again");
            }
        })
    };
    loop {
        let done = writer.is_finished();
        for store in [&store, &other] {
            let builds = store.builds().await.unwrap();
            let answer = builds.iter().filter(|build| build.state == Served && build.id != apart);
            assert_eq!(answer.count(), 1, "while builds are switched one answers at each moment");
        }
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.await.expect("a kept build can be served again");

    served(one, Before::Ended).await.expect("a kept build can be served again");
    stand("the build that answered before is ended", [Served, Ended, Served]).await;
    refused(all_of(&*store, two).await, ErrorKind::NotFound, "a build that was ended is not read");
    refused(served(two, Before::Kept).await, ErrorKind::NotFound, "a build that has ended is not served");
    assert_eq!(all(&*store, one).await, [numbered("a", one.0)], "the served build has its own documents");
    stand("a build that is refused replaces none", [Served, Ended, Served]).await;
}

/// With its end a build's documents are gone, and no other's. What is not there is not
/// found.
pub async fn an_ended_build_leaves_nothing<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let ada = key();
    let [ended, same, apart] =
        [begin(&*store, "orders").await, begin(&*store, "orders").await, begin(&*store, "customers").await];
    for build in [ended, same, apart] {
        save(&*store, build, vec![carrying("a", &[&[&ada]]), numbered("b", build.0)]).await;
    }
    let before = [all(&*store, same).await, all(&*store, apart).await];
    let others = store.builds().await.unwrap().split_off(1);
    for _ in 0..2 {
        store.end(ended).await.expect("a build can be ended, also again");
        let records = store.builds().await.unwrap().split_off(1);
        assert_same(&records, &others, "with a build no other ends");
    }
    drop(store);
    let store = fixture.open().await;
    let after = [all(&*store, same).await, all(&*store, apart).await];
    assert_eq!(after, before, "an ended build takes nothing of another build along");
    assert_eq!(store.held_under(&[ada.id()]).await.unwrap(), 2, "an ended build holds nothing");
    for build in [ended, BuildId(99)] {
        let position = Position(1);
        let changes = DocumentChanges {
            after: position,
            through: position,
            put: vec![numbered("c", 1)],
            ..DocumentChanges::default()
        };
        let answers = [
            all_of(&*store, build).await,
            store.get(build, &[named("a")]).await.map(|_| ()),
            store.get(build, &[]).await.map(|_| ()),
            store.commit(build, changes).await,
            store.note(build, None).await,
            store.serve(build, Before::Kept).await,
        ];
        for answer in answers {
            refused(answer, ErrorKind::NotFound, "a build that is not there or has ended is not found");
        }
    }
    refused(store.end(BuildId(99)).await, ErrorKind::NotFound, "a build that never was is not ended");
    assert_eq!(record(&*store, ended).await.state, BuildState::Ended, "an ended build stays ended");
}

async fn all_of(store: &dyn Documents, build: BuildId) -> Result<()> {
    store.page(build, &DocumentQuery::default()).await.map(|_| ())
}
