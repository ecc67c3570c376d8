//! Documents in a file: several instances, damaged bytes, and what they are found by.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::path::PathBuf;

use common::{document, erased, hash, key, number, sql};
use futures::FutureExt;
use oubliette_backend_sqlite::SqliteDocuments;
use oubliette_core::{
    BuildId, Document, DocumentChanges, DocumentQuery, Documents, ErrorKind, Key, Position, ProjectionName,
    Role,
};
use tempfile::TempDir;

fn path(dir: &TempDir) -> PathBuf {
    dir.path().join("documents.db")
}

async fn open(dir: &TempDir) -> SqliteDocuments {
    SqliteDocuments::open(path(dir)).await.unwrap()
}

async fn begin(store: &SqliteDocuments) -> BuildId {
    store.begin(&ProjectionName::new("people").unwrap(), 1, Role::Successor).await.unwrap()
}

fn changes(after: u64, put: Vec<Document>) -> DocumentChanges {
    DocumentChanges { after: Position(after), through: Position(after + 1), put, ..Default::default() }
}

fn named(lookup: &str, name: &str) -> DocumentQuery {
    let mut query = DocumentQuery::default();
    query.token = Some((lookup.into(), hash(name)));
    query
}

async fn names(store: &SqliteDocuments, build: BuildId, query: &DocumentQuery) -> Vec<String> {
    let page = store.page(build, query).await.unwrap();
    page.documents.iter().map(|document| document.key.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_instances_one_applies_a_page_and_both_read_it() {
    let dir = TempDir::new().unwrap();
    let (left, right) = (open(&dir).await, open(&dir).await);
    let (build, ada) = (begin(&left).await, key("ada"));
    for n in 0..20 {
        let page = || changes(n, vec![document(&format!("c-{n}"), "{}", &ada)]);
        let (one, other) = tokio::join!(left.commit(build, page()), right.commit(build, page()));
        let refused = [one, other].into_iter().filter_map(Result::err).collect::<Vec<_>>();
        assert_eq!(refused.len(), 1, "one of two gets in");
        assert_eq!(refused[0].kind(), ErrorKind::Conflict);
        assert!(refused[0].to_string().contains("expected"), "{}", refused[0]);
    }
    for store in [&left, &right] {
        assert_eq!(store.builds().await.unwrap()[0].position, Position(20));
        assert_eq!(names(store, build, &DocumentQuery::default()).await.len(), 20);
    }
    assert_eq!(right.forget(&erased([ada.id()])).await.unwrap().records, 20);
    let late = left.commit(build, changes(20, vec![document("c-0", "{}", &ada)])).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Erased);
    assert_eq!(left.held_under(&[ada.id()]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_any_more_is_whole_or_not_there() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let (build, ada) = (begin(&store).await, key("ada"));
    for n in 0..20 {
        let put = (0..10).map(|m| document(&format!("c-{n}-{m}"), "{}", &ada)).collect();
        assert!(store.commit(build, changes(n, put)).now_or_never().is_none());
    }
    // It waits behind the others.
    store.note(build, None).await.unwrap();
    let position = store.builds().await.unwrap()[0].position;
    let mut all = DocumentQuery::default();
    all.limit = 1000;
    assert_eq!(names(&store, build, &all).await.len() as u64, 10 * position.0);
    store.commit(build, changes(position.0, vec![document("last", "{}", &ada)])).await.unwrap();
}

#[tokio::test]
async fn what_documents_are_found_by_is_kept_whether_it_is_fresh_or_not() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let build = begin(&store).await;
    let keys: Vec<Key> = (0..300).map(|n| key(&format!("c-{n}"))).collect();
    let put = |open: &str| -> Vec<Document> {
        (0..300).map(|n| document(&format!("c-{n}"), open, &keys[n])).collect()
    };
    store.commit(build, changes(0, put("{}"))).await.unwrap();
    assert_eq!(number(&path(&dir), "SELECT count(*) FROM fresh").await, 600);
    assert_eq!(names(&store, build, &named("name", "c-17")).await, ["c-17"]);
    assert_eq!(store.held_under(&[keys[17].id()]).await.unwrap(), 1);

    // A small commit leaves none fresh.
    store.commit(build, changes(1, vec![document("c-17", "{\"n\":1}", &keys[18])])).await.unwrap();
    assert_eq!(number(&path(&dir), "SELECT count(*) FROM fresh").await, 0);
    assert_eq!(number(&path(&dir), "SELECT count(*) FROM entry").await, 600);
    assert_eq!(store.held_under(&[keys[17].id()]).await.unwrap(), 0);
    assert_eq!(store.held_under(&[keys[18].id()]).await.unwrap(), 2);

    // The same again is found by the same: nothing new.
    store.commit(build, changes(2, put("{\"n\":2}"))).await.unwrap();
    assert_eq!(number(&path(&dir), "SELECT count(*) FROM found").await, 600);
    let remove = (0..100).map(|n| put("{}")[n].key.clone()).collect();
    let removed = DocumentChanges { after: Position(3), through: Position(4), remove, ..Default::default() };
    store.commit(build, removed).await.unwrap();
    assert_eq!(number(&path(&dir), "SELECT count(*) FROM found").await, 400);
    assert_eq!(store.forget(&erased(keys.iter().map(Key::id))).await.unwrap().records, 200);
    assert_eq!(number(&path(&dir), "SELECT count(*) FROM found").await, 0);
    assert!(names(&store, build, &named("name", "c-150")).await.is_empty());
}

#[tokio::test]
async fn many_fresh_entries_are_moved_to_where_they_belong() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let (build, ada) = (begin(&store).await, key("ada"));
    let template = document("c", "{}", &ada);
    let put = (0..17_000)
        .map(|n| {
            let mut document = template.clone();
            document.key = format!("c-{n}").parse().unwrap();
            document.tokens[0].hash = hash(&format!("c-{n}"));
            document
        })
        .collect();
    store.commit(build, changes(0, put)).await.unwrap();
    assert_eq!(number(&path(&dir), "SELECT count(*) FROM fresh").await, 0);
    assert_eq!(number(&path(&dir), "SELECT count(*) FROM entry").await, 34_000);
    assert_eq!(names(&store, build, &named("name", "c-16999")).await, ["c-16999"]);
    store.end(build).await.unwrap();
    assert_eq!(
        number(&path(&dir), "SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM document)").await,
        0
    );
}

#[tokio::test]
async fn a_page_of_changes_with_a_document_twice_is_refused() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let (build, ada) = (begin(&store).await, key("ada"));
    let twice = vec![document("c-1", "{}", &ada); 2];
    assert_eq!(store.commit(build, changes(0, twice)).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(store.builds().await.unwrap()[0].position, Position::ZERO);
    store.commit(build, changes(0, vec![document("c-1", "{}", &ada)])).await.unwrap();
}

#[tokio::test]
async fn a_damaged_document_is_corrupt_and_never_another_one() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let (build, ada) = (begin(&store).await, key("ada"));
    let given = document("c-1", "{\"plan\":\"gold\"}", &ada);
    store.commit(build, changes(0, vec![given.clone()])).await.unwrap();
    let mut gold = DocumentQuery::default();
    gold.filters = vec![oubliette_core::Filter {
        at: "/plan".into(),
        is: oubliette_core::Comparison::Equal,
        value: "gold".into(),
    }];
    for damage in [
        "carried = substr(carried, 1, 20)",
        "carried = x'01'",
        "carried = CAST(carried || x'00' AS BLOB)",
        "tokens = substr(tokens, 1, 9)",
        "tokens = CAST(tokens || x'00' AS BLOB)",
        "lost = x'00'",
        "open = '{\"plan\":'",
    ] {
        sql(
            &path(&dir),
            &format!("CREATE TABLE before AS SELECT * FROM document; UPDATE document SET {damage}"),
        )
        .await;
        let read = store.page(build, &gold).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Corrupt, "{damage}");
        sql(
            &path(&dir),
            "UPDATE document SET (open, carried, tokens, lost) = (SELECT open, carried, tokens, lost FROM before);
             DROP TABLE before",
        )
        .await;
        assert_eq!(store.page(build, &gold).await.unwrap().documents, std::slice::from_ref(&given));
    }
    sql(&path(&dir), "UPDATE build SET state = 'gone'").await;
    assert_eq!(store.builds().await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn an_index_on_what_is_no_field_is_refused() {
    let dir = TempDir::new().unwrap();
    for (projection, pointer) in [("people", "plan"), ("no name", "/plan"), ("", "/plan")] {
        let opened = SqliteDocuments::builder(path(&dir)).index(projection, pointer).open().await;
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::Invalid, "{projection} {pointer}");
    }
}
