//! Logs that lie or fail.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use oubliette_core::{
    Appended, Batch, Dropped, DroppedStream, Envelope, Error, ErrorKind, EventLog, KeyId, Limits, PageStream,
    Position, Promise, Query, Recorded, Restored, Result, Scrubbed, SealedPart, Select, StreamId, Swept,
    Version,
};

use super::lying::{Lying, With};
use crate::fixture::Blob;
use crate::house::story::{ERASED, FOUNDING};
use crate::store::Store;

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLie {
    /// Nothing.
    #[default]
    Nothing,
    /// A text of the story is at rest in it, in UTF-16.
    KeepsPlaintext,
    /// It keeps what it was given in a journal, and says that it is swept.
    KeepsAJournal,
    /// It writes a text of the story to the program's log.
    TracesPlaintext,
    /// Its errors quote a text of the story.
    QuotesInErrors,
    /// Its `Debug` tells a text of the story, and so does a panic that shows it.
    TellsInDebug,
    /// It scrubs a part of somebody else.
    ScrubsNeighbours,
    /// It does not keep the event that says that somebody was erased.
    SwallowsErasures,
    /// It does not say which vault it belongs to.
    HidesItsFounding,
    /// It takes parts that are damaged for scrubbed ones.
    TakesDamageForAScrub,
    /// It knows of no quarantine once it was opened again.
    ForgetsItsQuarantine,
    /// It says that a restore has come to its end when it has not.
    EndsRestoresEarly,
    /// It takes no restore that is repeated.
    RestoresOnce,
    /// It shows no byte of what it has at rest.
    ShowsNothing,
    /// What a restore brings is not scrubbed any more.
    ScrubsNoRestore,
    /// It takes parts under scrubbed keys: it says so, at least.
    TakesDeadParts,
    /// Whoever read an event before reads it so again, scrubbed or not.
    ReadsFromACache,
}

impl Store<dyn EventLog> for Lying<dyn EventLog, LogLie> {
    fn open(&self) -> BoxFuture<'_, Arc<dyn EventLog>> {
        Box::pin(async {
            let (log, with) = self.process().await;
            Arc::new(LyingLog { log, lie: self.lie, with }) as Arc<dyn EventLog>
        })
    }

    fn residue(&self) -> BoxFuture<'_, Vec<Blob>> {
        Box::pin(async {
            match self.lie {
                LogLie::ShowsNothing => Vec::new(),
                _ => self.at_rest().await,
            }
        })
    }
}

struct LyingLog {
    log: Arc<dyn EventLog>,
    lie: LogLie,
    with: With,
}

impl LyingLog {
    fn told<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Err(error) if self.lie == LogLie::QuotesInErrors => {
                Err(Error::new(error.kind(), "append", format!("refused: {}", self.with.text())))
            }
            result => result,
        }
    }

    /// Every key that seals anything, in the order in which the log holds them.
    async fn owners(&self) -> Result<Vec<KeyId>> {
        let pages: Vec<_> = self.log.read(Query::all()).try_collect().await?;
        let parts = pages.iter().flatten().flat_map(|event| event.envelope.parts.iter().flatten());
        Ok(parts.flat_map(SealedPart::owners).collect())
    }
}

#[async_trait]
impl EventLog for LyingLog {
    fn limits(&self) -> Limits {
        self.log.limits()
    }

    fn promise(&self) -> Promise {
        self.log.promise()
    }

    async fn append(&self, batch: Batch) -> Result<Appended> {
        match self.lie {
            LogLie::KeepsPlaintext => {
                let wide: Vec<u8> = self.with.text().encode_utf16().flat_map(u16::to_le_bytes).collect();
                self.with.notes().kept.push(Blob::new("a column", wide));
            }
            LogLie::KeepsAJournal => {
                let encoded = batch.events().filter_map(|event| event.encode().ok());
                let journal = encoded.map(|bytes| Blob::new("a journal", bytes));
                self.with.notes().kept.extend(journal);
            }
            LogLie::TracesPlaintext => tracing::trace!(event = self.with.text(), "appended"),
            LogLie::SwallowsErasures => {
                let erased = |event: &Envelope| event.event_type.as_str() == ERASED;
                if batch.events().any(erased) {
                    let head = self.log.head().await?;
                    return Ok(Appended { first: head, last: head, versions: vec![Version(2)] });
                }
            }
            LogLie::HidesItsFounding if self.with.process > 1 && founds(&batch) => {
                let (first, last) = (Position(1), Position(1));
                return Ok(Appended { first, last, versions: vec![Version(1)] });
            }
            _ => {}
        }
        match self.told(self.log.append(batch).await) {
            Err(error) if self.lie == LogLie::TakesDeadParts && error.kind() == ErrorKind::Erased => {
                let head = self.log.head().await?;
                Ok(Appended { first: head, last: head, versions: vec![Version(1)] })
            }
            appended => appended,
        }
    }

    fn read(&self, query: Query) -> PageStream {
        let lie = self.lie;
        let founding = |select: &Select| match select {
            Select::Stream(stream, _) => stream.as_str() == FOUNDING,
            Select::All(_) | Select::SealedUnder(..) => false,
        };
        if lie == LogLie::HidesItsFounding && founding(&query.select) && self.with.process > 1 {
            return futures::stream::empty().boxed();
        }
        let cached = lie == LogLie::ReadsFromACache && !matches!(query.select, Select::SealedUnder(..));
        let (pages, with) = (self.log.read(query), self.with.clone());
        let lied = move |event: Recorded| match cached {
            true => with.notes().read.entry(event.position).or_insert(event).clone(),
            false => lied_about(lie, event),
        };
        pages.map_ok(move |page| page.into_iter().map(&lied).collect()).boxed()
    }

    async fn head(&self) -> Result<Position> {
        let head = self.log.head().await?;
        Ok(match (self.lie, self.log.quarantine().await?) {
            (LogLie::EndsRestoresEarly, Some(until)) => until,
            (LogLie::HidesItsFounding, _) if self.with.process > 1 => Position::ZERO,
            _ => head,
        })
    }

    async fn version(&self, stream: &StreamId) -> Result<Version> {
        self.log.version(stream).await
    }

    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        self.log.wait_beyond(position).await
    }

    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        match self.lie {
            LogLie::ScrubsNeighbours => {
                let dying: HashSet<_> = keys.iter().copied().collect();
                let other = self.owners().await?.into_iter().rfind(|owner| !dying.contains(owner));
                self.log.scrub(&[keys, other.as_slice()].concat()).await
            }
            LogLie::ScrubsNoRestore if self.log.quarantine().await?.is_some() => Ok(Scrubbed::default()),
            _ => self.log.scrub(keys).await,
        }
    }

    async fn sweep(&self) -> Result<Swept> {
        self.log.sweep().await
    }

    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        self.log.drop_stream(stream).await
    }

    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        self.log.dropped().await
    }

    async fn restore(&self, page: Restored) -> Result<()> {
        let ends = page.through == page.until;
        if self.lie == LogLie::RestoresOnce {
            if self.with.notes().restored {
                return Err(Error::new(ErrorKind::Conflict, "restore", "it was restored before"));
            }
            self.log.restore(page).await?;
            self.with.notes().restored = ends;
            return Ok(());
        }
        self.log.restore(page).await
    }

    async fn quarantine(&self) -> Result<Option<Position>> {
        match self.lie {
            LogLie::ForgetsItsQuarantine if self.with.process > 1 => Ok(None),
            _ => self.log.quarantine().await,
        }
    }

    async fn release(&self) -> Result<()> {
        self.log.release().await
    }
}

fn founds(batch: &Batch) -> bool {
    batch.streams.iter().any(|entry| entry.stream.as_str() == FOUNDING)
}

fn lied_about(lie: LogLie, mut event: Recorded) -> Recorded {
    if lie == LogLie::TakesDamageForAScrub && event.stream.as_str() == "damaged" {
        event.envelope.parts.fill(None);
    }
    event
}

impl fmt::Debug for LyingLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lie {
            LogLie::TellsInDebug => write!(f, "Log(last: {})", self.with.text()),
            _ => self.log.fmt(f),
        }
    }
}
