//! Applying a page of events to a build: load, change, check, commit.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use aws_lc_rs::hmac;
use serde_json::Value;
use zeroize::Zeroizing;

use super::carrying::Session;
use super::copied::{self, Written};
use super::view::{Changes, Lookup, Op, View, ViewEvent};
use crate::alias::AliasName;
use crate::document::{Carried, Document, Slot, Token};
use crate::documents::{DocumentChanges, Documents};
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::{BuildId, DocumentKey, EventId, KeyId};
use crate::key::{KeyState, Scope};
use crate::opened::Event;
use crate::projector::Page;
use crate::read::open_part;
use crate::scope;
use crate::seal::Place;
use crate::values::Sealed;
use crate::{Purpose, SubjectId};

/// What a view needs to run: where its documents lie, and how they are made and found.
pub(super) struct Runner<V: View> {
    pub(super) house: Oubliette,
    pub(super) documents: Arc<dyn Documents>,
    pub(super) view: Arc<V>,
    /// Words of the view's own: names of its fields, and what its options name.
    words: Vec<String>,
    lookups: Vec<Lookup>,
    index: Option<hmac::Key>,
}

/// What an event changes: its number in the page, the document, and how.
type Change<D> = (usize, DocumentKey, Op<D>);

/// The opened parts of a page, by event and number.
type Texts = HashMap<(EventId, u16), Sealed>;

impl<V: View> Runner<V> {
    pub(super) async fn new(
        house: Oubliette,
        documents: Arc<dyn Documents>,
        view: Arc<V>,
        mut words: Vec<String>,
    ) -> Result<Self> {
        let start = view.start();
        let mut session = Session::new()?;
        let start = scope::carrying(&mut session, || serde_json::to_value(&start)).map_err(|e| shape(&e))?;
        words.extend(copied::words(&start));
        let lookups = view.lookups();
        let index = match lookups.as_slice() {
            [] => None,
            _ => Some(index_key(&house, view.name()).await?),
        };
        Ok(Self { house, documents, view, words, lookups, index })
    }

    /// The hash under which the blind index knows a value.
    pub(super) fn hash(&self, lookup: &Lookup, text: &str) -> Option<[u8; 16]> {
        let mut context = hmac::Context::with_key(self.index.as_ref()?);
        context.update(lookup.name.as_bytes());
        context.update(&[0]);
        context.update(AliasName::new(lookup.kind, text).folded().text().as_bytes());
        let tag = context.sign();
        tag.as_ref().get(..16)?.try_into().ok()
    }

    pub(super) fn lookup(&self, name: &str) -> Option<&Lookup> {
        self.lookups.iter().find(|lookup| lookup.name == name)
    }

    /// Applies a page to a build. Only documents that `wanted` says yes to are changed.
    pub(super) async fn apply(
        &self,
        build: BuildId,
        page: &Page,
        wanted: &(dyn Fn(&DocumentKey) -> bool + Sync),
    ) -> Result<()> {
        let mut session = Session::new()?;
        let mut ops = self.ops(page, &mut session)?;
        ops.retain(|(_, key, _)| wanted(key));
        let mut changes = DocumentChanges {
            after: page.after,
            through: page.through,
            skipped: page.skipped.clone(),
            ..DocumentChanges::default()
        };
        if !ops.is_empty() {
            self.change(build, page, session, ops, &mut changes).await?;
        }
        self.documents.commit(build, changes).await
    }

    /// What the view says that each event changes.
    fn ops(&self, page: &Page, session: &mut Session) -> Result<Vec<Change<V::Document>>> {
        let mut ops = Vec::new();
        for (number, event) in page.events.iter().enumerate() {
            if event.stream.is_system() {
                continue;
            }
            let mut changes = Changes::new();
            // A view that panics stands still like one that fails: the others go on.
            catch_unwind(AssertUnwindSafe(|| self.view.apply(&ViewEvent::new(event, session), &mut changes)))
                .unwrap_or_else(|_| Err(Error::new(ErrorKind::Unexpected, "project", "the view panicked")))
                .map_err(|error| error.with("position", event.position))?;
            ops.reserve(changes.len());
            for (key, op) in changes.into_ops() {
                session.check(key.as_str(), "is in a document's key", "")?;
                ops.push((number, key, op));
            }
        }
        Ok(ops)
    }

    async fn change(
        &self,
        build: BuildId,
        page: &Page,
        mut session: Session,
        ops: Vec<Change<V::Document>>,
        changes: &mut DocumentChanges,
    ) -> Result<()> {
        let mut keys: Vec<DocumentKey> = ops.iter().map(|(_, key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        let stored = self.documents.get(build, &keys).await?;
        let stored: BTreeMap<DocumentKey, Option<Document>> = keys.into_iter().zip(stored).collect();
        let parts = stored.values().flatten().flat_map(|document| &document.carried.parts);
        let states = self.house.states(parts.map(|part| &part.sealed)).await?;
        let dead: HashSet<KeyId> = states
            .iter()
            .filter(|(_, state)| matches!(state, KeyState::Destroyed(_)))
            .map(|(key, _)| *key)
            .collect();
        let mut texts = texts(&page.events);
        let mut documents: BTreeMap<DocumentKey, Changing<V::Document>> = BTreeMap::new();
        for (key, document) in stored {
            let before = document.map(|document| match dead.is_empty() {
                true => document,
                false => document.without(&dead),
            });
            let state = match &before {
                None => None,
                Some(document) => {
                    open_all(document, &states, &mut texts)?;
                    let value = session.document(document)?;
                    let typed = scope::carrying(&mut session, || serde_json::from_value(value));
                    Some(typed.map_err(|error| shape(&error))?)
                }
            };
            documents.insert(key, Changing { before, state, events: Vec::new() });
        }
        for (event, key, op) in ops {
            let Some(changing) = documents.get_mut(&key) else { continue };
            changing.events.push(event);
            match op {
                Op::Remove => changing.state = None,
                Op::Update(change) => {
                    let state = changing.state.get_or_insert_with(|| self.view.start());
                    catch_unwind(AssertUnwindSafe(|| change(state)))
                        .map_err(|_| Error::new(ErrorKind::Unexpected, "project", "the view panicked"))?;
                }
            }
        }
        for (key, changing) in documents {
            let Some(state) = changing.state else {
                if changing.before.is_some() {
                    changes.remove.push(key);
                }
                continue;
            };
            let lost = changing.before.as_ref().map(|before| before.lost.clone()).unwrap_or_default();
            let document = self.write(&mut session, key, &state, lost, &texts)?;
            let events: Vec<&Event> =
                changing.events.iter().filter_map(|event| page.events.get(*event)).collect();
            let written = Written {
                key: document.key.as_str(),
                open: &document.open,
                before: changing.before.as_ref().map(|before| before.open.as_slice()),
                events: &events,
                words: &self.words,
            };
            // A value of an event that changed the document may have been copied, also when
            // the document does not carry it.
            let personal = events.iter().flat_map(|event| event.texts()).map(|(_, part)| part);
            let parts = &document.carried.parts;
            let carried = parts.iter().filter_map(|part| texts.get(&(part.event, part.number)));
            for text in personal.chain(carried).filter_map(|part| part.text()) {
                written.refuse(text)?;
            }
            if changing.before.as_ref() != Some(&document) {
                changes.put.push(document);
            }
        }
        Ok(())
    }

    /// A document as it is stored.
    fn write(
        &self,
        session: &mut Session,
        key: DocumentKey,
        state: &V::Document,
        lost: Vec<KeyId>,
        texts: &Texts,
    ) -> Result<Document> {
        let mut value =
            scope::carrying(session, || serde_json::to_value(state)).map_err(|error| shape(&error))?;
        // One order of fields, whatever map the view uses: the same state, the same bytes.
        value.sort_all_objects();
        let carried = session.carry(&mut value)?;
        let open = serde_json::to_vec(&value).map_err(|error| shape(&error))?;
        let mut tokens = Vec::new();
        for lookup in &self.lookups {
            tokens.extend(match carried.slots.iter().find(|slot| slot.at == lookup.at) {
                Some(slot) => self.token(lookup, slot, &carried, texts)?,
                // A field that is open in this document is found all the same.
                None => value.pointer(&lookup.at).and_then(|value| self.hashed(lookup, value, Vec::new())),
            });
        }
        Ok(Document { key, open, carried, tokens, lost })
    }

    fn token(&self, lookup: &Lookup, slot: &Slot, carried: &Carried, texts: &Texts) -> Result<Option<Token>> {
        let Some((number, index)) = slot.value else { return Ok(None) };
        let Some(part) = carried.parts.get(usize::from(number)) else { return Ok(None) };
        let Some(text) = texts.get(&(part.event, part.number)) else { return Ok(None) };
        let value =
            text.value::<Value>(index).map_err(|fault| Error::new(ErrorKind::Corrupt, "project", fault))?;
        let crate::Reading::Known((value, _)) = value else { return Ok(None) };
        Ok(self.hashed(lookup, &value, part.sealed.owners().collect()))
    }

    fn hashed(&self, lookup: &Lookup, value: &Value, owners: Vec<KeyId>) -> Option<Token> {
        let hash = match value {
            Value::Null => return None,
            Value::String(text) => self.hash(lookup, text)?,
            other => self.hash(lookup, &Zeroizing::new(other.to_string()))?,
        };
        Some(Token { lookup: lookup.name.clone(), hash, owners })
    }
}

/// A document while a page is applied.
struct Changing<D> {
    before: Option<Document>,
    state: Option<D>,
    /// The numbers of the events that changed it.
    events: Vec<usize>,
}

fn texts(events: &[Event]) -> Texts {
    let parts = events
        .iter()
        .flat_map(|event| event.texts().map(|(number, part)| ((event.id, number), part.clone())));
    parts.collect()
}

/// Opens what a stored document carries, to look for it in what is written next.
fn open_all(document: &Document, states: &HashMap<KeyId, KeyState>, texts: &mut Texts) -> Result<()> {
    for part in &document.carried.parts {
        if let Entry::Vacant(text) = texts.entry((part.event, part.number)) {
            let at = Place { stream: &part.stream, event: part.event, part: part.number };
            text.insert(Arc::new(open_part(at, &part.sealed, states, None)?));
        }
    }
    Ok(())
}

/// The key of a projection's blind index. It is one of the vault's keys, of a subject that
/// is nobody.
async fn index_key(house: &Oubliette, projection: &str) -> Result<hmac::Key> {
    const PURPOSE: Purpose = Purpose::declared("blind-index");
    let subject = SubjectId::new(format!("$index/{projection}"))?;
    let keys = house.vault().mint(&[Scope::new(subject, PURPOSE)]).await?;
    let key = keys.first().ok_or_else(|| {
        Error::new(ErrorKind::Unexpected, "projection", "the vault minted no key for a blind index")
    })?;
    let secret = key.derived(b"oubliette/1 blind index")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &secret[..]))
}

fn shape(error: &serde_json::Error) -> Error {
    Error::json(ErrorKind::Invalid, "project", "a document", error)
}
