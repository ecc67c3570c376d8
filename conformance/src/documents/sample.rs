//! Documents that cases save.

use oubliette_core::seal::{Nonces, Padding, Place, seal};
use oubliette_core::{
    Build, BuildId, CarriedPart, Document, DocumentChanges, DocumentKey, DocumentQuery, Documents,
    ErasedKeys, ErasureId, EventId, Forgotten, Key, KeyId, ProjectionName, Role, Slot, Token,
};

use crate::sample::stream;

pub(super) fn projection(name: &str) -> ProjectionName {
    ProjectionName::new(name).unwrap()
}

pub(super) fn named(key: impl AsRef<str>) -> DocumentKey {
    DocumentKey::new(key).unwrap()
}

/// A document that nobody is in.
pub(super) fn document(key: impl AsRef<str>, open: impl Into<Vec<u8>>) -> Document {
    let (carried, tokens, lost) = Default::default();
    Document { key: named(key), open: open.into(), carried, tokens, lost }
}

/// A document that nobody is in, and that says a number.
pub(super) fn numbered(key: impl AsRef<str>, n: u64) -> Document {
    document(key, format!("{{\"n\":{n}}}"))
}

/// A document with one part, place and token for each list of owners.
pub(super) fn carrying(key: impl AsRef<str>, parts: &[&[&Key]]) -> Document {
    let places: Vec<&str> = parts.iter().map(|_| "null").collect();
    let mut document = document(key, format!("{{\"values\":[{}]}}", places.join(",")));
    for (n, owners) in (0..).zip(parts) {
        let part = part(n, owners, br#"["Ada Lovelace"]"#);
        document.tokens.push(token("name", random(), part.sealed.owners()));
        document.carried.parts.push(part);
        let at = format!("/values/{n}");
        document.carried.slots.push(Slot { at, value: Some((n, 0)), purpose: None, null: None });
    }
    document
}

pub(super) fn part(number: u16, owners: &[&Key], text: &[u8]) -> CarriedPart {
    let (stream, event) = (stream("stream"), EventId::random().unwrap());
    let owners: Vec<Key> = owners.iter().copied().cloned().collect();
    let place = Place { stream: &stream, event, part: number };
    let sealed = seal(place, &owners, text, Padding::None, &mut Nonces::of(1)).unwrap();
    CarriedPart { stream, event, number, sealed }
}

pub(super) fn token(lookup: &str, hash: [u8; 16], owners: impl IntoIterator<Item = KeyId>) -> Token {
    Token { lookup: lookup.to_owned(), hash, owners: owners.into_iter().collect() }
}

/// Sixteen bytes that stand nowhere else.
pub(super) fn random() -> [u8; 16] {
    *EventId::random().unwrap().as_bytes()
}

/// A build that must be begun.
pub(super) async fn begin(store: &dyn Documents, name: &str) -> BuildId {
    store.begin(&projection(name), 1, Role::Successor).await.expect("a build can be begun")
}

/// What the store says of a build that must be there.
pub(super) async fn record(store: &dyn Documents, build: BuildId) -> Build {
    let mut builds = store.builds().await.expect("builds can be listed").into_iter();
    builds.find(|record| record.id == build).expect("a build that was begun is listed")
}

/// The changes that take a build, where it stands, one position on.
pub(super) async fn next(
    store: &dyn Documents,
    build: BuildId,
    put: Vec<Document>,
    remove: &[&str],
) -> DocumentChanges {
    let after = record(store, build).await.position;
    let remove = remove.iter().map(named).collect();
    DocumentChanges { after, through: after.plus(1), put, remove, skipped: Vec::new() }
}

/// Saves what must be taken.
pub(super) async fn save(store: &dyn Documents, build: BuildId, put: Vec<Document>) {
    let changes = next(store, build, put, &[]).await;
    store.commit(build, changes).await.expect("a commit that follows is taken");
}

/// Removes what must go.
pub(super) async fn remove(store: &dyn Documents, build: BuildId, keys: &[&str]) {
    let changes = next(store, build, Vec::new(), keys).await;
    store.commit(build, changes).await.expect("a commit that follows is taken");
}

/// Every document of a build, by key.
pub(super) async fn all(store: &dyn Documents, build: BuildId) -> Vec<Document> {
    query(store, build, everything()).await
}

pub(super) fn everything() -> DocumentQuery {
    let mut query = DocumentQuery::default();
    query.limit = 10_000;
    query
}

/// What a query that fits one page finds.
pub(super) async fn query(store: &dyn Documents, build: BuildId, query: DocumentQuery) -> Vec<Document> {
    let page = store.page(build, &query).await.expect("a build can be read");
    assert!(!page.more, "a page that holds all says that no more follow");
    page.documents
}

/// An erasure that must be taken.
pub(super) async fn forget(store: &dyn Documents, keys: &[KeyId]) -> Forgotten {
    store.forget(&erased(keys)).await.expect("a store of documents forgets")
}

pub(super) fn erased(keys: &[KeyId]) -> ErasedKeys {
    ErasedKeys { erasure: ErasureId::random().unwrap(), keys: keys.to_vec() }
}

pub(super) fn by_key(mut documents: Vec<Document>) -> Vec<Document> {
    documents.sort_by(|a, b| a.key.as_str().as_bytes().cmp(b.key.as_str().as_bytes()));
    documents
}
