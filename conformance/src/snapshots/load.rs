//! Loading: the newest, of just this key, or a series in pages.

use oubliette_core::{Position, Series, Snapshot, SnapshotKind, SnapshotStore};

use super::sample::{NEWEST, load, of, orders, save, sealed, series, snapshot};
use crate::Fixture;
use crate::sample::{assert_same, key};

/// The newest at or before a position is loaded, in whatever order they were saved.
pub async fn the_newest_snapshot_is_loaded<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let ada = key();
    // Positions that as text stand in another order.
    let saved = [9, 1_000, 10, 100].map(|position| snapshot("a", position, &[&ada]));
    for snapshot in &saved {
        save(&*store, std::slice::from_ref(snapshot)).await;
    }
    for (at_most, expected) in [
        (0, None),
        (8, None),
        (9, Some(9)),
        (10, Some(10)),
        (99, Some(10)),
        (100, Some(100)),
        (999, Some(100)),
        (1_000, Some(1_000)),
        (NEWEST.0, Some(1_000)),
    ] {
        let loaded = load(&*store, &saved[0].key, Position(at_most)).await;
        let expected = expected.and_then(|n| saved.iter().find(|snapshot| snapshot.position == Position(n)));
        assert_eq!(loaded.as_ref(), expected, "the newest snapshot at or before a position is loaded");
    }
}

/// What was made by other code, of another kind or of another id is never loaded.
pub async fn a_snapshot_of_another_key_is_not_loaded<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let ada = key();
    // Names that a pattern, a prefix or a careless join would take for one another.
    let keys = [
        of(orders(), "a"),
        of(orders(), "A"),
        of(orders(), "a%"),
        of(orders(), "ab"),
        of(series(SnapshotKind::Document, "order", 1), "a"),
        of(series(SnapshotKind::Aggregate, "order", 2), "a"),
        of(series(SnapshotKind::Aggregate, "Order", 1), "a"),
        of(series(SnapshotKind::Aggregate, "order/a", 1), "b"),
        of(series(SnapshotKind::Aggregate, "order", 1), "a/b"),
    ];
    let saved: Vec<Snapshot> =
        (1..).zip(keys).map(|(position, key)| sealed(key, position, &[&ada], b"state")).collect();
    save(&*store, &saved).await;
    for snapshot in &saved {
        let loaded = load(&*store, &snapshot.key, NEWEST).await;
        assert_eq!(loaded.as_ref(), Some(snapshot), "a snapshot is loaded for just its key");
    }
    for unknown in [of(orders(), "b"), of(orders(), ""), of(series(SnapshotKind::Document, "order", 2), "a")]
    {
        let loaded = load(&*store, &unknown, NEWEST).await;
        assert_eq!(loaded, None, "what is not there is not loaded, and is no error");
    }
}

/// A series is read by id, bytewise, in pages, at just one position.
pub async fn a_series_is_read_in_pages<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let ada = key();
    let documents = |name, code| series(SnapshotKind::Document, name, code);
    let ids =
        ["b", "a", "B", "A", "ä", "ß", "😀", "\u{fffd}", "a b", "a/b", "a%", "a'b", "10", "9", "aa", "~"];
    let at =
        |series: &Series, id: &str, position| sealed(of(series.clone(), id), position, &[&ada], b"state");
    let mut saved: Vec<Snapshot> = ids.iter().map(|id| at(&documents("orders", 1), id, 5)).collect();
    save(&*store, &saved).await;
    for other in
        [documents("orders", 2), documents("Orders", 1), series(SnapshotKind::Aggregate, "orders", 1)]
    {
        save(&*store, &[at(&other, "a", 5), at(&other, "c", 5)]).await;
    }
    for position in [4, 6] {
        save(
            &*store,
            &[at(&documents("orders", 1), "a", position), at(&documents("orders", 1), "c", position)],
        )
        .await;
    }
    saved.sort_by(|a, b| a.key.id.as_bytes().cmp(b.key.id.as_bytes()));
    for limit in [1, 2, 3, saved.len(), saved.len() + 1, usize::MAX] {
        let (mut read, mut after) = (Vec::new(), String::new());
        loop {
            let page = store.page(&documents("orders", 1), Position(5), &after, limit).await;
            let page = page.expect("a series can be read");
            assert!(page.len() <= limit, "a page is no larger than asked");
            let Some(last) = page.last() else { break };
            after.clone_from(&last.key.id);
            read.extend(page);
            assert!(read.len() <= saved.len(), "pages end");
        }
        assert_same(&read, &saved, "pages give each snapshot of a series at a position once, by id");
    }
    let beyond = store.page(&documents("orders", 1), Position(5), "aZ", usize::MAX).await.unwrap();
    let expected: Vec<_> = saved.iter().filter(|snapshot| snapshot.key.id.as_str() > "aZ").cloned().collect();
    assert_same(&beyond, &expected, "a page begins after the id, also when there is none such");
    for (series, position, limit) in
        [(documents("orders", 1), 7, 10), (documents("customers", 1), 5, 10), (documents("orders", 1), 5, 0)]
    {
        let page = store.page(&series, Position(position), "", limit).await.expect("a series can be read");
        assert!(page.is_empty(), "where nothing is, nothing is read");
    }
}
