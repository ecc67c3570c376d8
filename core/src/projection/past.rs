//! Projections as of a point of the past, from the nearest snapshot.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde::Serialize;

use super::Projection;
use super::apart::Apart;
use super::feed::Until;
use super::read::Answer;
use super::view::View;
use crate::bytes::{Rest, put_counted, put_number};
use crate::document::{Carried, Document, Token};
use crate::documents::{DocumentChanges, DocumentQuery, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{BuildId, DocumentKey, KeyId, Position, Version};
use crate::key::{Key, KeyState};
use crate::log::Query;
use crate::projector::Projector as _;
use crate::snapshot::{SealedState, Series, Snapshot, SnapshotKey, SnapshotKind};

/// Documents that are saved or loaded at once.
const PAGE: usize = 200;
const WHAT: &str = "snapshot";

/// A point of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AsOf {
    /// After the event at this position.
    Position(Position),
    /// Before the first event that the log took later than this.
    Time(Timestamp),
}

impl AsOf {
    /// Whether the point is before an event.
    pub(crate) fn is_before(self, position: Position, recorded_at: Timestamp) -> bool {
        match self {
            Self::Position(last) => position > last,
            Self::Time(last) => recorded_at > last,
        }
    }

    /// The last position that it can be at.
    pub(crate) fn position(self) -> Position {
        match self {
            Self::Position(last) => last,
            Self::Time(_) => Position(u64::MAX),
        }
    }

    fn until(self) -> Until {
        match self {
            Self::Position(last) => Until { position: Some(last), time: None },
            Self::Time(last) => Until { position: None, time: Some(last) },
        }
    }
}

/// A projection as of a point of the past: documents beside those that are served, to be
/// read and then [ended](Past::end).
#[derive(Debug)]
pub struct Past<V: View> {
    apart: Apart<V>,
    /// The position of the last event that is in it, or that it passed over.
    pub position: Position,
}

impl<V: View> Past<V> {
    /// The documents that a query selects.
    ///
    /// # Errors
    /// As [`Projection::query`].
    pub async fn query(&self, query: &DocumentQuery) -> Result<Answer> {
        let projection = &self.apart.projection;
        projection.page_of(self.apart.build, projection.version(), query).await
    }

    /// One document.
    ///
    /// # Errors
    /// As [`Projection::query`].
    pub async fn get(&self, key: &DocumentKey) -> Result<Option<super::DocumentView>> {
        self.apart.projection.document_of(self.apart.build, key).await
    }

    /// Takes the documents away again. What a program that crashed has left is taken away
    /// by a later one.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn end(self) -> Result<()> {
        self.apart.end().await
    }
}

impl<V: View> Projection<V> {
    /// The documents as of a position or a time, as this version of the view makes them,
    /// from the nearest snapshot. What was erased since is null in the past too.
    ///
    /// A position beyond the head is as of the head.
    ///
    /// # Errors
    /// `Incomplete` when the view cannot apply an event; `Unavailable`.
    pub async fn as_of(&self, as_of: AsOf) -> Result<Past<V>> {
        let apart = Apart::begin(self, Role::Scratch).await?;
        let made = async {
            self.load_nearest(&apart, as_of).await?;
            apart.feed(as_of.until()).await?;
            apart.position().await
        };
        match made.await {
            Ok(position) => Ok(Past { apart, position }),
            Err(error) => {
                apart.end().await?;
                Err(error)
            }
        }
    }

    /// Takes a snapshot of the documents that are fed, at the position they have reached,
    /// and keeps the `keep` newest.
    ///
    /// # Errors
    /// `Invalid` when the house has no store of snapshots; `Conflict` when the documents
    /// move on meanwhile; `Unavailable`.
    pub async fn snapshot(&self, keep: usize) -> Result<Position> {
        let mut fed = self.shared.build.lock().await;
        let build = self.fed(&mut fed).await?;
        let position = self.build(build).await?.position;
        self.take_snapshot(build, position, keep).await?;
        Ok(position)
    }

    pub(super) async fn take_snapshot(&self, build: BuildId, at: Position, keep: usize) -> Result<()> {
        let store = self.house().snapshot_store()?;
        let time = self.time_of(at).await?;
        let mut query = DocumentQuery::all().limit(PAGE);
        let mut count = 0;
        loop {
            let page = self.documents().page(build, &query).await?;
            if page.position != at {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "snapshot",
                    "the documents moved on while a snapshot was taken: take it again",
                ));
            }
            count += page.documents.len() as u64;
            let last = page.documents.last().map(|document| document.key.clone());
            store.save(self.seal(page.documents, at, time).await?).await?;
            match last {
                Some(last) if page.more => query = query.after(last),
                _ => break,
            }
        }
        // The head comes last: without it the others are no snapshot.
        let key = self.snapshot_key("");
        let keys = self.house().snapshot_keys(std::iter::empty()).await?;
        let sealed = SealedState::seal(&key, at, &keys, b"")?;
        let head = Snapshot { key: key.clone(), position: at, version: Version(count), at: time, sealed };
        store.save(vec![head]).await?;
        if let Some(oldest) = self.house().oldest_kept(&key, keep).await? {
            store.drop_before(&key.series, None, oldest).await?;
        }
        Ok(())
    }

    async fn seal(&self, documents: Vec<Document>, at: Position, time: Timestamp) -> Result<Vec<Snapshot>> {
        let parts = documents.iter().flat_map(|document| &document.carried.parts).map(|part| &part.sealed);
        let states = self.house().states(parts).await?;
        let dead: HashSet<KeyId> = states
            .iter()
            .filter(|(_, state)| matches!(state, KeyState::Destroyed(_)))
            .map(|(id, _)| *id)
            .collect();
        let mut snapshots = Vec::with_capacity(documents.len());
        for document in documents {
            let document = document.without(&dead);
            let live: Vec<Key> = document
                .owners()
                .iter()
                .filter_map(|id| match states.get(id) {
                    Some(KeyState::Live(key)) => Some(key.clone()),
                    Some(KeyState::Destroyed(_) | KeyState::Unknown) | None => None,
                })
                .collect();
            if live.len() != document.owners().len() {
                return Err(Error::new(
                    ErrorKind::UnknownKey,
                    "snapshot",
                    "the vault has never seen the key of a sealed part: is it the right vault?",
                ));
            }
            let key = self.snapshot_key(document.key.as_str());
            let keys = self.house().snapshot_keys(live.iter()).await?;
            let sealed = SealedState::seal(&key, at, &keys, &encode(&document)?)?;
            snapshots.push(Snapshot { key, position: at, version: Version::ZERO, at: time, sealed });
        }
        Ok(snapshots)
    }

    /// Fills an empty build from the newest snapshot before a point, if there is one.
    ///
    /// Documents of which somebody was erased are missing in it: their state is replayed
    /// from the log, and saved anew.
    async fn load_nearest(&self, apart: &Apart<V>, as_of: AsOf) -> Result<()> {
        let Some(store) = self.house().snapshots() else { return Ok(()) };
        let key = self.snapshot_key("");
        let mut at_most = as_of.position();
        let head = loop {
            let Some(head) = self.house().load_snapshot(&key, at_most).await else { return Ok(()) };
            if !as_of.is_before(head.position, head.at) {
                break head;
            }
            at_most = Position(head.position.0.saturating_sub(1));
        };
        let (mut after, mut loaded) = (String::new(), HashSet::new());
        loop {
            let page = store.page(&key.series, head.position, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.key.id.clone();
            let put = self.open_snapshots(&page).await?;
            loaded.extend(put.iter().map(|document| document.key.clone()));
            let changes = DocumentChanges { put, ..DocumentChanges::default() };
            self.documents().commit(apart.build, changes).await?;
        }
        if loaded.len() as u64 == head.version.0 {
            // Position zero is left in one step, once every document is there.
            let changes = DocumentChanges { through: head.position, ..DocumentChanges::default() };
            return self.documents().commit(apart.build, changes).await;
        }
        let loaded = Arc::new(loaded);
        let known = loaded.clone();
        apart.only(Arc::new(move |key| !known.contains(key))).feed_to(head.position).await?;
        self.mend(apart, &loaded, &head).await
    }

    /// Saves the documents anew that a snapshot has lost.
    async fn mend(&self, apart: &Apart<V>, loaded: &HashSet<DocumentKey>, head: &Snapshot) -> Result<()> {
        let mut query = DocumentQuery::all().limit(PAGE);
        loop {
            let mut page = self.documents().page(apart.build, &query).await?;
            let last = page.documents.last().map(|document| document.key.clone());
            page.documents.retain(|document| !loaded.contains(&document.key));
            let mended = self.seal(page.documents, head.position, head.at).await?;
            self.house().snapshot_store()?.save(mended).await?;
            match last {
                Some(last) if page.more => query = query.after(last),
                _ => return Ok(()),
            }
        }
    }

    async fn open_snapshots(&self, snapshots: &[Snapshot]) -> Result<Vec<Document>> {
        let mut owners: Vec<KeyId> = snapshots.iter().flat_map(|snapshot| snapshot.sealed.owners()).collect();
        owners.sort_unstable();
        owners.dedup();
        let states = self.house().vault.find(&owners).await?;
        let states: HashMap<KeyId, KeyState> = owners.into_iter().zip(states).collect();
        let opened = snapshots.iter().filter_map(|snapshot| {
            let text = snapshot.sealed.open(&snapshot.key, snapshot.position, &states)?;
            let key = DocumentKey::new(&snapshot.key.id).ok()?;
            decode(key, &text).ok()
        });
        Ok(opened.collect())
    }

    fn snapshot_key(&self, id: &str) -> SnapshotKey {
        let name = self.shared.name.as_str().to_owned();
        let series = Series { kind: SnapshotKind::Document, name, code: self.version() };
        SnapshotKey { series, id: id.to_owned() }
    }

    /// When the log took the last event at or before a position.
    async fn time_of(&self, at: Position) -> Result<Timestamp> {
        let query = Query::after(Position(at.0.saturating_sub(1))).limit(1);
        let page = self.house().log.read(query).try_next().await?;
        let event = page.into_iter().flatten().next();
        // An event that was dropped since has taken its time with it: the next one's is later.
        Ok(event.map_or(Timestamp::UNIX_EPOCH, |event| event.recorded_at))
    }
}

/// A document's content, to be sealed whole.
fn encode(document: &Document) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    put_counted::<4>(WHAT, &mut bytes, &document.open)?;
    put_counted::<4>(WHAT, &mut bytes, &document.carried.encode()?)?;
    put_number::<2>(WHAT, &mut bytes, document.tokens.len())?;
    for token in &document.tokens {
        put_counted::<2>(WHAT, &mut bytes, token.lookup.as_bytes())?;
        bytes.extend_from_slice(&token.hash);
        put_number::<2>(WHAT, &mut bytes, token.owners.len())?;
        token.owners.iter().for_each(|owner| bytes.extend_from_slice(owner.as_bytes()));
    }
    Ok(bytes)
}

fn decode(key: DocumentKey, bytes: &[u8]) -> Result<Document> {
    let mut rest = Rest::of(WHAT, bytes);
    let open = rest.counted::<4>()?.to_vec();
    let carried = Carried::decode(rest.counted::<4>()?)?;
    let mut tokens = Vec::new();
    for _ in 0..rest.number::<2>()? {
        let lookup = String::from_utf8_lossy(rest.counted::<2>()?).into_owned();
        let hash = rest.take(16)?.try_into().unwrap_or_default();
        let count = rest.number::<2>()?;
        let owners = (0..count).map(|_| KeyId::try_from(rest.take(16)?)).collect::<Result<_>>()?;
        tokens.push(Token { lookup, hash, owners });
    }
    rest.end()?;
    Ok(Document { key, open, carried, tokens, lost: Vec::new() })
}
