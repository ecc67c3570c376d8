//! Segments: the sealed parts of commits, apart from them.

use oubliette_core::Result;

use crate::error::corrupt;
use crate::format::{Part, Parts, Random, Segment, segment_name};
use crate::frame::{decode, encode};
use crate::shared::{Shared, random};

impl Shared {
    /// The sealed parts of a commit, as many as are left.
    pub(crate) async fn parts(&self, op: &'static str, segment: &Random) -> Result<Parts> {
        let name = segment_name(segment);
        let object = self.store.get(op, &name).await?;
        let object = object.ok_or_else(|| corrupt(&name, "a segment of sealed parts is missing"))?;
        let segment: Segment = decode(&name, &object.bytes)?;
        segment.parts.iter().map(|part| Ok(((part.event, part.number), part.sealed()?))).collect()
    }

    /// Writes sealed parts before the commit that names them; none where there are none.
    pub(crate) async fn write_segment(&self, op: &'static str, parts: Vec<Part>) -> Result<Option<Random>> {
        if parts.is_empty() {
            return Ok(None);
        }
        let id = random()?;
        let name = segment_name(&id);
        // Nobody else knows this name: where it is there already, an earlier try has written it.
        self.store.create(op, &name, &encode(&name, &Segment { parts })?).await?;
        Ok(Some(id))
    }

    /// Takes away a segment that no commit names. Where that fails the next sweep does it.
    pub(crate) async fn discard(&self, op: &'static str, segment: Option<Random>) {
        let Some(segment) = segment else { return };
        for version in self.store.versions(op, &segment_name(&segment)).await.unwrap_or_default() {
            if self.store.erase(&version).await.is_err() {
                tracing::debug!("a segment that no commit names is left for the next sweep");
            }
        }
    }
}
