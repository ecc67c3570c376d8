//! Read: envelopes in, events out, opened as far as they still open.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::envelope::Recorded;
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::{KeyId, Position, Purpose};
use crate::key::KeyState;
use crate::log::Query;
use crate::opened::Event;
use crate::personal::Withheld;
use crate::seal::{Place, Unsealed, open};
use crate::sealed::SealedPart;
use crate::values::Part;

/// Events in order. One that cannot be read is an error in its place, and the next follow.
pub type EventStream = BoxStream<'static, Result<Event>>;

impl Oubliette {
    /// Reads events: the whole log, a stream, or what is sealed under given keys.
    ///
    /// Pages are fetched as the stream is polled: a million events never sit in memory.
    ///
    /// # Errors
    /// In place of an event: `UnknownKey` when the vault has never seen its key;
    /// `Corrupt` when a part was changed or moved. In place of all that follow:
    /// `Unavailable` when log or vault is.
    pub fn read(&self, query: Query) -> EventStream {
        self.open_pages(query, None)
    }

    /// Reads for declared purposes: what is held for another one reads as withheld.
    ///
    /// # Errors
    /// As [`Oubliette::read`].
    pub fn read_for(&self, query: Query, purposes: impl Into<Arc<[Purpose]>>) -> EventStream {
        self.open_pages(query, Some(purposes.into()))
    }

    /// Reads on from `after`, and goes on with every event that is appended, for ever.
    ///
    /// # Errors
    /// As [`Oubliette::read`]; the stream ends with `Unavailable`.
    pub fn follow(&self, after: Position) -> EventStream {
        let house = self.clone();
        Box::pin(async_stream::try_stream! {
            let mut seen = after;
            loop {
                let mut pages = house.log.read(Query::after(seen));
                while let Some(page) = pages.try_next().await? {
                    seen = page.last().map_or(seen, |event| event.position);
                    for event in house.open_page(page, None).await? {
                        yield event?;
                    }
                }
                house.log.wait_beyond(seen).await?;
            }
        })
    }

    fn open_pages(&self, query: Query, purposes: Option<Arc<[Purpose]>>) -> EventStream {
        let house = self.clone();
        self.log
            .read(query)
            .map_ok(move |page| {
                let (house, purposes) = (house.clone(), purposes.clone());
                async move { house.open_page(page, purposes.as_deref()).await }
            })
            // The next page is fetched while this one is opened.
            .try_buffered(2)
            .map_ok(stream::iter)
            .try_flatten()
            .boxed()
    }

    /// Opens a page with one vault call.
    pub(crate) async fn open_page(
        &self,
        page: Vec<Recorded>,
        purposes: Option<&[Purpose]>,
    ) -> Result<Vec<Result<Event>>> {
        let states = self.states(page.iter().flat_map(|event| event.envelope.parts.iter().flatten())).await?;
        Ok(page.into_iter().map(|event| self.open_event(event, &states, purposes)).collect())
    }

    /// What the vault says of the keys of these parts.
    pub(crate) async fn states<'a>(
        &self,
        parts: impl Iterator<Item = &'a SealedPart>,
    ) -> Result<HashMap<KeyId, KeyState>> {
        let mut seen = std::collections::HashSet::new();
        let ids: Vec<KeyId> = parts.flat_map(SealedPart::owners).filter(|id| seen.insert(*id)).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let states = self.vault.find(&ids).await?;
        Ok(ids.into_iter().zip(states).collect())
    }

    fn open_event(
        &self,
        event: Recorded,
        states: &HashMap<KeyId, KeyState>,
        purposes: Option<&[Purpose]>,
    ) -> Result<Event> {
        let mut parts = Vec::with_capacity(event.envelope.parts.len());
        for (number, part) in event.envelope.parts.iter().enumerate() {
            let part = match part {
                // A part that was scrubbed is gone because its key was destroyed first.
                None => Part::Forgotten,
                Some(part) => {
                    let number = u16::try_from(number)
                        .map_err(|_| Error::new(ErrorKind::Corrupt, "read", "an event has too many parts"))?;
                    let place = Place { stream: &event.stream, event: event.envelope.id, part: number };
                    open_part(place, part, states, purposes)
                        .map_err(|error| error.with("position", event.position))?
                }
            };
            parts.push(Arc::new(part));
        }
        Ok(Event::new(event, parts, self.upcasts.clone()))
    }
}

/// Opens one part with what the vault said of its keys.
pub(crate) fn open_part(
    place: Place<'_>,
    part: &SealedPart,
    states: &HashMap<KeyId, KeyState>,
    purposes: Option<&[Purpose]>,
) -> Result<Part> {
    let answers: Vec<KeyState> =
        part.owners().map(|id| states.get(&id).cloned().unwrap_or(KeyState::Unknown)).collect();
    match open(place, part, &answers)? {
        Unsealed::Forgotten => Ok(Part::Forgotten),
        Unsealed::Known(text) => {
            let keys: Vec<_> = answers
                .into_iter()
                .filter_map(|state| match state {
                    KeyState::Live(key) => Some(key),
                    KeyState::Destroyed(_) | KeyState::Unknown => None,
                })
                .collect();
            let withheld = purposes.is_some_and(|declared| {
                keys.first().is_some_and(|key| !declared.contains(&key.scope().purpose))
            });
            if withheld {
                return Ok(Part::Withheld(Withheld::OtherPurpose));
            }
            Part::known(text, keys)
        }
    }
}
