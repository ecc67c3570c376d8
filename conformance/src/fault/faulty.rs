//! A part of any trait, with a plan behind it.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{TryStreamExt as _, try_unfold};
use oubliette_core::alias::{Alias, Naming};
use oubliette_core::ledger::{Entry, Head};
use oubliette_core::{
    Appended, BackupTarget, Batch, Before, Build, BuildId, Document, DocumentChanges, DocumentKey,
    DocumentPage, DocumentQuery, Documents, Dropped, DroppedStream, ErasedKeys, Erasure, ErasureId, EventLog,
    Fault as Standstill, Forgotten, Key, KeyId, KeyRecord, KeyState, KeyVault, Ledger, Limits, PageStream,
    Position, ProjectionName, Promise, Query, Reason, Restored, Result, Role, Scope, Scrubbed, Sequence,
    Series, Signature, Snapshot, SnapshotKey, SnapshotStore, StreamId, SubjectId, Swept, Target, VaultId,
    Version,
};

use super::plan::{Call, Plan};

/// A part that does what the part below does, unless its plan lets it go wrong.
#[derive(Debug)]
pub struct Faulty<Part: ?Sized> {
    part: Arc<Part>,
    plan: Plan,
}

impl<Part: ?Sized> Faulty<Part> {
    /// A part over another one, with a plan.
    pub fn new(part: Arc<Part>, plan: &Plan) -> Self {
        Self { part, plan: plan.clone() }
    }
}

/// Implements a trait: what a part `tells` of itself cannot fail, what it is asked for when one
/// `looks` changes nothing, all else `changes` it. A method that is forgotten does not compile.
macro_rules! faulty {
    (
        $trait:ident as $part:literal;
        tells { $(fn $told:ident() -> $answer:ty;)* }
        looks { $(fn $looks:ident($($look:ident: $looked:ty),*) -> $seen:ty;)* }
        changes { $(fn $changes:ident($($change:ident: $changed:ty),*) -> $done:ty;)* }
        $(besides { $($besides:item)* })?
    ) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl $trait for Faulty<dyn $trait> {
            $(fn $told(&self) -> $answer {
                self.part.$told()
            })*
            $(async fn $looks(&self $(, $look: $looked)*) -> Result<$seen> {
                let call = Call { part: $part, method: stringify!($looks), changes: false };
                self.plan.call(call, self.part.$looks($($look),*)).await
            })*
            $(async fn $changes(&self $(, $change: $changed)*) -> Result<$done> {
                let call = Call { part: $part, method: stringify!($changes), changes: true };
                self.plan.call(call, self.part.$changes($($change),*)).await
            })*
            $($($besides)*)?
        }
    };
}

faulty! {
    EventLog as "log";
    tells {
        fn limits() -> Limits;
        fn promise() -> Promise;
    }
    looks {
        fn head() -> Position;
        fn version(stream: &StreamId) -> Version;
        fn wait_beyond(position: Position) -> Position;
        fn dropped() -> Vec<DroppedStream>;
        fn quarantine() -> Option<Position>;
    }
    changes {
        fn append(batch: Batch) -> Appended;
        fn scrub(keys: &[KeyId]) -> Scrubbed;
        fn sweep() -> Swept;
        fn drop_stream(stream: &StreamId) -> Dropped;
        fn restore(page: Restored) -> ();
        fn release() -> ();
    }
    besides {
        /// Each page is a call.
        fn read(&self, query: Query) -> PageStream {
            let call = Call { part: "log", method: "read", changes: false };
            let plan = self.plan.clone();
            try_unfold(self.part.read(query), move |mut pages| {
                let plan = plan.clone();
                async move {
                    let page = plan.call(call, pages.try_next()).await?;
                    Ok(page.map(|page| (page, pages)))
                }
            })
            .boxed()
        }
    }
}

faulty! {
    KeyVault as "vault";
    tells {
        fn id() -> VaultId;
        fn promise() -> Promise;
    }
    looks {
        fn find(ids: &[KeyId]) -> Vec<KeyState>;
        fn keys_of(subject: &SubjectId) -> Vec<KeyRecord>;
        fn aliases() -> Vec<Alias>;
        fn erasures(after: Sequence) -> Vec<Erasure>;
        fn sign(message: &[u8]) -> Signature;
        fn anchor() -> Option<Head>;
    }
    changes {
        fn mint(scopes: &[Scope]) -> Vec<Key>;
        fn name(namings: &[Naming]) -> Vec<Vec<SubjectId>>;
        fn register(target: &Target, reason: &Reason) -> Erasure;
        fn fence(erasure: ErasureId) -> ();
        fn destroy(erasure: ErasureId) -> Vec<KeyId>;
        fn readmit(target: &Target) -> ();
        fn set_anchor(head: &Head) -> ();
    }
}

faulty! {
    Documents as "documents";
    tells {
        fn name() -> &str;
        fn promise() -> Promise;
    }
    looks {
        fn builds() -> Vec<Build>;
        fn get(build: BuildId, keys: &[DocumentKey]) -> Vec<Option<Document>>;
        fn page(build: BuildId, query: &DocumentQuery) -> DocumentPage;
        fn held_under(keys: &[KeyId]) -> u64;
        fn remembers(keys: &[KeyId]) -> bool;
    }
    changes {
        fn begin(projection: &ProjectionName, version: u32, role: Role) -> BuildId;
        fn serve(build: BuildId, before: Before) -> ();
        fn end(build: BuildId) -> ();
        fn commit(build: BuildId, changes: DocumentChanges) -> ();
        fn note(build: BuildId, fault: Option<&Standstill>) -> ();
        fn forget(erased: &ErasedKeys) -> Forgotten;
        fn sweep() -> Swept;
    }
}

faulty! {
    SnapshotStore as "snapshots";
    tells {
        fn name() -> &str;
        fn promise() -> Promise;
    }
    looks {
        fn load(of: &SnapshotKey, at_most: Position) -> Option<Snapshot>;
        fn page(of: &Series, at: Position, after: &str, limit: usize) -> Vec<Snapshot>;
        fn held_under(keys: &[KeyId]) -> u64;
        fn remembers(keys: &[KeyId]) -> bool;
    }
    changes {
        fn save(snapshots: Vec<Snapshot>) -> ();
        fn drop_before(of: &Series, id: Option<&str>, position: Position) -> u64;
        fn drop_beyond(position: Position) -> u64;
        fn forget(erased: &ErasedKeys) -> Forgotten;
        fn sweep() -> Swept;
    }
}

faulty! {
    BackupTarget as "target";
    tells {
        fn location() -> String;
    }
    looks {
        fn get(name: &str) -> Vec<u8>;
        fn list(prefix: &str) -> Vec<String>;
    }
    changes {
        fn put(name: &str, bytes: &[u8]) -> ();
        fn take(name: &str) -> ();
        fn tidy() -> ();
    }
}

faulty! {
    Ledger as "ledger";
    tells {}
    looks {
        fn entries() -> Vec<Entry>;
    }
    changes {
        fn append(entry: &Entry) -> ();
    }
}
