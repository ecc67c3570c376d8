//! Rebuilding in the shadow, and comparing with what is served.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::Projection;
use super::apart::Apart;
use super::view::View;
use crate::document::Document;
use crate::documents::{Before, DocumentQuery, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{BuildId, DocumentKey, ErasureId, KeyId, Position};
use crate::key::KeyState;
use crate::projector::Projector as _;

/// Documents that are compared at once.
const PAGE: usize = 200;
/// How often a page is compared anew while the served build moves on.
const TRIES: usize = 20;

/// What a rebuild gives, compared with what is served.
#[must_use = "a check that is not passed is only told here"]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The version of the view.
    pub version: u32,
    /// The position at which the last documents were compared.
    pub position: Position,
    /// Documents that were compared.
    pub compared: u64,
    /// Every document that differs, by key.
    pub differences: Vec<Difference>,
}

impl Check {
    /// Whether every difference is explained by an erasure of someone who owned a part of
    /// the document.
    pub fn is_passed(&self) -> bool {
        self.differences.iter().all(|difference| !difference.erasures.is_empty())
    }
}

/// A document of which a rebuild gives something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The document.
    pub document: DocumentKey,
    /// How it differs.
    pub differs: Differs,
    /// The erasures of people who owned a part of it. With none, nothing explains it.
    pub erasures: Vec<ErasureId>,
}

/// How a document differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Differs {
    /// Both have it, with other content.
    Changed,
    /// It is served, and a rebuild does not make it.
    NotRebuilt,
    /// A rebuild makes it, and it is not served.
    NotServed,
}

impl<V: View> Projection<V> {
    /// Rebuilds in the shadow, compares with what is served, to the byte, and takes the
    /// shadow away. Names every document that differs.
    ///
    /// # Errors
    /// `Incomplete` when the view cannot apply an event; `Unavailable`, also when the served
    /// build moves on faster than it can be compared with.
    pub async fn check(&self) -> Result<Check> {
        let shadow = Apart::begin(self, Role::Scratch).await?;
        let checked = self.compare(&shadow).await;
        shadow.end().await?;
        checked
    }

    /// Builds all documents anew beside those that are served, compares, and switches when
    /// the check is [passed](Check::is_passed): the documents that answered before are ended
    /// or kept, as the options say. When it is not passed, nothing is switched, and the new
    /// build is ended.
    ///
    /// # Errors
    /// `Incomplete` when the view cannot apply an event; `Unavailable`.
    pub async fn rebuild_checked(&self) -> Result<Check> {
        let next = Apart::begin(self, Role::Successor).await?;
        let checked = match self.compare(&next).await {
            Ok(check) if check.is_passed() => self.switch(&next).await.map(|()| check),
            other => other,
        };
        if !checked.as_ref().is_ok_and(Check::is_passed) {
            next.end().await?;
        }
        checked
    }

    /// Builds all documents anew beside those that are served, and switches when they have
    /// caught up.
    ///
    /// # Errors
    /// `Incomplete` when the view cannot apply an event; `Unavailable`.
    pub async fn rebuild(&self) -> Result<Position> {
        let next = Apart::begin(self, Role::Successor).await?;
        let built = async {
            next.feed(super::Until::default()).await?;
            self.switch(&next).await?;
            next.position().await
        };
        let built = built.await;
        if built.is_err() {
            next.end().await?;
        }
        built
    }

    async fn switch(&self, next: &Apart<V>) -> Result<()> {
        let mut build = self.shared.build.lock().await;
        self.documents().serve(next.build, self.shared.options.before).await?;
        // It was not served when another version was: nobody asks for it any more.
        match build.replace(next.build) {
            Some(before) if self.shared.options.before == Before::Ended && before != next.build => {
                self.documents().end(before).await
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn compare(&self, shadow: &Apart<V>) -> Result<Check> {
        let served = self.served().await?;
        let mut check =
            Check { version: self.version(), position: Position::ZERO, compared: 0, differences: Vec::new() };
        let mut dead = Dead { erasures: None };
        let mut after: Option<DocumentKey> = None;
        loop {
            let (position, page, last) = self.both(served.id, shadow, after.as_ref()).await?;
            check.position = position;
            check.compared += page.len() as u64;
            for (key, (is, should)) in page {
                let differs = match (&is, &should) {
                    (Some(is), Some(should)) if is.same_content(should) => continue,
                    (Some(_), Some(_)) => Differs::Changed,
                    (Some(_), None) => Differs::NotRebuilt,
                    (None, _) => Differs::NotServed,
                };
                let erasures = match &is {
                    Some(is) => dead.owners(self, is).await?,
                    None => Vec::new(),
                };
                check.differences.push(Difference { document: key, differs, erasures });
            }
            match last {
                Some(key) => after = Some(key),
                None => return Ok(check),
            }
        }
    }

    /// A range of documents as they are served and as they are rebuilt, of one position, and
    /// the key at which the range ends.
    async fn both(
        &self,
        served: BuildId,
        shadow: &Apart<V>,
        after: Option<&DocumentKey>,
    ) -> Result<(Position, BTreeMap<DocumentKey, Pair>, Option<DocumentKey>)> {
        let query = DocumentQuery { after: after.cloned(), limit: PAGE, ..DocumentQuery::default() };
        for _ in 0..TRIES {
            // The shadow never overtakes the served build: it is fed up to what was seen.
            let seen =
                self.documents().page(served, &DocumentQuery { limit: 1, ..query.clone() }).await?.position;
            shadow.feed_to(seen).await?;
            let is = self.documents().page(served, &query).await?;
            let should = self.documents().page(shadow.build, &query).await?;
            if is.position != should.position {
                continue;
            }
            // A page ends somewhere: what lies beyond is compared with the next one.
            let ends = [&is, &should].into_iter().filter(|page| page.more);
            let last =
                ends.filter_map(|page| page.documents.last()).map(|document| document.key.clone()).min();
            let within = |document: &Document| last.as_ref().is_none_or(|last| document.key <= *last);
            let mut pairs: BTreeMap<DocumentKey, Pair> = BTreeMap::new();
            for document in is.documents.into_iter().filter(within) {
                let key = document.key.clone();
                pairs.entry(key).or_default().0 = Some(document);
            }
            for document in should.documents.into_iter().filter(within) {
                let key = document.key.clone();
                pairs.entry(key).or_default().1 = Some(document);
            }
            return Ok((is.position, pairs, last));
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "check",
            "the served documents move on faster than they can be compared with: check again when less is written",
        ))
    }
}

/// A document as it is served and as it is rebuilt.
type Pair = (Option<Document>, Option<Document>);

/// Which erasure destroyed which key, looked up when it is first asked for.
struct Dead {
    erasures: Option<HashMap<KeyId, ErasureId>>,
}

impl Dead {
    /// The erasures of people who owned a part of a served document: parts that it has
    /// forgotten, and parts that it still carries under keys that are destroyed.
    async fn owners<V: View>(
        &mut self,
        projection: &Projection<V>,
        document: &Document,
    ) -> Result<Vec<ErasureId>> {
        let house = projection.house();
        let erasures = match &mut self.erasures {
            Some(erasures) => erasures,
            none => none.insert(house.destroyed_keys().await?),
        };
        let owners = document.owners();
        let states = house.vault.find(&owners).await?;
        let dead = owners
            .iter()
            .zip(&states)
            .filter(|(_, state)| matches!(state, KeyState::Destroyed(_)))
            .map(|(key, _)| key);
        let mut found: Vec<ErasureId> =
            dead.chain(&document.lost).filter_map(|key| erasures.get(key)).copied().collect();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}
