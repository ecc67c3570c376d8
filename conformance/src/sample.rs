//! What cases append and mint: small, and different each time.

use std::fmt::Debug;

use futures::TryStreamExt;
use oubliette_core::alias::{AliasKind, AliasName, Naming};
use oubliette_core::seal::{Nonces, Padding, Place, seal};
use oubliette_core::{
    Appended, Batch, Envelope, Erasure, Error, ErrorKind, EventId, EventLog, EventType, Expect, Key, KeyId,
    KeyState, KeyVault, Purpose, Query, Reason, Recorded, Result, Scope, StreamBatch, StreamId, SubjectId,
    Target,
};

pub(crate) const CONTRACT: Purpose = Purpose::declared("contract");
pub(crate) const MARKETING: Purpose = Purpose::declared("marketing");

pub(crate) fn stream(name: impl AsRef<str>) -> StreamId {
    StreamId::new(name).unwrap()
}

pub(crate) fn subject(name: &str) -> SubjectId {
    SubjectId::new(name).unwrap()
}

pub(crate) fn scope(name: &str, purpose: Purpose) -> Scope {
    Scope::new(subject(name), purpose)
}

/// A key that no vault knows: a log does not ask.
pub(crate) fn key() -> Key {
    Key::generate(scope("ada", CONTRACT)).unwrap()
}

/// An event with this open part.
pub(crate) fn event(open: impl Into<Vec<u8>>) -> Envelope {
    let event_type = EventType::new("Registered").unwrap();
    Envelope { id: EventId::random().unwrap(), event_type, schema: 1, open: open.into(), parts: Vec::new() }
}

/// An event whose open part is a number.
pub(crate) fn numbered(n: u64) -> Envelope {
    event(format!("{{\"type\":\"Registered\",\"n\":{n}}}"))
}

pub(crate) fn numbers(range: std::ops::Range<u64>) -> Vec<Envelope> {
    range.map(numbered).collect()
}

/// An event with one part for each list of owners.
pub(crate) fn sealed(stream: &StreamId, parts: &[&[&Key]]) -> Envelope {
    padded(stream, parts, 0)
}

/// The same, each part longer by so many bytes.
pub(crate) fn padded(stream: &StreamId, parts: &[&[&Key]], bytes: usize) -> Envelope {
    let text = format!(r#"["Ada Lovelace{}"]"#, "x".repeat(bytes));
    let mut envelope = numbered(0);
    let mut nonces = Nonces::of(parts.len());
    for (part, owners) in (0..).zip(parts) {
        let place = Place { stream, event: envelope.id, part };
        let owners: Vec<Key> = owners.iter().copied().cloned().collect();
        let part = seal(place, &owners, text.as_bytes(), Padding::None, &mut nonces).unwrap();
        envelope.parts.push(Some(part));
    }
    envelope
}

pub(crate) fn entry(stream: &StreamId, expect: Expect, events: Vec<Envelope>) -> StreamBatch {
    StreamBatch { stream: stream.clone(), expect, events }
}

/// As many new streams as one batch of this log can bear, at most three.
pub(crate) fn streams(log: &dyn EventLog, prefix: &str) -> Vec<StreamId> {
    let count = log.limits().streams_per_batch.min(3);
    (0..count).map(|n| stream(format!("{prefix}-{n}"))).collect()
}

/// Appends what must be taken.
pub(crate) async fn append(log: &dyn EventLog, stream: &StreamId, events: Vec<Envelope>) -> Appended {
    let batch = Batch::one(stream.clone(), Expect::Any, events);
    log.append(batch).await.expect("a log takes a valid batch")
}

/// Reads what must be readable.
pub(crate) async fn read(log: &dyn EventLog, query: Query) -> Vec<Recorded> {
    let pages: Vec<_> = log.read(query).try_collect().await.expect("a log can be read");
    pages.into_iter().flatten().collect()
}

/// Compares what is long, and tells the first difference only.
#[track_caller]
pub(crate) fn assert_same<T: Debug + PartialEq>(are: &[T], should: &[T], promise: &str) {
    if let Some((is, should)) = are.iter().zip(should).find(|(is, should)| is != should) {
        panic!("{promise}: there is {is:?}, and should be {should:?}");
    }
    assert_eq!(are.len(), should.len(), "{promise}");
}

/// The error of what must be refused.
#[track_caller]
pub(crate) fn refused<T: Debug>(result: Result<T>, kind: ErrorKind, promise: &str) -> Error {
    match result {
        Err(error) if error.kind() == kind => error,
        other => panic!("{promise}: {kind:?}, not {other:?}"),
    }
}

/// How many of those that wanted the same got it: every other one has a conflict.
#[track_caller]
pub(crate) fn winners<T>(results: impl IntoIterator<Item = Result<T>>) -> usize {
    let mut winners = 0;
    for result in results {
        match result {
            Ok(_) => winners += 1,
            Err(error) => {
                let kind = error.kind();
                assert_eq!(kind, ErrorKind::Conflict, "who comes second gets a conflict: {error:?}");
            }
        }
    }
    winners
}

/// The key of a scope that must be given.
pub(crate) async fn mint(vault: &dyn KeyVault, scope: &Scope) -> Key {
    let mut keys =
        vault.mint(std::slice::from_ref(scope)).await.expect("a vault mints where there is no fence");
    assert_eq!(keys.len(), 1, "a mint answers for each scope");
    keys.remove(0)
}

/// The state of one key.
pub(crate) async fn find(vault: &dyn KeyVault, id: KeyId) -> KeyState {
    let mut states = vault.find(&[id]).await.expect("a vault can be asked");
    assert_eq!(states.len(), 1, "a find answers for each key");
    states.remove(0)
}

/// A request that must be taken.
pub(crate) async fn register(vault: &dyn KeyVault, target: &Target) -> Erasure {
    vault.register(target, &Reason::default()).await.expect("a vault takes a request to erase")
}

/// The whole of what a vault does for an erasure.
pub(crate) async fn erase(vault: &dyn KeyVault, target: &Target) -> Erasure {
    let erasure = register(vault, target).await;
    vault.fence(erasure.id).await.expect("a registered erasure can be fenced");
    vault.destroy(erasure.id).await.expect("a fenced erasure can be destroyed");
    erasure
}

#[track_caller]
pub(crate) fn assert_live(state: &KeyState, key: &Key, promise: &str) {
    match state {
        KeyState::Live(live) => {
            let same = (live.id(), live.scope(), live.secret()) == (key.id(), key.scope(), key.secret());
            assert!(same, "{promise}: it is another key");
        }
        other => panic!("{promise}: it is {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_destroyed(state: &KeyState, key: &Key, promise: &str) {
    let destroyed = matches!(state, KeyState::Destroyed(_));
    assert!(destroyed, "{promise}: {} is {state:?}", key.id());
}

#[track_caller]
pub(crate) fn assert_unknown(state: &KeyState, promise: &str) {
    let unknown = matches!(state, KeyState::Unknown);
    assert!(unknown, "{promise}: it is {state:?}");
}

pub(crate) fn login(text: &str) -> AliasName {
    AliasName::new(AliasKind::Identifier, text)
}

/// Records that a person goes by these aliases, and gives the aliases' pseudonyms.
pub(crate) async fn claim(vault: &dyn KeyVault, name: &str, aliases: &[AliasName]) -> Vec<SubjectId> {
    record(vault, Some(subject(name)), aliases).await
}

/// Records that aliases stand together, and gives their pseudonyms.
pub(crate) async fn link(vault: &dyn KeyVault, aliases: &[AliasName]) -> Vec<SubjectId> {
    record(vault, None, aliases).await
}

async fn record(vault: &dyn KeyVault, subject: Option<SubjectId>, aliases: &[AliasName]) -> Vec<SubjectId> {
    let naming = Naming { subject, aliases: aliases.to_vec() };
    let mut named = vault.name(&[naming]).await.expect("a vault records who goes by which alias");
    assert_eq!(named.len(), 1, "a name answers for each naming");
    let pseudonyms = named.remove(0);
    assert_eq!(pseudonyms.len(), aliases.len(), "a naming gives a pseudonym for each alias");
    pseudonyms
}
