//! Searching bytes for what must not be there, also inside whatever they are packed in.
//!
//! A [`Search`] looks for needles: texts in every [`Form`](oubliette_core::scan::Form), also
//! in lower and upper case, and byte strings as they are, in hex and in base64. It opens
//! containers wherever they lie in the bytes, and containers in them: zstd, gzip, zlib, LZ4
//! frames, values that PostgreSQL compressed (pglz and LZ4), and bytes that a SQL dump
//! writes in hex. What comes out of a damaged one is searched as far as it goes. A container
//! that is beyond the [`Bounds`] makes the search void: that is an error, never silence.
//!
//! A search proves nothing without its controls: see [`Controls`], which cannot be had
//! without.
//!
//! # What is not opened
//!
//! - What takes a key or a dictionary: age files, sealed parts, zstd frames with a
//!   dictionary. Nobody reads them without it.
//! - Raw deflate without a head, LZ4 blocks without a head, brotli, bzip2, xz.
//! - A container in pieces. PostgreSQL moves a value that is still larger than about 2,000
//!   bytes when it is compressed out of its row, in chunks (TOAST): set such columns to
//!   `STORAGE EXTERNAL`, which does not compress, or search a dump as well.
//!   `pg_dump --format=custom` cuts its streams: dump as plain text, or as a directory.
//! - Full-page images in PostgreSQL's WAL with `wal_compression` set to `pglz` or `lz4`.
//! - The compressed form that a big-endian machine writes.

mod container;
mod controls;
mod deflate;
mod findings;
mod needle;
mod pglz;
mod varlena;

use std::borrow::Borrow;
use std::collections::HashSet;

use oubliette_core::scan::Needles;

use self::container::{Container, Ending, Opened};
pub use self::controls::{Before, Controls, Failure};
pub use self::findings::{Findings, Hit, Void};
pub use self::needle::Needle;
use crate::fixture::Blob;

/// How far containers are opened. What is beyond makes a search void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Containers within containers.
    pub depth: usize,
    /// Bytes that come out of one container: what is held in memory at a time, on each level.
    pub container: usize,
    /// Bytes that come out of all containers of one blob.
    pub blob: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { depth: 8, container: 256 << 20, blob: 4 << 30 }
    }
}

/// Looks for needles in bytes.
#[derive(Debug)]
pub struct Search {
    needles: Needles,
    names: Vec<String>,
    bounds: Bounds,
}

impl Search {
    /// Prepares to look for all of these.
    ///
    /// # Errors
    /// [`Void`] when there is nothing to look for, two have one name, or one is so short
    /// that it stands in other bytes by chance.
    pub fn new(needles: impl IntoIterator<Item = Needle>) -> Result<Self, Void> {
        let (mut names, mut patterns) = (Vec::<String>::new(), Vec::new());
        for (number, needle) in needles.into_iter().enumerate() {
            if needle.is_too_short() {
                return Err(Void::TooShort { needle: needle.name });
            }
            if names.contains(&needle.name) {
                return Err(Void::Twice { needle: needle.name });
            }
            patterns.extend(needle.patterns().map(|(form, pattern)| (number, form, pattern)));
            names.push(needle.name);
        }
        if names.is_empty() {
            return Err(Void::NoNeedles);
        }
        let needles = Needles::of_patterns(patterns).map_err(|_| Void::TooMany)?;
        Ok(Self { needles, names, bounds: Bounds::default() })
    }

    /// Opens containers so far. Default: [`Bounds::default`].
    #[must_use]
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Searches blobs one after the other, and their names: nothing of a blob is kept.
    ///
    /// # Errors
    /// [`Void`] when there was no byte to search, or a container was not searched.
    pub fn over<B: Borrow<Blob>>(&self, blobs: impl IntoIterator<Item = B>) -> Result<Findings, Void> {
        let mut findings = Findings { needles: self.names.len() as u64, ..Findings::default() };
        for blob in blobs {
            let blob = blob.borrow();
            findings.places += 1;
            let mut layer = Layer { place: blob.name.clone(), depth: 0, left: self.bounds.blob };
            if self.needles.hits(blob.name.as_bytes()).next().is_some() {
                // The name gives a needle away: it is not repeated.
                layer.place = format!("place {}", findings.places);
                self.needles_in(blob.name.as_bytes(), &format!("the name of {}", layer.place), &mut findings);
            }
            self.within(&blob.bytes, &mut layer, &mut findings)?;
        }
        match findings.bytes {
            0 => Err(Void::NothingSearched),
            _ => Ok(findings),
        }
    }

    fn within(&self, bytes: &[u8], layer: &mut Layer, findings: &mut Findings) -> Result<(), Void> {
        findings.bytes += bytes.len() as u64;
        self.needles_in(bytes, &layer.place, findings);
        let mut searched = 0;
        for (at, container) in container::candidates(bytes) {
            // What lies in a container that was opened to its end comes out of that one.
            if at >= searched {
                searched = at + self.opened(bytes, at, container, layer, findings)?;
            }
        }
        for (at, container) in varlena::candidates(bytes) {
            self.opened(bytes, at, container, layer, findings)?;
        }
        Ok(())
    }

    /// Opens what may begin here, and searches it. Gives how many bytes of it need no other
    /// look.
    fn opened(
        &self,
        bytes: &[u8],
        at: usize,
        container: Container,
        layer: &mut Layer,
        findings: &mut Findings,
    ) -> Result<usize, Void> {
        let limit = self.bounds.container.min(layer.left);
        let opened = bytes.get(at..).and_then(|rest| container.open(rest, limit));
        let Some(Opened { bytes: inside, ending }) = opened else { return Ok(0) };
        let place = format!("{} > {container} at {at}", layer.place);
        let deepest = layer.depth == self.bounds.depth;
        let taken = match ending {
            Ending::Beyond => return Err(Void::NotSearched { place, why: "it holds too much" }),
            Ending::Whole { .. } | Ending::Plausible if deepest => {
                return Err(Void::NotSearched { place, why: "it lies too deep" });
            }
            Ending::Whole { taken } => taken,
            Ending::Plausible | Ending::Damaged => 0,
        };
        layer.left -= inside.len();
        if deepest {
            self.needles_in(&inside, &place, findings);
            return Ok(taken);
        }
        findings.opened += 1;
        let mut deeper = Layer { place, depth: layer.depth + 1, left: layer.left };
        self.within(&inside, &mut deeper, findings)?;
        layer.left = deeper.left;
        Ok(taken)
    }

    /// Notes each needle once in each form: how often it stands there tells nothing more.
    fn needles_in(&self, bytes: &[u8], place: &str, findings: &mut Findings) {
        let mut seen = HashSet::new();
        for hit in self.needles.hits(bytes) {
            if seen.insert((hit.needle, hit.form))
                && let Some(needle) = self.names.get(hit.needle)
            {
                let (needle, place) = (needle.clone(), place.to_owned());
                findings.hits.push(Hit { needle, form: hit.form, place, offset: hit.offset as u64 });
            }
        }
    }
}

/// Where a search is.
struct Layer {
    place: String,
    depth: usize,
    /// Bytes that may still come out of the containers of this blob.
    left: usize,
}
