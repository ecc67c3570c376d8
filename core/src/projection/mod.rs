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
        let mut builds = documents.builds().await?;
        builds.retain(|build| build.projection == name);
        let build = match fed(&builds, version) {
            Some(build) => Some(build.id),
            // One beside the served is begun when it is fed.
            None if builds.iter().any(|build| build.state == BuildState::Served) => None,
            None => Some(begin(&*documents, &name, version).await?),
        };
        if let Some(build) = build
            && builds.iter().all(|build| build.state != BuildState::Served)
        {
            // The first build answers from its beginning: there is nothing better.
            documents.serve(build, options.before).await?;
        }
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
    async fn fed(&self, fed: &mut Option<BuildId>) -> Result<BuildId> {
        match *fed {
            Some(build) => Ok(build),
            None => {
                let begun = begin(&**self.documents(), &self.shared.name, self.version()).await?;
                Ok(*fed.insert(begun))
            }
        }
    }

    /// What an error of a build that was fed means: when it has ended, another process has
    /// rebuilt the documents, and the build that is served is to be fed.
    async fn unless_ended(&self, build: BuildId, error: Error) -> Error {
        let ended = |builds: &[Build]| {
            builds.iter().all(|other| other.id != build || other.state == BuildState::Ended)
        };
        match self.builds().await {
            Ok(builds) if error.kind() == ErrorKind::NotFound && ended(&builds) => {
                let text = "the documents were rebuilt meanwhile, and switched to: go on with those";
                Error::new(ErrorKind::Conflict, "project", text).caused_by(error)
            }
            _ => error,
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

/// The build that a view of a version feeds: the one that answers, if it is of that version,
/// or else the first that was begun and is not ended.
fn fed(builds: &[Build], version: u32) -> Option<&Build> {
    let mine = |build: &&Build| {
        build.version == version && build.role == Role::Successor && build.state != BuildState::Ended
    };
    let served = builds.iter().filter(mine).find(|build| build.state == BuildState::Served);
    served.or_else(|| builds.iter().filter(mine).min_by_key(|build| build.id))
}

/// Begins a build, unless another process has: of several at once, all feed the first.
async fn begin(documents: &dyn Documents, name: &ProjectionName, version: u32) -> Result<BuildId> {
    let begun = documents.begin(name, version, Role::Successor).await?;
    let mut builds = documents.builds().await?;
    builds.retain(|build| build.projection == *name);
    match fed(&builds, version) {
        Some(first) if first.id != begun => {
            documents.end(begun).await?;
            Ok(first.id)
        }
        _ => Ok(begun),
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
        let mut fed = self.shared.build.lock().await;
        let builds = self.builds().await?;
        let lives = |build: &&Build| Some(build.id) == *fed && build.state != BuildState::Ended;
        // Another process may have rebuilt, and switched: what is served goes before.
        let now = match self::fed(&builds, self.version()) {
            Some(served) if served.state == BuildState::Served => Some(served),
            first => builds.iter().find(lives).or(first),
        };
        *fed = now.map(|build| build.id);
        Ok(now.map_or(Position::ZERO, |build| build.position))
    }

    async fn apply(&self, page: &Page) -> Result<()> {
        let mut fed = self.shared.build.lock().await;
        let build = self.fed(&mut fed).await?;
        if let Err(error) = self.shared.runner.apply(build, page, &|_| true).await {
            return Err(self.unless_ended(build, error).await);
        }
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
        match self.documents().serve(build, self.shared.options.before).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.unless_ended(build, error).await),
        }
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
