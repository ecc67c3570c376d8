//! Stores of documents that lie.

mod lies;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::memory::MemoryDocuments;
use oubliette_core::{
    Before, Build, BuildId, BuildState, Comparison, Document, DocumentChanges, DocumentKey, DocumentPage,
    DocumentQuery, Documents, ErasedKeys, Error, ErrorKind, Fault, Filter, Forgotten, KeyId, Position,
    ProjectionName, Promise, Result, Role, Swept,
};
use serde_json::Value;
use tokio::time::sleep;

pub(crate) use self::lies::{LIARS, Lie};

/// A place whose store of documents lies.
pub(crate) struct Stores {
    lie: Lie,
    store: MemoryDocuments,
    notes: Arc<Mutex<Notes>>,
}

impl Stores {
    pub(crate) fn new(lie: Lie) -> Self {
        Self { lie, store: MemoryDocuments::new(), notes: Arc::default() }
    }
}

impl Fixture<dyn Documents> for Stores {
    async fn fresh() -> Self {
        Self::new(Lie::Nothing)
    }

    async fn open(&self) -> Arc<dyn Documents> {
        let lost = self.lie == Lie::LosesAllOnRestart;
        let store = if lost { MemoryDocuments::new() } else { self.store.clone() };
        let notes = match self.lie {
            Lie::NotesUntilRestart => Arc::default(),
            _ => Arc::clone(&self.notes),
        };
        Arc::new(LyingDocuments { lie: self.lie, store, notes })
    }

    async fn residue(&self) -> Vec<Blob> {
        let documents = all(&self.store).await.into_iter().map(|(_, document)| encoded(&document));
        let whole: Vec<u8> = documents.flat_map(|blob| blob.bytes).collect();
        let (kept, notes) = (whole.clone(), Arc::clone(&self.notes));
        let write = move |bytes: Option<&[u8]>| notes.lock().unwrap().damaged = bytes != Some(&kept[..]);
        let mut blobs = vec![Blob::new("the documents", whole).written_by(write)];
        blobs.extend(self.notes.lock().unwrap().journal.clone());
        blobs
    }
}

struct LyingDocuments {
    lie: Lie,
    store: MemoryDocuments,
    notes: Arc<Mutex<Notes>>,
}

/// What a liar remembers, and should not.
#[derive(Default)]
struct Notes {
    journal: Vec<Blob>,
    faults: HashMap<BuildId, Fault>,
    spared: HashMap<(BuildId, DocumentKey), Document>,
    forgotten: HashSet<KeyId>,
    begun: HashSet<KeyId>,
    swept: bool,
    damaged: bool,
    switching: bool,
}

#[async_trait]
impl Documents for LyingDocuments {
    fn name(&self) -> &str {
        self.store.name()
    }

    fn promise(&self) -> Promise {
        let bytes_gone = match self.lie {
            Lie::SweepsNothing => Some(Duration::from_hours(24)),
            Lie::PromisesNothing => None,
            _ => return self.store.promise(),
        };
        Promise { bytes_gone, ..self.store.promise() }
    }

    async fn builds(&self) -> Result<Vec<Build>> {
        let mut builds = self.store.builds().await?;
        let notes = self.notes();
        builds.retain(|build| self.lie != Lie::HidesEndedBuilds || build.state != BuildState::Ended);
        for build in &mut builds {
            build.state = match build.state {
                BuildState::Kept if self.lie == Lie::ServesSeveral => BuildState::Served,
                BuildState::Served if notes.switching => BuildState::Kept,
                state => state,
            };
            build.fault = build.fault.take().or_else(|| notes.faults.get(&build.id).cloned());
        }
        Ok(builds)
    }

    async fn begin(&self, projection: &ProjectionName, version: u32, role: Role) -> Result<BuildId> {
        self.store.begin(projection, version, role).await
    }

    async fn serve(&self, build: BuildId, before: Before) -> Result<()> {
        if self.lie == Lie::SwitchesInTwoSteps {
            self.notes().switching = true;
            sleep(Duration::from_millis(1)).await;
        }
        let served = self.store.serve(build, before).await;
        self.notes().switching = false;
        served
    }

    async fn end(&self, build: BuildId) -> Result<()> {
        match self.lie {
            Lie::EndsNothing => Ok(()),
            Lie::EndsTheProjection => {
                let builds = self.store.builds().await?;
                let projection = builds.iter().find(|known| known.id == build).map(|known| &known.projection);
                for known in builds.iter().filter(|known| Some(&known.projection) == projection) {
                    self.store.end(known.id).await?;
                }
                Ok(())
            }
            _ => self.store.end(build).await,
        }
    }

    async fn get(&self, build: BuildId, keys: &[DocumentKey]) -> Result<Vec<Option<Document>>> {
        let mut keys = keys.to_vec();
        if self.lie == Lie::AnswersByKey {
            keys.sort();
        }
        let mut found = self.store.get(build, &keys).await?;
        found.iter_mut().flatten().try_for_each(|document| self.damage(document))?;
        Ok(found)
    }

    async fn commit(&self, build: BuildId, mut changes: DocumentChanges) -> Result<()> {
        let open = changes.put.first().map(|document| String::from_utf8_lossy(&document.open).into_owned());
        for document in &mut changes.put {
            match self.lie {
                Lie::RewritesJson => {
                    document.open = serde_json::from_slice(&document.open)
                        .map_or(document.open.clone(), |json: Value| json.to_string().into_bytes());
                }
                Lie::KeepsATokenOnce => {
                    document.tokens.dedup_by(|a, b| (&a.lookup, a.hash) == (&b.lookup, b.hash));
                }
                Lie::KeepsAFreeList if encoded(document).bytes.len() < 3_000 => {}
                Lie::KeepsAJournal | Lie::KeepsAFreeList | Lie::SweepsNothing => {
                    self.notes().journal.push(encoded(document))
                }
                _ => {}
            }
        }
        match self.lie {
            Lie::CommitsDocumentByDocument => return self.commit_one_by_one(build, changes).await,
            Lie::ChecksPositionsTooEarly if self.position(build).await? == changes.after => {
                sleep(Duration::from_millis(5)).await;
                changes.after = self.position(build).await?;
            }
            Lie::ChecksKeysTooEarly => {
                if changes.put.iter().any(|document| is_under(document, &self.notes().forgotten)) {
                    return Err(Error::new(ErrorKind::Erased, "commit", "forgotten"));
                }
                sleep(Duration::from_millis(5)).await;
            }
            _ => {}
        }
        match (self.lie, self.store.commit(build, changes).await) {
            (Lie::Swallows(kind), Err(error)) if error.kind() == kind => Ok(()),
            (Lie::TellsDocuments, Err(error)) => {
                Err(Error::new(error.kind(), "commit", format!("refused: {}", open.unwrap_or_default())))
            }
            (_, committed) => committed,
        }
    }

    async fn note(&self, build: BuildId, fault: Option<&Fault>) -> Result<()> {
        if self.lie == Lie::NotesUntilRestart {
            self.notes().faults.extend(fault.cloned().map(|fault| (build, fault)));
            return Ok(());
        }
        self.store.note(build, fault).await
    }

    async fn page(&self, build: BuildId, query: &DocumentQuery) -> Result<DocumentPage> {
        let position = self.position(build).await;
        let mut wide = query.clone();
        match self.lie {
            Lie::ReadsThePositionFirst => sleep(Duration::from_millis(1)).await,
            Lie::ComparesAsText => wide.filters.clear(),
            Lie::FindsByHash => wide.token = None,
            _ => {}
        }
        let mut page = self.store.page(build, &wide).await?;
        page.documents.iter_mut().try_for_each(|document| self.damage(document))?;
        match self.lie {
            Lie::ReadsThePositionFirst => page.position = position?,
            Lie::SkipsAtPageEdges if query.after.is_some() => {
                drop(page.documents.drain(..1.min(page.documents.len())))
            }
            Lie::GuessesMore => page.more = page.documents.len() == query.limit,
            Lie::ComparesAsText => page.documents.retain(|document| reads_as(document, &query.filters)),
            Lie::FindsByHash => page.documents.retain(|document| {
                let hash = query.token.as_ref().map(|(_, hash)| *hash);
                hash.is_none_or(|hash| document.tokens.iter().any(|token| token.hash == hash))
            }),
            _ => {}
        }
        let notes = self.notes();
        for document in &mut page.documents {
            if let Some(spared) = notes.spared.get(&(build, document.key.clone())) {
                *document = spared.clone();
            }
        }
        Ok(page)
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let mut erased = erased.clone();
        let keys: HashSet<KeyId> = erased.keys.iter().copied().collect();
        let held = all(&self.store).await;
        match self.lie {
            Lie::ForgetsFirstOwners => {
                let spared = held.into_iter().filter(|(_, document)| !is_first_under(document, &keys));
                self.notes().spare(spared);
            }
            Lie::ForgetsNeighbours => {
                let touched = held.iter().filter(|(_, document)| is_under(document, &keys));
                erased.keys.extend(touched.flat_map(|(_, document)| document.owners()));
            }
            Lie::SparesKeptBuilds => {
                let spared = held.into_iter().filter(|(build, _)| build.state != BuildState::Served);
                self.notes().spare(spared);
            }
            Lie::ForgetsOnceBegun => {
                erased.keys.retain(|key| self.notes().begun.insert(*key));
                sleep(Duration::from_millis(1)).await;
            }
            Lie::ChecksKeysTooEarly => {
                self.notes().forgotten.extend(keys);
                return Ok(Forgotten::default());
            }
            _ => {}
        }
        let mut forgotten = self.store.forget(&erased).await?;
        if self.lie == Lie::CountsAgain {
            forgotten.records = forgotten.records.max(1);
        }
        Ok(forgotten)
    }

    async fn sweep(&self) -> Result<Swept> {
        self.notes().swept = true;
        self.store.sweep().await
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        if self.lie != Lie::CountsForEachKey {
            return self.store.held_under(keys).await;
        }
        let mut held = 0;
        for key in keys {
            held += self.store.held_under(&[*key]).await?;
        }
        Ok(held)
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        if self.lie == Lie::SweepsTooMuch && self.notes().swept {
            return Ok(keys.is_empty());
        }
        let mut any = self.store.remembers(keys).await?;
        for key in keys.iter().filter(|_| self.lie == Lie::RemembersAny) {
            any |= self.store.remembers(&[*key]).await?;
        }
        Ok(any)
    }
}

impl Notes {
    fn spare(&mut self, documents: impl Iterator<Item = (Build, Document)>) {
        self.spared.extend(documents.map(|(build, document)| ((build.id, document.key.clone()), document)));
    }
}

impl LyingDocuments {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    /// What damage at rest makes of a document.
    fn damage(&self, document: &mut Document) -> Result<()> {
        match self.lie {
            _ if !self.notes().damaged => Ok(()),
            Lie::ReadsWhateverIsThere => {
                document.open.reverse();
                Ok(())
            }
            _ => Err(Error::new(ErrorKind::Corrupt, "lie", "the documents are damaged")),
        }
    }

    async fn position(&self, build: BuildId) -> Result<Position> {
        let builds = self.store.builds().await?;
        let known = builds.iter().find(|known| known.id == build);
        known.map(|known| known.position).ok_or_else(|| Error::new(ErrorKind::NotFound, "lie", "no build"))
    }

    async fn commit_one_by_one(&self, build: BuildId, changes: DocumentChanges) -> Result<()> {
        for document in &changes.put {
            let (after, put) = (changes.after, vec![document.clone()]);
            let one = DocumentChanges { after, through: after, put, ..DocumentChanges::default() };
            self.store.commit(build, one).await?;
            sleep(Duration::from_millis(1)).await;
        }
        self.store.commit(build, changes).await
    }
}

/// Every document of every build that has not ended.
async fn all(store: &MemoryDocuments) -> Vec<(Build, Document)> {
    let mut every = DocumentQuery::default();
    every.limit = usize::MAX;
    let mut all = Vec::new();
    for build in store.builds().await.unwrap() {
        let page = store.page(build.id, &every).await;
        let documents = page.map(|page| page.documents).unwrap_or_default();
        all.extend(documents.into_iter().map(|document| (build.clone(), document)));
    }
    all
}

fn encoded(document: &Document) -> Blob {
    let hashes = document.tokens.iter().flat_map(|token| token.hash);
    let parts = document.carried.encode().unwrap();
    Blob::new("a document", document.open.iter().copied().chain(parts).chain(hashes).collect::<Vec<u8>>())
}

fn is_under(document: &Document, keys: &HashSet<KeyId>) -> bool {
    let of_tokens = document.tokens.iter().flat_map(|token| token.owners.iter().copied());
    document.owners().into_iter().chain(of_tokens).any(|owner| keys.contains(&owner))
}

fn is_first_under(document: &Document, keys: &HashSet<KeyId>) -> bool {
    let of_tokens = document.tokens.iter().filter_map(|token| token.owners.first().copied());
    let of_parts = document.carried.parts.iter().filter_map(|part| part.sealed.owners().next());
    of_parts.chain(of_tokens).any(|owner| keys.contains(&owner))
}

/// Whether it meets the filters when every value is taken for text.
fn reads_as(document: &Document, filters: &[Filter]) -> bool {
    let open: Value = serde_json::from_slice(&document.open).unwrap();
    let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    filters.iter().all(|filter| {
        open.pointer(&filter.at).is_some_and(|field| {
            let order = text(field).cmp(&text(&filter.value));
            match filter.is {
                Comparison::Equal => order.is_eq(),
                Comparison::Unequal => order.is_ne(),
                Comparison::Less => order.is_lt(),
                Comparison::AtMost => order.is_le(),
                Comparison::More => order.is_gt(),
                Comparison::AtLeast => order.is_ge(),
            }
        })
    })
}

impl fmt::Debug for LyingDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, which lies: {:?}", self.store, self.lie)
    }
}
