//! Documents in a schema: several instances, odd values, damaged rows, and declared indexes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod common;

use std::sync::Arc;

use common::{begin, changes, document, erased, hash, key};
use oubliette_backend_postgres::PostgresDocuments;
use oubliette_core::{
    BuildId, Comparison, DocumentChanges, DocumentQuery, Documents as _, ErrorKind, Filter, Key, Position,
};
use oubliette_servers::Postgres;
use serde_json::{Value, json};
use tokio::task::JoinSet;

fn filtered(at: &str, is: Comparison, value: Value) -> DocumentQuery {
    let mut query = DocumentQuery::default();
    query.filters = vec![Filter { at: at.into(), is, value }];
    query
}

async fn names(store: &PostgresDocuments, build: BuildId, query: &DocumentQuery) -> Vec<String> {
    let page = store.page(build, query).await.unwrap();
    page.documents.iter().map(|document| document.key.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_instances_one_applies_a_page_and_both_read_it() {
    let server = Postgres::fresh();
    let left = PostgresDocuments::open(&server.url()).await.unwrap();
    let right = PostgresDocuments::open(&server.url()).await.unwrap();
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
async fn what_no_jsonb_holds_is_stored_to_the_byte_and_found_by_its_other_fields() {
    let server = Postgres::fresh();
    let store = PostgresDocuments::open(&server.url()).await.unwrap();
    let (build, ada) = (begin(&store).await, key("ada"));
    let opens: [&[u8]; 9] = [
        br#"{"n":1,"s":"a\u0000b","na\u0000me":1}"#,
        br#"{"n":1,"s":"a\u0001b"}"#,
        br#"{"n":1,"s":"a\u0001\u0001b"}"#,
        br#"{"n":1,"s":"ab"}"#,
        br#"{"n":1,"s":1e308}"#,
        br#"{"n":1e999}"#,
        b"{\"n\":1\0}",
        b"\xff\xfe",
        b"",
    ];
    let put: Vec<_> =
        (0..).zip(opens).map(|(n, open): (u8, _)| document(&format!("c-{n}"), open, &ada)).collect();
    store.commit(build, changes(0, put.clone())).await.unwrap();
    assert_eq!(store.page(build, &DocumentQuery::default()).await.unwrap().documents, put);
    let finds = async |at: &str, is, value, expected: &[&str]| {
        let told = format!("{at} {is:?} {value}");
        assert_eq!(names(&store, build, &filtered(at, is, value)).await, expected, "{told}");
    };
    finds("/n", Comparison::Equal, json!(1), &["c-0", "c-1", "c-2", "c-3", "c-4"]).await;
    finds("/s", Comparison::Equal, json!("a\0b"), &["c-0"]).await;
    finds("/s", Comparison::Equal, json!("a\u{1}b"), &["c-1"]).await;
    finds("/s", Comparison::Equal, json!("a\u{1}\u{1}b"), &["c-2"]).await;
    finds("/s", Comparison::Less, json!("a\u{1}b"), &["c-0", "c-2"]).await;
    finds("/s", Comparison::More, json!("a\u{1}\u{1}b"), &["c-1", "c-3"]).await;
    finds("/s", Comparison::More, json!(1e307), &["c-4"]).await;
    finds("/na\0me", Comparison::Equal, json!(1), &["c-0"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_made_once_and_finds_values_of_any_type_and_length() {
    let server = Arc::new(Postgres::fresh());
    let mut opening = JoinSet::new();
    for _ in 0..4 {
        let server = server.clone();
        opening.spawn(async move {
            let builder = PostgresDocuments::builder(&server.url()).index("people", "/plan");
            builder.index("people", "/it's \"odd\"~1\\").open().await.unwrap()
        });
    }
    let stores = opening.join_all().await;
    let indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'oubliette_documents' \
                   AND indexname LIKE 'open_%'";
    assert_eq!(server.sql(indexes), "2");
    let statistics = "SELECT string_agg(DISTINCT attstattarget::text, ',') FROM pg_attribute JOIN pg_class \
                      ON pg_class.oid = attrelid WHERE relname LIKE 'open_%' AND attnum = 2";
    assert_eq!(server.sql(statistics), "0", "no values are kept in statistics");
    let (store, ada) = (&stores[0], key("ada"));
    let build = begin(store).await;
    let long = "x".repeat(1 << 20);
    let values = [json!("gold"), json!(7), json!(7.5), json!(true), json!(null), json!(long)];
    for at in ["plan", "it's \"odd\"/\\"] {
        let put = (0..)
            .zip(&values)
            .map(|(n, value): (u8, _)| document(&format!("{n}"), json!({ at: value }).to_string(), &ada));
        let position = store.builds().await.unwrap()[0].position.0;
        store.commit(build, changes(position, put.collect())).await.unwrap();
        let at = format!("/{}", at.replace('/', "~1"));
        for (n, value) in values.iter().enumerate() {
            let query = filtered(&at, Comparison::Equal, value.clone());
            for store in &stores {
                assert_eq!(names(store, build, &query).await, [n.to_string()]);
            }
        }
        assert_eq!(names(store, build, &filtered(&at, Comparison::Equal, json!("7"))).await, [""; 0]);
        assert_eq!(names(store, build, &filtered(&at, Comparison::More, json!(7))).await, ["2"]);
    }
}

#[tokio::test]
async fn an_index_on_what_is_no_field_is_refused() {
    let server = Postgres::fresh();
    for (projection, pointer) in [("people", "plan"), ("no name", "/plan"), ("", "/plan")] {
        let opened = PostgresDocuments::builder(&server.url()).index(projection, pointer).open().await;
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::Invalid, "{projection} {pointer}");
    }
}

#[tokio::test]
async fn a_page_of_changes_with_a_document_twice_is_refused() {
    let server = Postgres::fresh();
    let store = PostgresDocuments::open(&server.url()).await.unwrap();
    let (build, ada) = (begin(&store).await, key("ada"));
    let one = document("c-1", "{}", &ada);
    let both = DocumentChanges { remove: vec![one.key.clone()], ..changes(0, vec![one.clone()]) };
    for twice in [changes(0, vec![one.clone(), one.clone()]), both] {
        assert_eq!(store.commit(build, twice).await.unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(store.builds().await.unwrap()[0].position, Position::ZERO);
    }
    store.commit(build, changes(0, vec![one])).await.unwrap();
}

#[tokio::test]
async fn what_documents_are_found_by_goes_and_comes_with_them() {
    let server = Postgres::fresh();
    let store = PostgresDocuments::open(&server.url()).await.unwrap();
    let build = begin(&store).await;
    let keys: Vec<Key> = (0..600).map(|n| key(&format!("c-{n}"))).collect();
    let put = |open: &str| (0..600).map(|n| document(&format!("c-{n}"), open, &keys[n])).collect::<Vec<_>>();
    let entries = || server.sql("SELECT count(*) FROM oubliette_documents.entry");
    store.commit(build, changes(0, put("{}"))).await.unwrap();
    assert_eq!(entries(), "1200");
    let mut named = DocumentQuery::default();
    named.token = Some(("name".into(), hash("c-17")));
    assert_eq!(names(&store, build, &named).await, ["c-17"]);
    store.commit(build, changes(1, vec![document("c-17", "{\"n\":1}", &keys[18])])).await.unwrap();
    assert_eq!(store.held_under(&[keys[17].id()]).await.unwrap(), 0);
    assert_eq!(store.held_under(&[keys[18].id()]).await.unwrap(), 2);
    // The same again is found by the same: nothing new.
    store.commit(build, changes(2, put("{\"n\":2}"))).await.unwrap();
    assert_eq!(entries(), "1200");
    let remove = put("{}").into_iter().take(100).map(|document| document.key).collect();
    store.commit(build, DocumentChanges { remove, ..changes(3, Vec::new()) }).await.unwrap();
    assert_eq!(entries(), "1000");
    // More than one transaction prunes.
    assert_eq!(store.forget(&erased(keys.iter().map(Key::id))).await.unwrap().records, 500);
    assert_eq!(entries(), "0");
    assert_eq!(names(&store, build, &DocumentQuery::default()).await.len(), 100);
}

#[tokio::test]
async fn a_damaged_document_is_corrupt_and_never_another_one() {
    let server = Postgres::fresh();
    let store = PostgresDocuments::open(&server.url()).await.unwrap();
    let (build, ada) = (begin(&store).await, key("ada"));
    let given = document("c-1", "{\"plan\":\"gold\"}", &ada);
    store.commit(build, changes(0, vec![given.clone()])).await.unwrap();
    let gold = filtered("/plan", Comparison::Equal, json!("gold"));
    for damage in [
        "carried = substring(carried, 1, 20)",
        "carried = '\\x01'",
        "tokens = substring(tokens, 1, 9)",
        "lost = '\\x00'",
        "open = '{\"plan\":'",
        "open = NULL",
        "key = 'c-2'",
        "sum = sum + 1",
    ] {
        let columns = "key, open, carried, tokens, lost, sum";
        server.sql(&format!(
            "CREATE TABLE before AS SELECT * FROM oubliette_documents.document; \
             UPDATE oubliette_documents.document SET {damage}"
        ));
        let read = store.page(build, &gold).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Corrupt, "{damage}");
        server.sql(&format!(
            "UPDATE oubliette_documents.document SET ({columns}) = (SELECT {columns} FROM before); DROP TABLE before"
        ));
        assert_eq!(store.page(build, &gold).await.unwrap().documents, std::slice::from_ref(&given));
    }
    server.sql("UPDATE oubliette_documents.build SET state = 'gone'");
    assert_eq!(store.builds().await.unwrap_err().kind(), ErrorKind::Corrupt);
}
