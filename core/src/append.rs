//! Append: events in, envelopes out, one straight line.

use std::collections::HashMap;
use std::future::Future;

use serde::Serialize;

use crate::draft::{Draft, StreamDrafts};
use crate::envelope::Envelope;
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::{StreamId, SubjectId};
use crate::key::{Key, Scope};
use crate::log::{Appended, Batch, Expect, StreamBatch};
use crate::personal::Ownership;
use crate::seal::{Nonces, Place, seal};

impl Oubliette {
    /// Appends events of a program's own type to one stream.
    ///
    /// Events serialize to JSON objects with a string field `type`, as
    /// `#[serde(tag = "type")]` makes them.
    ///
    /// # Errors
    /// `Conflict` when `expect` does not hold; `Residue` when a personal string also stands
    /// in an open field; `Erased` when a value is about someone who was erased; `Invalid`
    /// for no events or events of the wrong shape; `Unavailable` when log or vault is.
    pub fn append<E: Serialize, S>(
        &self,
        stream: S,
        expect: Expect,
        events: impl IntoIterator<Item = E>,
    ) -> impl Future<Output = Result<Appended>> + Send
    where
        S: TryInto<StreamId>,
        Error: From<S::Error>,
    {
        // Serialization is done before the future starts, so that events need not be `Send`.
        let drafts = stream
            .try_into()
            .map_err(Error::from)
            .and_then(|stream| Ok(vec![StreamDrafts { stream, expect, drafts: Draft::all(events)? }]));
        async move { self.append_drafts(drafts?).await }
    }

    /// Appends drafts to one stream or several, all or nothing.
    ///
    /// # Errors
    /// As [`Oubliette::append`], and `Invalid` for a stream that the toolkit keeps for
    /// itself.
    pub async fn append_drafts(&self, streams: Vec<StreamDrafts>) -> Result<Appended> {
        if let Some(stream) = streams.iter().find(|stream| stream.stream.is_reserved()) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "append",
                "the toolkit keeps this stream for itself: choose another name",
            )
            .with("stream", &stream.stream));
        }
        let batch = self.seal_all(streams).await?;
        self.log.append(batch).await
    }

    /// Drafts to envelopes, ready for the log.
    pub(crate) async fn seal_all(&self, streams: Vec<StreamDrafts>) -> Result<Batch> {
        let mut keys = self.keys_for(&streams).await?;
        let count = streams.iter().flat_map(|stream| &stream.drafts).map(|draft| draft.groups.len()).sum();
        let mut nonces = Nonces::of(count);
        let mut batch = Batch::default();
        for StreamDrafts { stream, expect, drafts } in streams {
            let events = drafts
                .into_iter()
                .map(|draft| self.seal(&stream, draft, &mut keys, &mut nonces))
                .collect::<Result<_>>()?;
            batch.streams.push(StreamBatch { stream, expect, events });
        }
        Ok(batch)
    }

    /// One vault call for the keys of all drafts.
    async fn keys_for(&self, streams: &[StreamDrafts]) -> Result<Keys> {
        let mut scopes = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut last = None;
        for group in streams.iter().flat_map(|stream| &stream.drafts).flat_map(|draft| &draft.groups) {
            // Neighbours are mostly about the same person.
            if last.replace(&group.ownership) == Some(&group.ownership) {
                continue;
            }
            for subject in group.ownership.subjects.iter() {
                let scope = Scope::new(subject.clone(), group.ownership.purpose.clone());
                if seen.insert(scope.clone()) {
                    scopes.push(scope);
                }
            }
        }
        let keys = if scopes.is_empty() { Vec::new() } else { self.vault.mint(&scopes).await? };
        Ok(Keys { all: scopes.into_iter().zip(keys).collect(), last: None })
    }

    fn seal(
        &self,
        stream: &StreamId,
        draft: Draft,
        keys: &mut Keys,
        nonces: &mut Nonces,
    ) -> Result<Envelope> {
        let Draft { id, event_type, open, groups } = draft;
        let mut parts = Vec::with_capacity(groups.len());
        for (number, group) in groups.into_iter().enumerate() {
            let (ownership, plaintext) = group.into_plaintext();
            let owners = keys.of(ownership)?;
            let place = Place { stream, event: id, part: u16::try_from(number).unwrap_or(u16::MAX) };
            parts.push(Some(seal(place, owners, &plaintext, self.padding, nonces)?));
        }
        Ok(Envelope { id, schema: self.upcasts.current(&event_type), event_type, open, parts })
    }
}

/// The keys of a batch, and those that were asked for last: neighbours mostly share them.
struct Keys {
    all: HashMap<Scope, Key>,
    last: Option<(Ownership, Vec<Key>)>,
}

impl Keys {
    fn of(&mut self, ownership: Ownership) -> Result<&[Key]> {
        let last = match self.last.take() {
            Some(last) if last.0 == ownership => last,
            _ => {
                let key = |subject: &SubjectId| {
                    let scope = Scope::new(subject.clone(), ownership.purpose.clone());
                    self.all.get(&scope).cloned().ok_or_else(|| {
                        Error::new(ErrorKind::Unexpected, "append", "the vault minted too few keys")
                    })
                };
                let keys = ownership.subjects.iter().map(key).collect::<Result<_>>()?;
                (ownership, keys)
            }
        };
        Ok(&self.last.insert(last).1)
    }
}
