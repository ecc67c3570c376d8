//! Documents in memory.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;

use super::lock;
use crate::document::Document;
use crate::documents::{
    Before, Build, BuildState, DocumentChanges, DocumentPage, DocumentQuery, Documents, Fault, Role,
};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{BuildId, DocumentKey, KeyId, Position, ProjectionName};
use crate::projector::{ErasedKeys, Forgotten};
use crate::promise::Promise;
use crate::sweep::Swept;

/// [`Documents`] in memory. A clone shares its builds.
#[derive(Clone, Default)]
pub struct MemoryDocuments(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// In the order in which they were begun: a build's id is its place, from 1.
    builds: Vec<Held>,
    forgotten: HashSet<KeyId>,
}

struct Held {
    build: Build,
    /// None of a build that has ended.
    documents: BTreeMap<DocumentKey, Document>,
}

impl MemoryDocuments {
    /// A store without builds.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Documents for MemoryDocuments {
    fn name(&self) -> &str {
        "documents"
    }

    fn promise(&self) -> Promise {
        Promise::AT_ONCE
    }

    async fn builds(&self) -> Result<Vec<Build>> {
        Ok(lock(&self.0).builds.iter().map(|held| held.build.clone()).collect())
    }

    async fn begin(&self, projection: &ProjectionName, version: u32, role: Role) -> Result<BuildId> {
        let mut state = lock(&self.0);
        let id = BuildId(state.builds.len() as u64 + 1);
        let build = Build {
            id,
            projection: projection.clone(),
            version,
            role,
            state: BuildState::Building,
            position: Position::ZERO,
            begun_at: Timestamp::now(),
            served_at: None,
            ended_at: None,
            fault: None,
            skipped: Vec::new(),
        };
        state.builds.push(Held { build, documents: BTreeMap::new() });
        Ok(id)
    }

    async fn serve(&self, build: BuildId, before: Before) -> Result<()> {
        let at = Timestamp::now();
        let mut state = lock(&self.0);
        let chosen = &mut state.open(build)?.build;
        if chosen.state == BuildState::Served {
            return Ok(());
        }
        chosen.served_at = Some(at);
        let projection = chosen.projection.clone();
        for held in &mut state.builds {
            if held.build.id == build {
                held.build.state = BuildState::Served;
            } else if held.build.projection == projection && held.build.state == BuildState::Served {
                match before {
                    Before::Kept => held.build.state = BuildState::Kept,
                    Before::Ended => held.end(at),
                }
            }
        }
        Ok(())
    }

    async fn end(&self, build: BuildId) -> Result<()> {
        let at = Timestamp::now();
        lock(&self.0).held(build)?.end(at);
        Ok(())
    }

    async fn get(&self, build: BuildId, keys: &[DocumentKey]) -> Result<Vec<Option<Document>>> {
        let mut state = lock(&self.0);
        let documents = &state.open(build)?.documents;
        Ok(keys.iter().map(|key| documents.get(key).cloned()).collect())
    }

    async fn commit(&self, build: BuildId, changes: DocumentChanges) -> Result<()> {
        let mut state = lock(&self.0);
        // Everything that is refused is refused here, before anything changes.
        let dead = changes.put.iter().any(|document| document.is_under(&state.forgotten));
        let held = state.open(build)?;
        if held.build.position != changes.after {
            return Err(Error::new(
                ErrorKind::Conflict,
                "commit",
                "the build is not where it was expected to be: somebody else applied these events",
            )
            .with("position", held.build.position)
            .with("expected", changes.after));
        }
        if dead {
            return Err(Error::new(ErrorKind::Erased, "commit", "a document is under a forgotten key"));
        }
        for key in &changes.remove {
            held.documents.remove(key);
        }
        held.documents.extend(changes.put.into_iter().map(|document| (document.key.clone(), document)));
        held.build.position = changes.through;
        held.build.fault = None;
        held.build.skipped.extend(changes.skipped);
        held.build.skipped.sort_unstable();
        held.build.skipped.dedup();
        Ok(())
    }

    async fn note(&self, build: BuildId, fault: Option<&Fault>) -> Result<()> {
        lock(&self.0).open(build)?.build.fault = fault.cloned();
        Ok(())
    }

    async fn page(&self, build: BuildId, query: &DocumentQuery) -> Result<DocumentPage> {
        let mut state = lock(&self.0);
        let held = state.open(build)?;
        let from = query.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut page = DocumentPage { position: held.build.position, documents: Vec::new(), more: false };
        for document in held.documents.range::<DocumentKey, _>((from, Bound::Unbounded)).map(|(_, it)| it) {
            if query.takes(document)? {
                if page.documents.len() >= query.limit {
                    page.more = true;
                    break;
                }
                page.documents.push(document.clone());
            }
        }
        Ok(page)
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let mut state = lock(&self.0);
        state.forgotten.extend(&erased.keys);
        let keys: HashSet<KeyId> = erased.keys.iter().copied().collect();
        let documents = state.builds.iter_mut().flat_map(|held| held.documents.values_mut());
        let mut records = 0;
        for document in documents.filter(|document| document.is_under(&keys)) {
            *document = document.without(&keys);
            records += 1;
        }
        Ok(Forgotten { records })
    }

    /// Nothing of it is at rest.
    async fn sweep(&self) -> Result<Swept> {
        Ok(Swept::Clean)
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        let keys: HashSet<KeyId> = keys.iter().copied().collect();
        let state = lock(&self.0);
        let documents = state.builds.iter().flat_map(|held| held.documents.values());
        Ok(documents.filter(|document| document.is_under(&keys)).count() as u64)
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        let state = lock(&self.0);
        Ok(keys.iter().all(|key| state.forgotten.contains(key)))
    }
}

impl State {
    fn held(&mut self, build: BuildId) -> Result<&mut Held> {
        let held = self.builds.iter_mut().find(|held| held.build.id == build);
        held.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "documents", "there is no such build").with("build", build)
        })
    }

    /// One that has not ended.
    fn open(&mut self, build: BuildId) -> Result<&mut Held> {
        let held = self.held(build)?;
        if held.build.state == BuildState::Ended {
            return Err(Error::new(
                ErrorKind::NotFound,
                "documents",
                "the build has ended: its documents are gone",
            )
            .with("build", build));
        }
        Ok(held)
    }
}

impl Held {
    fn end(&mut self, at: Timestamp) {
        self.documents.clear();
        self.build.state = BuildState::Ended;
        self.build.ended_at.get_or_insert(at);
    }
}

impl Document {
    /// Whether it carries a part or a token under one of these keys.
    fn is_under(&self, keys: &HashSet<KeyId>) -> bool {
        let of_parts = self.carried.parts.iter().flat_map(|part| part.sealed.owners());
        let of_tokens = self.tokens.iter().flat_map(|token| token.owners.iter().copied());
        of_parts.chain(of_tokens).any(|owner| keys.contains(&owner))
    }
}

impl fmt::Debug for MemoryDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDocuments").field("builds", &lock(&self.0).builds.len()).finish_non_exhaustive()
    }
}
