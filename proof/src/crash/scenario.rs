//! Operations on a house with a history.

use std::fmt;

use oubliette_conformance::fault::Plan;
use oubliette_core::{
    ErrorKind, Expect, Oubliette, Projection, ProjectionOptions, Result, StreamId, SubjectId, Version,
};

use super::desk::{Account, Documents, MARKETING, Noted, RECENT};
use super::place::{Log, Parts, Place};

/// An operation that can be stopped anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Events for a stream.
    Appending,
    /// Erasing a person.
    Erasing,
    /// Erasing what is held about a person for one purpose.
    Withdrawing,
    /// Sweeping all stores, and signing what was pending until then.
    Sweeping,
    /// Restoring a backup from before two erasures into a new log.
    Restoring,
    /// Taking snapshots of aggregates.
    SavingAggregates,
    /// Taking a snapshot of a projection.
    SavingDocuments,
    /// Running a projection.
    Projecting,
    /// Building a projection anew, and switching to it.
    Rebuilding,
    /// Building a newer version of a projection beside the one that is served, and switching.
    Upgrading,
    /// Taking a backup that continues one.
    BackingUp,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Appending,
        Self::Erasing,
        Self::Withdrawing,
        Self::Sweeping,
        Self::Restoring,
        Self::SavingAggregates,
        Self::SavingDocuments,
        Self::Projecting,
        Self::Rebuilding,
        Self::Upgrading,
        Self::BackingUp,
    ];

    /// The scenario of a name, as it is displayed.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.to_string() == name)
    }

    /// The log that it works on.
    pub fn log(self) -> Log {
        if self == Self::Restoring { Log::Restored } else { Log::Original }
    }

    /// The version of the view that it works with.
    pub fn version(self) -> u32 {
        if self == Self::Upgrading { 2 } else { 1 }
    }

    /// Makes the history.
    ///
    /// # Errors
    /// Those of the parts.
    pub async fn prepare(self, place: &Place) -> Result<()> {
        let parts = place.open(Log::Original, &Plan::new()).await?;
        let house = parts.house().await?;
        for (n, stream) in (1..).zip(STREAMS.iter().cycle().take(6)) {
            let who = PEOPLE[n as usize % PEOPLE.len()];
            let with = PEOPLE[(n as usize + 1) % PEOPLE.len()];
            let note = Noted::about(n, &subject(who), (n % 2 == 0).then(|| subject(with)).as_ref());
            house.append(*stream, Expect::Any, [note]).await?;
        }
        let projection = desks(&house, 1).await?;
        projection.catch_up().await?;
        projection.snapshot(2).await?;
        load_all(&house).await?;
        house.erase(&subject("eve")).await?;
        projection.catch_up().await?;
        parts.back_up().await?;
        match self {
            Self::Restoring => {
                house.erase(&subject("ada")).await?;
                house.erase_purpose(&subject("bob"), MARKETING).await?;
            }
            Self::Sweeping => drop(house.erase(&subject("ada")).await?),
            // Each has something left to do.
            _ => {
                for (n, stream) in (11..).zip(STREAMS.iter().cycle().take(4)) {
                    let note = Noted::about(n, &subject("ada"), Some(&subject("bob")));
                    house.append(*stream, Expect::Any, [note]).await?;
                }
            }
        }
        if matches!(self, Self::Erasing | Self::Withdrawing) {
            projection.catch_up().await?;
            projection.snapshot(2).await?;
            load_all(&house).await?;
        }
        Ok(())
    }

    /// Opens the house and runs the operation: from its beginning, or from where it was stopped.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn run(self, parts: &Parts) -> Result<()> {
        let house = self.open(parts).await?;
        self.act(parts, &house).await
    }

    /// Opens the house; one that is to be restored is restored first.
    ///
    /// # Errors
    /// Those of the restore, and of [`Parts::house`].
    pub async fn open(self, parts: &Parts) -> Result<Oubliette> {
        if self == Self::Restoring {
            match parts.restore(None).await {
                // Asked for again, and it is not only restored but also released already.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    if parts.log.quarantine().await?.is_some() {
                        return Err(error);
                    }
                }
                restored => {
                    restored?;
                }
            }
        }
        parts.house().await
    }

    /// Runs the operation in a house that is open.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn act(self, parts: &Parts, house: &Oubliette) -> Result<()> {
        match self {
            Self::Appending => {
                let notes = (21..24).map(|n| Noted::about(n, &subject("ada"), Some(&subject("bob"))));
                let (before, stream) = (Version(5), StreamId::new(STREAMS[0])?);
                match house.append(stream.clone(), Expect::Exactly(before), notes).await {
                    // Asked for again, and it is there already.
                    Err(error) if error.kind() == ErrorKind::Conflict => {
                        let there = parts.log.version(&stream).await? == before.plus(3);
                        if there { Ok(()) } else { Err(error) }
                    }
                    appended => appended.map(drop),
                }
            }
            Self::Erasing => house.erase(&subject("ada")).await.map(drop),
            Self::Withdrawing => house.erase_purpose(&subject("ada"), MARKETING).await.map(drop),
            Self::Sweeping => house.sweep().await.map(drop),
            Self::SavingAggregates => load_all(house).await,
            Self::SavingDocuments => desks(house, 1).await?.snapshot(1).await.map(drop),
            Self::Restoring | Self::Projecting | Self::Upgrading => {
                desks(house, self.version()).await?.catch_up().await.map(drop)
            }
            Self::Rebuilding => desks(house, 1).await?.rebuild().await.map(drop),
            Self::BackingUp => parts.back_up().await.map(drop),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The streams of the history.
pub(super) const STREAMS: [&str; 2] = ["desk-a", "desk-b"];
/// The people in it.
pub(super) const PEOPLE: [&str; 3] = ["ada", "bob", "eve"];

pub(super) fn subject(name: &str) -> SubjectId {
    SubjectId::new(name).unwrap()
}

/// The projection, opened.
pub(crate) async fn desks(house: &Oubliette, version: u32) -> Result<Projection<Documents>> {
    house.projection(Documents(version), ProjectionOptions::default()).await
}

/// Loads every aggregate: where a snapshot is due, it is taken.
async fn load_all(house: &Oubliette) -> Result<()> {
    let accounts = house.aggregates::<Account>(RECENT)?;
    for stream in STREAMS {
        accounts.load(&StreamId::new(stream)?).await?;
    }
    Ok(())
}
