//! Running several projections at once: one that fails does not stop the others.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use tokio::sync::{Mutex, Notify};

use super::feed::{self, Until, feed};
use crate::documents::Fault;
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::Position;
use crate::log::Query;
use crate::projector::{Page, Projector};

/// How long a projection waits before it asks a store again that was out of reach.
const PATIENCE: Duration = Duration::from_secs(1);

/// Projections that run side by side, each at its own pace.
///
/// Cheap to clone; clones run the same projections.
#[derive(Clone)]
pub struct Projections {
    house: Oubliette,
    members: Arc<[Member]>,
}

struct Member {
    projector: Arc<dyn Projector>,
    fault: Mutex<Option<Fault>>,
    resumed: Notify,
}

/// Where a projection stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The projection.
    pub name: String,
    /// The version of its code.
    pub version: u32,
    /// The position up to which events are applied.
    pub position: Position,
    /// The log's head.
    pub head: Position,
    /// Where it stands still, and why.
    pub fault: Option<Fault>,
}

impl Projections {
    /// Projections of a house.
    pub fn new(house: &Oubliette, projectors: impl IntoIterator<Item = Arc<dyn Projector>>) -> Self {
        let member = |projector| Member { projector, fault: Mutex::new(None), resumed: Notify::new() };
        Self { house: house.clone(), members: projectors.into_iter().map(member).collect() }
    }

    /// Feeds each of them what the log holds, and tells where each stands.
    ///
    /// One that fails stands still at the event it cannot apply, with its error, until it is
    /// resumed or the event is skipped; the others go on.
    ///
    /// # Errors
    /// `Unavailable` when a store is out of reach, after all others have been fed.
    pub async fn catch_up(&self) -> Result<Vec<Standing>> {
        let fed = join_all(self.members.iter().map(|member| member.catch_up(&self.house))).await;
        fed.into_iter().collect::<Result<Vec<()>>>()?;
        self.standings().await
    }

    /// Feeds each of them, and goes on with every event that is appended, for ever. It ends
    /// when it is dropped.
    pub async fn follow(&self) {
        join_all(self.members.iter().map(|member| member.follow(&self.house))).await;
    }

    /// Where each stands.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn standings(&self) -> Result<Vec<Standing>> {
        let head = self.house.log.head().await?;
        let mut standings = Vec::with_capacity(self.members.len());
        for member in self.members.iter() {
            standings.push(Standing {
                name: member.projector.name().to_owned(),
                version: member.projector.version(),
                position: member.projector.position().await?,
                head,
                fault: member.fault.lock().await.clone(),
            });
        }
        Ok(standings)
    }

    /// Lets a projection try again that stands still.
    ///
    /// # Errors
    /// `NotFound` when none has this name; `Unavailable`.
    pub async fn resume(&self, name: &str) -> Result<()> {
        self.member(name)?.resume().await
    }

    /// Lets a projection go on behind an event that it cannot apply. What it then serves
    /// lacks the event, knowingly: it is recorded with what it builds.
    ///
    /// # Errors
    /// `NotFound` when none has this name; `Conflict` when `position` is not its next event.
    pub async fn skip(&self, name: &str, position: Position) -> Result<()> {
        let member = self.member(name)?;
        skip(&self.house, member.projector.as_ref(), position).await?;
        member.resume().await
    }

    fn member(&self, name: &str) -> Result<&Member> {
        self.members.iter().find(|member| member.projector.name() == name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "projection", "no projection that runs here has this name")
                .with("projection", name)
        })
    }
}

/// Passes one event over.
pub(super) async fn skip(house: &Oubliette, projector: &dyn Projector, position: Position) -> Result<()> {
    use futures::TryStreamExt as _;
    let after = projector.position().await?;
    let page = house.log.read(Query::after(after).limit(1)).try_next().await?;
    let next = page.into_iter().flatten().next().map(|event| event.position);
    if next != Some(position) {
        return Err(Error::new(
            ErrorKind::Conflict,
            "skip",
            "only the event that comes next is skipped: catch up until the projection stands still at it",
        )
        .with("next", next.unwrap_or_default())
        .with("asked_for", position));
    }
    projector.apply(&Page { after, events: Vec::new(), through: position, skipped: vec![position] }).await
}

impl Member {
    async fn catch_up(&self, house: &Oubliette) -> Result<()> {
        if self.fault.lock().await.is_some() {
            return Ok(());
        }
        match feed(house, self.projector.as_ref(), Until::default()).await? {
            None => self.projector.caught_up().await,
            Some(fault) => {
                tracing::warn!(projection = self.projector.name(), position = %fault.position, error = %fault.error, "a projection stands still");
                self.projector.note(Some(&fault)).await?;
                *self.fault.lock().await = Some(fault);
                Ok(())
            }
        }
    }

    async fn follow(&self, house: &Oubliette) {
        loop {
            let resumed = self.resumed.notified();
            if let Err(error) = self.step(house).await {
                if feed::passes(&error) {
                    tracing::warn!(projection = self.projector.name(), %error, "a projection waits");
                    tokio::time::sleep(PATIENCE).await;
                    continue;
                }
                *self.fault.lock().await = Some(feed::fault_at(Position::ZERO, &error));
            }
            if self.fault.lock().await.is_some() {
                resumed.await;
            }
        }
    }

    /// Feeds it all there is, and waits for more.
    async fn step(&self, house: &Oubliette) -> Result<()> {
        self.catch_up(house).await?;
        if self.fault.lock().await.is_none() {
            house.log.wait_beyond(self.projector.position().await?).await?;
        }
        Ok(())
    }

    async fn resume(&self) -> Result<()> {
        self.projector.note(None).await?;
        *self.fault.lock().await = None;
        self.resumed.notify_waiters();
        Ok(())
    }
}

impl fmt::Debug for Projections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members.iter().map(|member| member.projector.name())).finish()
    }
}
