//! What all liars share: the store beneath, what they remember, and a switch.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oubliette_core::{DocumentKey, ErasureId, Error, ErrorKind, Key, KeyId, Position, Recorded};

use crate::fixture::Blob;
use crate::house::story::Cast;
use crate::store::Store;

/// A store whose part lies, or fails, while its switch is on.
pub(crate) struct Lying<Part: ?Sized, Lie> {
    pub(super) store: Arc<dyn Store<Part>>,
    pub(super) lie: Lie,
    pub(super) with: With,
    opened: AtomicU64,
}

/// What a liar knows.
#[derive(Clone)]
pub(super) struct With {
    /// The texts of the story: what it would give away.
    pub(super) cast: Arc<Cast>,
    notes: Arc<Mutex<Notes>>,
    pub(super) switch: Switch,
    /// Which process it is in.
    pub(super) process: u64,
}

/// What a liar remembers, and should not.
#[derive(Default)]
pub(super) struct Notes {
    /// Bytes that it has at rest beside those that its part has.
    pub(super) kept: Vec<Blob>,
    pub(super) keys: HashMap<KeyId, Key>,
    /// Keys that other processes do not know yet.
    pub(super) young: HashMap<KeyId, u64>,
    pub(super) destroyed: HashSet<ErasureId>,
    /// The process that destroyed keys last.
    pub(super) destroyed_by: Option<u64>,
    pub(super) readmitted: bool,
    pub(super) restored: bool,
    /// Whether somebody put an old copy in the place of what is at rest.
    pub(super) put_back: bool,
    /// Events as they were when they were read first.
    pub(super) read: HashMap<Position, Recorded>,
    /// What documents are found by: a lookup, a hash, and the document.
    pub(super) tokens: Vec<(String, [u8; 16], DocumentKey)>,
    pub(super) forgotten: HashSet<KeyId>,
    /// How often it was asked.
    pub(super) asked: u64,
}

/// Turns a lie or a failure on and off.
#[derive(Clone, Debug)]
pub(crate) struct Switch(Arc<AtomicBool>);

impl Switch {
    pub(crate) fn on() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub(crate) fn off() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn turn(&self, on: bool) {
        self.0.store(on, Ordering::SeqCst);
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl With {
    pub(super) fn new(cast: Cast, switch: Switch) -> Self {
        Self { cast: Arc::new(cast), notes: Arc::default(), switch, process: 0 }
    }

    pub(super) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text that it gives away.
    pub(super) fn text(&self) -> &str {
        &self.cast.people[0].name
    }
}

impl<Part: ?Sized + 'static, Lie: Copy + PartialEq> Lying<Part, Lie> {
    pub(super) fn new(store: Arc<dyn Store<Part>>, lie: Lie, with: With) -> Self {
        Self { store, lie, with, opened: AtomicU64::new(1) }
    }

    /// The part beneath, as one process has it open.
    pub(super) async fn process(&self) -> (Arc<Part>, With) {
        let with = With { process: self.opened.fetch_add(1, Ordering::SeqCst), ..self.with.clone() };
        (self.store.open().await, with)
    }

    /// What the part has at rest, and what the liar kept.
    pub(super) async fn at_rest(&self) -> Vec<Blob> {
        let mut blobs = self.store.residue().await;
        blobs.extend(self.with.notes().kept.iter().cloned());
        blobs
    }
}

/// What a part answers that is out of reach.
pub(super) fn out_of_reach() -> Error {
    Error::new(ErrorKind::Unavailable, "case", "the part is out of reach")
}
