//! Projections: documents that a view makes of the log, and that forget with it.

mod apart;
mod apply;
mod carrying;
mod check;
mod copied;
mod feed;
mod past;
mod read;
mod run;
mod view;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use self::apply::Runner;
pub(crate) use self::carrying::{Handle, Session};
pub use self::check::{Check, Difference, Differs};
use self::feed::{Until, feed};
pub use self::past::{AsOf, Past};
pub use self::read::{Answer, DocumentView};
pub use self::run::{Projections, Standing};
pub use self::view::{Changes, Lookup, View, ViewEvent};
use crate::documents::{Before, Build, BuildState, Documents, Fault, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::{BuildId, Position, ProjectionName, Purpose};
use crate::projector::{ErasedKeys, Forgotten, Page, Projector};
use crate::snapshots::SnapshotPolicy;

/// How a projection is run. All have defaults.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProjectionOptions {
    /// What becomes of the documents of another version, once this one has caught up. They
    /// are ended unless they are kept to reproduce past answers.
    pub before: Before,
    /// When snapshots are taken. Never, unless set.
    pub snapshots: Option<SnapshotPolicy>,
    /// Words of the view's own that stand in its documents, beside names of fields: they are
    /// no residue, also when somebody's name is the same.
    pub words: Vec<String>,
}

impl Default for ProjectionOptions {
    fn default() -> Self {
        Self { before: Before::Ended, snapshots: None, words: Vec::new() }
    }
}

impl ProjectionOptions {
    /// Keeps the documents of another version when this one is switched to.
    #[must_use]
    pub fn keep(mut self) -> Self {
        self.before = Before::Kept;
        self
    }

    /// Names words that the view itself writes into documents: states, kinds, units.
    #[must_use]
    pub fn words<T: Into<String>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// Takes snapshots by a policy, whose events are those of the whole log.
    #[must_use]
    pub fn snapshots(mut self, policy: SnapshotPolicy) -> Self {
        self.snapshots = Some(policy);
        self
    }
}

/// A projection: a view, and the documents that it makes in the house's store.
///
/// Cheap to clone. It is fed by [`Projection::catch_up`], or together with others by
/// [`Projections`].
pub struct Projection<V: View> {
    shared: Arc<Shared<V>>,
    purposes: Option<Arc<[Purpose]>>,
}

struct Shared<V: View> {
    runner: Runner<V>,
    name: ProjectionName,
    options: ProjectionOptions,
    /// The build that is fed, once one was begun. Whoever feeds it holds the lock.
    build: Mutex<Option<BuildId>>,
}

impl<V: View> Clone for Projection<V> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), purposes: self.purposes.clone() }
    }
}

impl Oubliette {
    /// Opens the projection of a view in the house's store of documents.
    ///
    /// Documents of another version of the view go on being served until this one has
    /// caught up beside them.
    ///
    /// # Errors
    /// `Invalid` when the house has no store of documents, or for a name or version that is
    /// none; `Unavailable`.
    pub async fn projection<V: View>(&self, view: V, options: ProjectionOptions) -> Result<Projection<V>> {
        let name = view::check(&view)?;
        let documents = self.documents.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "projection",
                "the house has no store of documents: give one to its builder",
            )
        })?;
        let version = view.version();
        let runner =
            Runner::new(self.clone(), documents.clone(), Arc::new(view), options.words.clone()).await?;
        let builds = documents.builds().await?;
        let ours = |build: &&Build| build.projection == name;
        let served = builds.iter().filter(ours).find(|build| build.state == BuildState::Served);
        let build = match served {
            Some(served) if served.version == version => Some(served.id),
            _ => {
                let begun = builds.iter().filter(ours).find(|build| {
                    build.version == version
                        && build.role == Role::Successor
                        && matches!(build.state, BuildState::Building | BuildState::Kept)
                });
                begun.map(|begun| begun.id)
            }
        };
        let build = match (served, build) {
            (None, build) => {
                let build = match build {
                    Some(build) => build,
                    None => documents.begin(&name, version, Role::Successor).await?,
                };
                // The first build answers from its beginning: there is nothing better.
                documents.serve(build, options.before).await?;
                Some(build)
            }
            // One beside the served is begun when it is fed.
            (Some(_), build) => build,
        };
        let shared = Shared { runner, name, options, build: Mutex::new(build) };
        Ok(Projection { shared: Arc::new(shared), purposes: None })
    }
}

impl<V: View> Projection<V> {
    /// Applies every event that the log holds. Then a build beside the served one is
    /// switched to.
    ///
    /// # Errors
    /// `Incomplete` when the projection stands still at an event, with its position and
    /// cause; `Unavailable`.
    pub async fn catch_up(&self) -> Result<Position> {
        match feed(self.house(), self, Until::default()).await? {
            None => {
                self.caught_up().await?;
                self.position().await
            }
            Some(fault) => {
                self.note(Some(&fault)).await?;
                Err(stands_still(&self.shared.name, &fault))
            }
        }
    }

    /// Goes on behind an event that the view cannot apply, knowingly. It is recorded.
    ///
    /// # Errors
    /// `Conflict` when `position` is not the next event.
    pub async fn skip(&self, position: Position) -> Result<()> {
        run::skip(self.house(), self, position).await
    }

    /// A reader for declared purposes: what is held for another one reads as withheld.
    #[must_use]
    pub fn read_for(&self, purposes: impl Into<Arc<[Purpose]>>) -> Self {
        Self { shared: self.shared.clone(), purposes: Some(purposes.into()) }
    }

    /// Every build of this projection, ended ones too: which version made what of which
    /// positions.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn builds(&self) -> Result<Vec<Build>> {
        let mut builds = self.documents().builds().await?;
        builds.retain(|build| build.projection == self.shared.name);
        Ok(builds)
    }

    fn house(&self) -> &Oubliette {
        &self.shared.runner.house
    }

    fn documents(&self) -> &Arc<dyn Documents> {
        &self.shared.runner.documents
    }

    async fn build(&self, id: BuildId) -> Result<Build> {
        let builds = self.documents().builds().await?;
        builds.into_iter().find(|build| build.id == id).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "projection", "a build of this projection is gone: open it again")
                .with("projection", &self.shared.name)
                .with("build", id)
        })
    }

    /// The build that is fed, begun now if none was.
    async fn fed(&self, build: &mut Option<BuildId>) -> Result<BuildId> {
        match *build {
            Some(build) => Ok(build),
            None => {
                let version = self.shared.runner.view.version();
                let begun = self.documents().begin(&self.shared.name, version, Role::Successor).await?;
                Ok(*build.insert(begun))
            }
        }
    }

    /// The build that answers.
    async fn served(&self) -> Result<Build> {
        let builds = self.builds().await?;
        builds.into_iter().find(|build| build.state == BuildState::Served).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "projection",
                "no build of this projection is served: open it again",
            )
            .with("projection", &self.shared.name)
        })
    }
}

pub(super) fn stands_still(name: &ProjectionName, fault: &Fault) -> Error {
    Error::new(
        ErrorKind::Incomplete,
        "project",
        format!(
            "a projection stands still at an event that it cannot apply: mend the view and give it a new \
             version, or skip the event knowingly ({})",
            fault.error
        ),
    )
    .with("projection", name)
    .with("position", fault.position)
}

#[async_trait]
impl<V: View> Projector for Projection<V> {
    fn name(&self) -> &str {
        self.shared.name.as_str()
    }

    fn version(&self) -> u32 {
        self.shared.runner.view.version()
    }

    async fn position(&self) -> Result<Position> {
        match *self.shared.build.lock().await {
            Some(build) => Ok(self.build(build).await?.position),
            None => Ok(Position::ZERO),
        }
    }

    async fn apply(&self, page: &Page) -> Result<()> {
        let mut fed = self.shared.build.lock().await;
        let build = self.fed(&mut fed).await?;
        self.shared.runner.apply(build, page, &|_| true).await?;
        if let Some(policy) = self.shared.options.snapshots
            && policy.is_due(page.after, page.through)
            // The page is applied: a snapshot that cannot be taken is no reason to stand still.
            && let Err(error) = self.take_snapshot(build, page.through, policy.keep).await
        {
            tracing::warn!(%error, projection = %self.shared.name, "a snapshot could not be taken");
        }
        Ok(())
    }

    async fn caught_up(&self) -> Result<()> {
        let mut fed = self.shared.build.lock().await;
        let build = self.fed(&mut fed).await?;
        self.documents().serve(build, self.shared.options.before).await
    }

    async fn note(&self, fault: Option<&Fault>) -> Result<()> {
        let mut fed = self.shared.build.lock().await;
        let build = self.fed(&mut fed).await?;
        self.documents().note(build, fault).await
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        self.documents().forget(erased).await
    }

    async fn reset(&self) -> Result<()> {
        let mut build = self.shared.build.lock().await;
        let fresh = self.documents().begin(&self.shared.name, self.version(), Role::Successor).await?;
        self.documents().serve(fresh, Before::Ended).await?;
        *build = Some(fresh);
        Ok(())
    }
}

impl<V: View> fmt::Debug for Projection<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Projection({}, version {})", self.shared.name, self.shared.runner.view.version())
    }
}
