//! Law 4: unknown is not gone.

use std::collections::HashSet;
use std::sync::Arc;

use futures::TryStreamExt;
use oubliette_core::memory::{MemoryLedger, MemoryVault};
use oubliette_core::{
    BuildState, DocumentChanges, DocumentKey, DocumentQuery, ErrorKind, EventLog, Key, KeyState, KeyVault,
    Oubliette, Query, Result, SealedPart, SealedState, Snapshot, StreamId,
};

use super::ciphertext::Ciphertext;
use super::keys::assert_tells;
use super::liars::VaultLie;
use super::story::{Account, POLICY, Story, events, projection, read, told};
use super::{Evidence, House};
use crate::sample::{self, refused, stream};

/// While the vault is out of reach nothing reads as forgotten, and nothing is certified.
pub(super) async fn a_vault_out_of_reach_is_an_error(parts: House) -> Evidence {
    const PROMISE: &str = "a vault that is out of reach is an error, and no erasure";
    let (parts, down) = parts.with_vault(VaultLie::IsDown).await;
    let story = told(parts).await;
    let texts = [story.cast.lost(), story.cast.kept()].concat();
    let running = story.again().await.build().await.expect("a house opens twice");
    for house in [&story.house, &running, &story.house] {
        let before = read(house, &projection(house).await, &story.cast).await.expect("a house can be read");
        assert_tells(&before.text(), &texts, true, "nobody was erased, and all is read");
    }
    down.turn(true);
    for house in [&story.house, &running] {
        refused(events(house, &HashSet::new()).await, ErrorKind::Unavailable, PROMISE);
        let all = DocumentQuery::all();
        refused(story.projection.query(&all).await, ErrorKind::Unavailable, PROMISE);
        let accounts = house.aggregates::<Account>(POLICY).expect("there are snapshots");
        refused(accounts.load(&stream("ada")).await.map(|_| ()), ErrorKind::Unavailable, PROMISE);
        refused(house.erase(&story.cast.erased()).await, ErrorKind::Unavailable, PROMISE);
    }
    down.turn(false);
    assert!(story.house.erasures().await.expect("a ledger can be read").is_empty(), "{PROMISE}");
    let after = story.read().await;
    assert_tells(&after.text(), &texts, true, "once the vault is back all is read");
    let found_before = texts.len() as u64;
    Evidence { trials: 8, found_before, found_of_others: found_before, ..Evidence::default() }
}

/// A part whose key the vault has never seen is an error, wherever it is read.
pub(super) async fn a_key_that_nobody_knows_is_an_error(parts: House) -> Evidence {
    const PROMISE: &str = "a key that the vault has never seen is an error, and no erasure";
    let story = told(parts).await;
    let (unknown, known) = (sample::key(), known(&story).await);
    let strange: [(&str, &[&Key]); 2] = [("strange", &[&unknown]), ("half-strange", &[&unknown, &known])];
    for (name, owners) in strange {
        let stream = stream(name);
        let envelope = sample::sealed(&stream, &[owners]);
        sample::append(&**story.house.log(), &stream, vec![envelope]).await;
    }
    let running = story.again().await.build().await.expect("a house opens twice");
    story.erase().await;
    for house in [&story.house, &running] {
        for (name, _) in strange {
            let read = one(house, &stream(name)).await;
            refused(read, ErrorKind::UnknownKey, PROMISE);
        }
    }
    let document = strange_document(&story, &unknown).await;
    refused(story.projection.get(&document).await, ErrorKind::UnknownKey, PROMISE);
    let read = one(&story.house, &stream(story.cast.neighbour().id)).await.expect("others are read");
    assert!(read.contains("Evelyn"), "void: nothing of others is read");
    Evidence { trials: 5, found_before: 1, found_of_others: 1, ..Evidence::default() }
}

/// A vault of somebody else opens nothing, and the house does not open with it.
pub(super) async fn another_vault_opens_no_house(parts: House) -> Evidence {
    const PROMISE: &str = "a house does not open with a vault that is not its own";
    let story = told(parts).await;
    let old = story.ciphertexts().await;
    let other = MemoryVault::new().expect("there is randomness");
    let log = story.parts.log.open().await;
    let head = log.head().await.expect("a log has a head");
    let house = Oubliette::builder(log.clone(), Arc::new(other.clone()), Arc::new(MemoryLedger::new()))
        .documents(story.parts.documents.open().await)
        .snapshots(story.parts.snapshots.open().await);
    refused(house.build().await, ErrorKind::WrongVault, PROMISE);
    assert_eq!(log.head().await.expect("a log has a head"), head, "{PROMISE}: the log grew");
    let ids: Vec<_> = old.iter().flat_map(Ciphertext::owners).collect();
    for state in other.find(&ids).await.expect("a vault can be asked") {
        let unknown = matches!(state, KeyState::Unknown);
        assert!(unknown, "void: the other vault knows a key of this one");
    }
    let again = story.again().await.build().await.expect("with its own vault the house opens");
    let read = events(&again, &HashSet::new()).await.expect("a house can be read");
    assert_eq!(read, story.read().await.events, "with its own vault all is read");
    Evidence {
        trials: ids.len() as u64,
        found_before: 1,
        found_of_others: read.len() as u64,
        ..Evidence::default()
    }
}

/// A part that was changed is an error in the log and in documents; a snapshot that was is
/// passed over.
pub(super) async fn a_damaged_part_is_an_error(parts: House) -> Evidence {
    const PROMISE: &str = "what was damaged is an error, and no erasure";
    let story = told(parts).await;
    let before = story.read().await;
    let key = known(&story).await;
    let damaged = stream("damaged");
    for at in [0, 20, 40] {
        let mut envelope = sample::sealed(&damaged, &[&[&key]]);
        let part = envelope.parts.remove(0).expect("it has a part");
        envelope.parts.push(Some(flipped(&part, at)));
        sample::append(&**story.house.log(), &damaged, vec![envelope]).await;
        refused(one(&story.house, &damaged).await, ErrorKind::Corrupt, PROMISE);
        drop_stream(&**story.house.log(), &damaged).await;
    }
    // Snapshots are no truth: the state is replayed.
    let snapshots = story.in_snapshots().await;
    let count = snapshots.len() as u64;
    let damaged = snapshots.into_iter().map(|snapshot| {
        let mut bytes = snapshot.sealed.as_bytes().to_vec();
        bytes.last_mut().map(|last| *last ^= 1).expect("it has bytes");
        Snapshot { sealed: SealedState::from_bytes(bytes).expect("its shape is whole"), ..snapshot }
    });
    story
        .house
        .snapshots()
        .expect("there are snapshots")
        .save(damaged.collect())
        .await
        .expect("they are saved");
    assert_eq!(story.read().await.greetings, before.greetings, "a damaged snapshot is passed over");
    // As documents carry it.
    let document = damaged_document(&story).await;
    refused(story.projection.get(&document).await, ErrorKind::Corrupt, PROMISE);
    Evidence { trials: 4 + count, found_before: 4 + count, found_of_others: count, ..Evidence::default() }
}

/// A key of somebody who stays.
async fn known(story: &Story) -> Key {
    sample::mint(&**story.house.vault(), &sample::scope(story.cast.neighbour().id, sample::CONTRACT)).await
}

/// The events of one stream, as JSON.
async fn one(house: &Oubliette, stream: &StreamId) -> Result<String> {
    let events: Vec<_> = house.read(Query::stream(stream.clone())).try_collect().await?;
    let json = events.iter().map(|event| event.json().map(|json| json.to_string()));
    Ok(json.collect::<Result<Vec<_>>>()?.join("\n"))
}

async fn drop_stream(log: &dyn EventLog, stream: &StreamId) {
    log.drop_stream(stream).await.expect("a stream can be dropped");
}

/// The part with one bit changed, so many bytes before its end.
fn flipped(part: &SealedPart, before_end: usize) -> SealedPart {
    let mut bytes = part.as_bytes().to_vec();
    let at = bytes.len() - 1 - before_end;
    bytes[at] ^= 1;
    SealedPart::from_bytes(bytes).expect("its shape is whole")
}

/// A copy of a document, of which a part was changed.
async fn damaged_document(story: &Story) -> DocumentKey {
    copied(story, "damaged", |part| flipped(part, 0)).await
}

/// A copy of a document that carries a part under a key that nobody knows.
async fn strange_document(story: &Story, key: &Key) -> DocumentKey {
    let stream = stream("strange");
    let sealed = sample::sealed(&stream, &[&[key]]).parts.remove(0).expect("it has a part");
    copied(story, "strange", |_| sealed.clone()).await
}

/// Puts a copy of a neighbour's document beside it, each part of it changed so.
async fn copied(story: &Story, name: &str, change: impl Fn(&SealedPart) -> SealedPart) -> DocumentKey {
    let store = story.parts.documents.open().await;
    let builds = story.projection.builds().await.expect("builds can be listed");
    let build = builds.into_iter().find(|build| build.state == BuildState::Served);
    let build = build.expect("one build is served");
    let key = |name: &str| DocumentKey::new(name).expect("a name");
    let found = store.get(build.id, &[key(story.cast.neighbour().id)]).await.expect("documents can be read");
    let mut document = found.into_iter().flatten().next().expect("a neighbour has a document");
    document.key = key(name);
    for part in &mut document.carried.parts {
        part.sealed = change(&part.sealed);
    }
    document.tokens.clear();
    let put = vec![document];
    let changes =
        DocumentChanges { after: build.position, through: build.position, put, ..Default::default() };
    store.commit(build.id, changes).await.expect("a document can be put beside others");
    key(name)
}
