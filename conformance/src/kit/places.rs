//! Where to look.

use super::report::Kind;
use crate::fixture::Blob;
use crate::search::Needle;

/// Everything that an application shows and keeps, as it is at one moment.
///
/// Make it in one function of the test and call that before the erasure and after it, so that
/// both look at the same places.
#[derive(Debug, Default)]
pub struct Places {
    pub(super) shown: Vec<Shown>,
    pub(super) at_rest: Vec<AtRest>,
}

#[derive(Debug)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) blob: Blob,
}

#[derive(Debug)]
pub(super) struct AtRest {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) blobs: Vec<Blob>,
    /// What stands there in the open.
    pub(super) marker: Option<Needle>,
}

impl Places {
    /// No place yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the application shows to whoever may see it: a page, an answer of its API, an
    /// export. An answer that says that there is nothing is shown as well, as an empty text.
    #[must_use]
    pub fn shown(mut self, name: impl Into<String>, answer: impl Into<Vec<u8>>) -> Self {
        let name = name.into();
        let blob = Blob::new(name.clone(), answer);
        self.shown.push(Shown { name, blob });
        self
    }

    /// What the application keeps or tells: files, a dump of a database, captured logs. All
    /// bytes of it. The neighbour's pseudonym or sealed parts must stand in it.
    #[must_use]
    pub fn at_rest(self, name: impl Into<String>, blobs: impl IntoIterator<Item = Blob>) -> Self {
        self.place(name.into(), Kind::AtRest, blobs, None)
    }

    /// Copies from before: backups, exports, replicas that are not swept. Dead ciphertext may
    /// stay in them, and nothing else of the person.
    #[must_use]
    pub fn copies(self, name: impl Into<String>, blobs: impl IntoIterator<Item = Blob>) -> Self {
        self.place(name.into(), Kind::Copies, blobs, None)
    }

    /// What the application keeps or tells, where nothing of the neighbour must stand: the
    /// marker shows that it is the place.
    #[must_use]
    pub fn marked(
        self,
        name: impl Into<String>,
        blobs: impl IntoIterator<Item = Blob>,
        marker: Needle,
    ) -> Self {
        self.place(name.into(), Kind::AtRest, blobs, Some(marker))
    }

    fn place(
        mut self,
        name: String,
        kind: Kind,
        blobs: impl IntoIterator<Item = Blob>,
        marker: Option<Needle>,
    ) -> Self {
        let marker = marker.map(|marker| marker.called(format!("the marker of {name}")));
        self.at_rest.push(AtRest { name, kind, blobs: blobs.into_iter().collect(), marker });
        self
    }
}
