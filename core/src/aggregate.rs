//! A small aggregate layer: load, decide on a command, append, retry on conflict.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind};
use crate::house::Oubliette;
use crate::ids::{StreamId, Version};
use crate::log::Expect;
use crate::snapshots::Replayed;

/// State that is made of the events of one stream, and decides on commands.
pub trait Aggregate: Default + Send {
    /// The events of the stream.
    type Event: Serialize + DeserializeOwned + Send + Sync;
    /// What it is asked to do.
    type Command: Sync;
    /// Why it refuses.
    type Refusal: Send;

    /// Takes an event that happened. It cannot refuse.
    fn apply(&mut self, event: &Self::Event);

    /// Decides which events a command leads to. Pure: it may be asked again after a
    /// conflict, with newer state.
    ///
    /// # Errors
    /// The refusal, and nothing is appended.
    fn decide(&self, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Refusal>;
}

/// An aggregate and the version of the stream that it was loaded from.
#[derive(Clone, Debug, Default)]
pub struct Loaded<A> {
    /// The state.
    pub state: A,
    /// The last event in it; zero for a stream without events.
    pub version: Version,
}

/// Why a command was not executed.
#[derive(Debug)]
pub enum Failure<R> {
    /// The aggregate refused it.
    Refused(R),
    /// It could not be loaded or appended.
    Failed(Error),
}

impl<R> From<Error> for Failure<R> {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<R: std::fmt::Display> std::fmt::Display for Failure<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "the command was refused: {refusal}"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<R: std::fmt::Debug + std::fmt::Display> std::error::Error for Failure<R> {}

/// How often a command is tried again after a conflict.
const RETRIES: usize = 10;
/// The loser of a race waits a moment, at random, so that two do not race again.
const FIRST_WAIT: Duration = Duration::from_millis(2);

impl Oubliette {
    /// Loads an aggregate from the events of its stream.
    ///
    /// # Errors
    /// As [`Oubliette::read`]; `Invalid` when an event is not of the aggregate's type.
    pub async fn load<A: Aggregate>(&self, stream: &StreamId) -> Result<Loaded<A>, Error> {
        let now = self.replay::<A>(stream, Replayed::nothing(), None).await?;
        self.loaded(stream, now).await
    }

    /// Loads an aggregate, lets it decide, and appends what it decided.
    ///
    /// When another writer was first it is loaded and asked again, up to ten times.
    /// It gives the version of the stream after the command.
    ///
    /// # Errors
    /// `Refused` by the aggregate, or `Failed` as [`Oubliette::append`].
    pub async fn execute<A: Aggregate>(
        &self,
        stream: &StreamId,
        command: &A::Command,
    ) -> Result<Version, Failure<A::Refusal>> {
        retried(|| async {
            let loaded = self.load::<A>(stream).await?;
            decide(self, stream, loaded, command).await
        })
        .await
    }
}

/// Runs a command again after a conflict.
pub(crate) async fn retried<R, F>(execute: impl FnMut() -> F) -> Result<Version, Failure<R>>
where
    F: Future<Output = Result<Version, Failure<R>>>,
{
    let retries =
        ExponentialBuilder::default().with_jitter().with_min_delay(FIRST_WAIT).with_max_times(RETRIES);
    execute
        .retry(retries)
        .when(|failure| matches!(failure, Failure::Failed(error) if error.kind() == ErrorKind::Conflict))
        .await
}

/// Lets an aggregate decide, and appends what it decided.
pub(crate) async fn decide<A: Aggregate>(
    house: &Oubliette,
    stream: &StreamId,
    loaded: Loaded<A>,
    command: &A::Command,
) -> Result<Version, Failure<A::Refusal>> {
    let events = loaded.state.decide(command).map_err(Failure::Refused)?;
    if events.is_empty() {
        return Ok(loaded.version);
    }
    let appended = house.append(stream.clone(), Expect::Exactly(loaded.version), events).await?;
    Ok(appended.versions.first().copied().unwrap_or(loaded.version))
}
