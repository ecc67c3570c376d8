//! Stores of documents that lie or fail.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use oubliette_core::{
    Before, Build, BuildId, BuildState, Document, DocumentChanges, DocumentKey, DocumentPage, DocumentQuery,
    Documents, ErasedKeys, ErrorKind, Fault, Forgotten, KeyId, ProjectionName, Promise, Result, Role, Swept,
};

use super::lying::{Lying, With, out_of_reach};
use crate::fixture::Blob;
use crate::store::Store;

/// What is wrong with a store of documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DocumentLie {
    /// Nothing.
    #[default]
    Nothing,
    /// It cannot forget: no lie, but what houses must bear.
    IsDown,
    /// Something is in the way of its sweep: no lie either.
    IsBlocked,
    /// It cannot promise that bytes are gone: no lie either.
    IsUnsure,
    /// A text of the story is in its index, in hex.
    IndexesPlaintext,
    /// It says that it has forgotten, and has not.
    ForgetsNothing,
    /// What it finds documents by outlives the person.
    KeepsTokens,
    /// It takes whole documents away where parts of them die.
    ForgetsWholeDocuments,
    /// It forgets somebody else as well.
    ForgetsNeighbours,
    /// It takes documents under forgotten keys: it says so, at least.
    TakesDeadParts,
    /// It says that it is swept, and keeps every page.
    KeepsPages,
    /// It says that it is swept when something was in the way.
    TakesABlockForASweep,
}

impl Store<dyn Documents> for Lying<dyn Documents, DocumentLie> {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Documents>> {
        Box::pin(async {
            let (documents, with) = self.process().await;
            Arc::new(LyingDocuments { documents, lie: self.lie, with }) as Arc<dyn Documents>
        })
    }

    fn residue(&self) -> BoxFuture<'_, Vec<Blob>> {
        Box::pin(self.at_rest())
    }
}

struct LyingDocuments {
    documents: Arc<dyn Documents>,
    lie: DocumentLie,
    with: With,
}

impl LyingDocuments {
    fn is(&self, lie: DocumentLie) -> bool {
        self.lie == lie && self.with.switch.is_on()
    }

    /// Every document of every build that has not ended.
    async fn all(&self) -> Result<Vec<(BuildId, Vec<Document>)>> {
        let mut all = Vec::new();
        for build in self.documents.builds().await? {
            if build.state != BuildState::Ended {
                all.push((build.id, self.documents.page(build.id, &DocumentQuery::all()).await?.documents));
            }
        }
        Ok(all)
    }

    /// Takes whole documents away, without moving on.
    async fn take_documents(&self, keys: &[KeyId]) -> Result<()> {
        let dead: HashSet<KeyId> = keys.iter().copied().collect();
        for (build, documents) in self.all().await? {
            let at = self.documents.builds().await?.into_iter().find(|known| known.id == build);
            let Some(position) = at.map(|build| build.position) else { continue };
            let dying =
                documents.iter().filter(|document| document.owners().iter().any(|key| dead.contains(key)));
            let remove = dying.map(|document| document.key.clone()).collect();
            let changes =
                DocumentChanges { after: position, through: position, remove, ..Default::default() };
            self.documents.commit(build, changes).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Documents for LyingDocuments {
    fn name(&self) -> &str {
        self.documents.name()
    }

    fn promise(&self) -> Promise {
        let promise = self.documents.promise();
        match self.lie {
            DocumentLie::IsUnsure => Promise { bytes_gone: None, ..promise },
            DocumentLie::IsBlocked | DocumentLie::TakesABlockForASweep => {
                Promise { bytes_gone: Some(Duration::from_secs(86_400)), ..promise }
            }
            _ => promise,
        }
    }

    async fn builds(&self) -> Result<Vec<Build>> {
        self.documents.builds().await
    }

    async fn begin(&self, projection: &ProjectionName, version: u32, role: Role) -> Result<BuildId> {
        self.documents.begin(projection, version, role).await
    }

    async fn serve(&self, build: BuildId, before: Before) -> Result<()> {
        self.documents.serve(build, before).await
    }

    async fn end(&self, build: BuildId) -> Result<()> {
        self.documents.end(build).await
    }

    async fn get(&self, build: BuildId, keys: &[DocumentKey]) -> Result<Vec<Option<Document>>> {
        self.documents.get(build, keys).await
    }

    async fn commit(&self, build: BuildId, changes: DocumentChanges) -> Result<()> {
        if self.lie == DocumentLie::IndexesPlaintext {
            let entry = Blob::new("an index", hex::encode(self.with.text()));
            self.with.notes().kept.push(entry);
        }
        if matches!(self.lie, DocumentLie::KeepsPages | DocumentLie::TakesABlockForASweep) {
            let parts = changes.put.iter().flat_map(|document| &document.carried.parts);
            let pages = parts.map(|part| Blob::new("a free page", part.sealed.as_bytes()));
            self.with.notes().kept.extend(pages);
        }
        if self.lie == DocumentLie::KeepsTokens {
            let found = changes.put.iter().flat_map(|document| {
                document.tokens.iter().map(|token| (token.lookup.clone(), token.hash, document.key.clone()))
            });
            self.with.notes().tokens.extend(found);
        }
        match self.documents.commit(build, changes).await {
            Err(error) if self.lie == DocumentLie::TakesDeadParts && error.kind() == ErrorKind::Erased => {
                Ok(())
            }
            committed => committed,
        }
    }

    async fn note(&self, build: BuildId, fault: Option<&Fault>) -> Result<()> {
        self.documents.note(build, fault).await
    }

    async fn page(&self, build: BuildId, query: &DocumentQuery) -> Result<DocumentPage> {
        if let (DocumentLie::KeepsTokens, Some((lookup, hash))) = (self.lie, &query.token) {
            let tokens = self.with.notes().tokens.clone();
            let mut kept = tokens.iter().filter(|(name, known, _)| name == lookup && known == hash);
            if let Some((_, _, key)) = kept.next() {
                let documents = self.documents.get(build, std::slice::from_ref(key)).await?;
                let documents = documents.into_iter().flatten().collect();
                let position = self.documents.page(build, query).await?.position;
                return Ok(DocumentPage { position, documents, more: false });
            }
        }
        self.documents.page(build, query).await
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        if self.is(DocumentLie::IsDown) {
            return Err(out_of_reach());
        }
        match self.lie {
            DocumentLie::ForgetsNothing => {
                self.with.notes().forgotten.extend(&erased.keys);
                return Ok(Forgotten { records: self.documents.held_under(&erased.keys).await? });
            }
            DocumentLie::ForgetsWholeDocuments => self.take_documents(&erased.keys).await?,
            DocumentLie::ForgetsNeighbours if !erased.keys.is_empty() => {
                let documents = self.all().await?;
                let owners = documents.iter().flat_map(|(_, all)| all).flat_map(Document::owners);
                let other = owners.rev().find(|owner| !erased.keys.contains(owner));
                let keys = [erased.keys.as_slice(), other.as_slice()].concat();
                return self.documents.forget(&ErasedKeys { erasure: erased.erasure, keys }).await;
            }
            _ => {}
        }
        self.documents.forget(erased).await
    }

    async fn sweep(&self) -> Result<Swept> {
        match self.lie {
            DocumentLie::IsBlocked if self.with.switch.is_on() => {
                Ok(Swept::Blocked { by: vec!["a reader of the case".to_owned()] })
            }
            DocumentLie::IsUnsure => Ok(Swept::Unsure { why: "the case says so".to_owned() }),
            _ => self.documents.sweep().await,
        }
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        let lied = keys.iter().any(|key| self.with.notes().forgotten.contains(key));
        if lied { Ok(0) } else { self.documents.held_under(keys).await }
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        let lied = keys.iter().all(|key| self.with.notes().forgotten.contains(key));
        if lied { Ok(true) } else { self.documents.remembers(keys).await }
    }
}

impl fmt::Debug for LyingDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.documents.fmt(f)
    }
}
