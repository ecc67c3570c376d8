//! Logs that lie.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::memory::MemoryLog;
use oubliette_core::{
    Appended, Batch, Dropped, DroppedStream, Error, ErrorKind, EventLog, Expect, KeyId, Limits, PageStream,
    Position, Promise, Query, Recorded, Restored, Result, Scrubbed, Select, StreamId, Swept, Version,
};
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    AppendsStreamByStream,
    IgnoresExpectations,
    ExpectsTooEarly,
    GathersStreams,
    ExpectsOfTheLastEntry,
    TellsTheWrongPlace,
    LosesAllOnRestart,
    RewritesJson,
    LosesTheTime,
    RefusesLargeEvents,
    Swallows(ErrorKind),
    CountsFromZero,
    FillsGapsLater,
    ReadsOnePage,
    ReadsAllAtOnce,
    ReadsWhatItWroteItself,
    SkipsAtPageEdges,
    IgnoresLimits,
    ReadsAllStreams,
    FailsOnNothing,
    FindsFirstOwners,
    HeadLagsBehind,
    NeverWakes,
    WakesOnce,
    ScrubsWholeEvents,
    ScrubsFirstOwners,
    CountsScrubsTwice,
    ScrubsUntilRestart,
    KeepsAJournal,
    KeepsDroppedStreams,
    CountsAnewAfterADrop,
    TellsNoDrops,
    TellsNoDropsOfUsedNames,
    TellsDropsAtTheirFirst,
    RestoresWithoutGaps,
    RestoresNow,
    RestoresNoPlaces,
    RestoresEventByEvent,
    RestoresOnce,
    RestoresWhatWasDropped,
    RestoresDropsTooWide,
    RestoresDropsAfterwards,
    RefusesInQuarantine,
    ForgetsItsQuarantine,
    ReleasesTooEarly,
    IsNeverReleased,
    TellsValues,
}

/// Which case catches which lie.
pub(crate) const LIARS: &[(&str, Lie)] = &[
    ("a_batch_is_all_or_nothing", Lie::AppendsStreamByStream),
    ("a_stale_expectation_is_a_conflict", Lie::IgnoresExpectations),
    ("an_append_says_where_it_went", Lie::TellsTheWrongPlace),
    ("appends_survive_a_restart", Lie::LosesAllOnRestart),
    ("appends_survive_a_restart", Lie::RewritesJson),
    ("appends_survive_a_restart", Lie::LosesTheTime),
    ("an_event_up_to_the_limit_survives", Lie::RefusesLargeEvents),
    ("an_empty_batch_is_refused", Lie::Swallows(ErrorKind::Invalid)),
    ("a_batch_keeps_the_order_of_its_entries", Lie::GathersStreams),
    ("a_batch_keeps_the_order_of_its_entries", Lie::ExpectsOfTheLastEntry),
    ("a_batch_beyond_the_limits_is_refused", Lie::Swallows(ErrorKind::LimitExceeded)),
    ("a_dropped_append_leaves_all_or_nothing", Lie::AppendsStreamByStream),
    ("of_two_writers_one_gets_the_version", Lie::ExpectsTooEarly),
    ("versions_count_from_one_without_gaps", Lie::CountsFromZero),
    ("positions_are_ordered_without_gaps_that_fill_later", Lie::FillsGapsLater),
    ("a_reader_sees_whole_batches", Lie::AppendsStreamByStream),
    ("a_reader_streams", Lie::ReadsOnePage),
    ("a_reader_streams", Lie::ReadsAllAtOnce),
    ("a_read_is_no_older_than_its_call", Lie::ReadsWhatItWroteItself),
    ("small_pages_read_as_one_large_page", Lie::SkipsAtPageEdges),
    ("a_limit_is_kept", Lie::IgnoresLimits),
    ("a_stream_reads_alone", Lie::ReadsAllStreams),
    ("an_unknown_stream_reads_as_empty", Lie::FailsOnNothing),
    ("what_is_sealed_under_a_key_is_found", Lie::FindsFirstOwners),
    ("the_head_is_the_last_position", Lie::HeadLagsBehind),
    ("a_wait_ends_when_the_head_moves", Lie::NeverWakes),
    ("a_wait_can_be_cancelled", Lie::WakesOnce),
    ("a_scrub_takes_only_the_dead_parts", Lie::ScrubsWholeEvents),
    ("a_shared_part_dies_with_each_of_its_owners", Lie::ScrubsFirstOwners),
    ("a_scrub_can_be_repeated", Lie::CountsScrubsTwice),
    ("a_scrub_survives_a_restart", Lie::ScrubsUntilRestart),
    ("a_scrubbed_key_seals_no_more", Lie::Swallows(ErrorKind::Erased)),
    ("a_scrub_leaves_no_byte_of_a_dead_part", Lie::KeepsAJournal),
    ("a_dropped_stream_is_gone_as_a_whole", Lie::KeepsDroppedStreams),
    ("positions_and_versions_go_on_after_a_drop", Lie::CountsAnewAfterADrop),
    ("dropped_streams_are_told", Lie::TellsNoDrops),
    ("dropped_streams_are_told", Lie::TellsNoDropsOfUsedNames),
    ("dropped_streams_are_told", Lie::TellsDropsAtTheirFirst),
    ("a_restored_log_reads_as_the_one_it_was_taken_from", Lie::RestoresWithoutGaps),
    ("a_restored_log_reads_as_the_one_it_was_taken_from", Lie::RestoresNow),
    ("a_restored_log_reads_as_the_one_it_was_taken_from", Lie::RestoresNoPlaces),
    ("a_restore_can_be_repeated", Lie::RestoresEventByEvent),
    ("a_restore_can_be_repeated", Lie::RestoresOnce),
    ("a_log_with_events_of_its_own_takes_no_restore", Lie::Swallows(ErrorKind::Conflict)),
    ("a_restore_out_of_order_is_refused", Lie::Swallows(ErrorKind::Invalid)),
    ("what_was_dropped_is_not_restored", Lie::RestoresWhatWasDropped),
    ("what_was_dropped_is_not_restored", Lie::RestoresDropsTooWide),
    ("what_was_dropped_is_not_restored", Lie::RestoresDropsAfterwards),
    ("a_half_restored_log_takes_no_append", Lie::Swallows(ErrorKind::Conflict)),
    ("a_half_restored_log_takes_no_append", Lie::RefusesInQuarantine),
    ("a_quarantine_survives_a_restart", Lie::ForgetsItsQuarantine),
    ("a_quarantine_survives_a_restart", Lie::ReleasesTooEarly),
    ("a_released_log_is_like_any_other", Lie::IsNeverReleased),
    ("an_error_tells_no_value_of_an_event", Lie::TellsValues),
];

/// A store whose log lies.
pub(crate) struct Logs {
    lie: Lie,
    log: MemoryLog,
    journal: Arc<Mutex<Vec<Blob>>>,
    notes: Arc<Mutex<Notes>>,
}

impl Logs {
    pub(crate) fn new(lie: Lie) -> Self {
        Self { lie, log: MemoryLog::new(), journal: Arc::default(), notes: Arc::default() }
    }
}

impl Fixture<dyn EventLog> for Logs {
    async fn fresh() -> Self {
        Self::new(Lie::Nothing)
    }

    async fn open(&self) -> Arc<dyn EventLog> {
        let log = if self.lie == Lie::LosesAllOnRestart { MemoryLog::new() } else { self.log.clone() };
        let notes = match self.lie {
            Lie::ReadsWhatItWroteItself | Lie::ScrubsUntilRestart | Lie::ForgetsItsQuarantine => {
                Arc::default()
            }
            _ => Arc::clone(&self.notes),
        };
        Arc::new(LyingLog { lie: self.lie, log, journal: Arc::clone(&self.journal), notes })
    }

    async fn residue(&self) -> Vec<Blob> {
        let mut blobs = vec![Blob::new("the log", encoded(&read(&self.log, Query::all()).await))];
        if self.lie == Lie::KeepsAJournal {
            blobs.extend(self.journal.lock().unwrap().clone());
        }
        blobs
    }
}

struct LyingLog {
    lie: Lie,
    log: MemoryLog,
    journal: Arc<Mutex<Vec<Blob>>>,
    notes: Arc<Mutex<Notes>>,
}

/// What a liar remembers, and should not.
#[derive(Clone, Default)]
struct Notes {
    written: Position,
    scrubbed: HashSet<KeyId>,
    dropped_at: HashMap<StreamId, u64>,
    first_drops: HashMap<StreamId, Version>,
    restored: bool,
    woken: Arc<AtomicBool>,
}

#[async_trait]
impl EventLog for LyingLog {
    fn limits(&self) -> Limits {
        self.log.limits()
    }

    fn promise(&self) -> Promise {
        self.log.promise()
    }

    async fn append(&self, mut batch: Batch) -> Result<Appended> {
        let open = batch.events().next().map(|event| String::from_utf8_lossy(&event.open).into_owned());
        for event in batch.streams.iter_mut().flat_map(|entry| &mut entry.events) {
            match self.lie {
                Lie::KeepsAJournal => {
                    self.journal.lock().unwrap().push(Blob::new("journal", event.encode().unwrap()));
                }
                Lie::RewritesJson => {
                    event.open = serde_json::from_slice(&event.open)
                        .map_or(event.open.clone(), |json: serde_json::Value| json.to_string().into_bytes());
                }
                Lie::RefusesLargeEvents if event.open.len() > 1 << 20 => return Err(refusal()),
                _ => {}
            }
        }
        match self.lie {
            Lie::AppendsStreamByStream => return self.append_stream_by_stream(batch).await,
            Lie::GathersStreams => batch.streams.sort_by_key(|entry| entry.stream.clone()),
            Lie::ExpectsOfTheLastEntry => {
                let mut seen = HashSet::new();
                let mut twice = batch.streams.iter().filter(|entry| !seen.insert(&entry.stream));
                if twice.any(|entry| entry.expect != Expect::Any) {
                    return Err(Error::new(ErrorKind::Conflict, "append", "stale"));
                }
            }
            Lie::IgnoresExpectations => expect_anything(&mut batch),
            Lie::ExpectsTooEarly => {
                for entry in &batch.streams {
                    if !entry.expect.holds(self.log.version(&entry.stream).await?) {
                        return Err(Error::new(ErrorKind::Conflict, "append", "stale"));
                    }
                }
                sleep(Duration::from_millis(5)).await;
                expect_anything(&mut batch);
            }
            Lie::FillsGapsLater => sleep(Duration::from_millis(1)).await,
            Lie::RefusesInQuarantine if self.log.quarantine().await?.is_some() => {
                return Err(Error::new(ErrorKind::Conflict, "append", "in quarantine"));
            }
            _ => {}
        }
        let streams: Vec<StreamId> = batch.streams.iter().map(|entry| entry.stream.clone()).collect();
        let appended = self.log.append(batch).await;
        match (self.lie, appended) {
            (Lie::Swallows(kind), Err(error)) if error.kind() == kind => {
                Ok(Appended { first: Position(1), last: Position(1), versions: Vec::new() })
            }
            (Lie::TellsValues, Err(error)) => {
                Err(Error::new(error.kind(), "append", format!("refused: {}", open.unwrap_or_default())))
            }
            (Lie::TellsTheWrongPlace, Ok(told)) => Ok(Appended { first: told.first.plus(1), ..told }),
            (_, Ok(mut told)) => {
                let mut notes = self.notes.lock().unwrap();
                notes.written = told.last;
                for (version, stream) in told.versions.iter_mut().zip(streams) {
                    version.0 -= notes.dropped_at.get(&stream).copied().unwrap_or_default();
                }
                Ok(told)
            }
            (_, refused) => refused,
        }
    }

    fn read(&self, mut query: Query) -> PageStream {
        match (self.lie, &query.select) {
            (Lie::IgnoresLimits, _) => query.limit = None,
            (Lie::ReadsOnePage, _) => query.page = usize::MAX,
            (Lie::ReadsAllStreams, Select::Stream(..)) => query.select = Select::All(Position::ZERO),
            _ => {}
        }
        let pages = self.log.read(query.clone());
        let (lie, notes, log) = (self.lie, self.notes.lock().unwrap().clone(), self.log.clone());
        match lie {
            Lie::ReadsAllAtOnce => {
                let all = pages.collect::<Vec<_>>();
                all.into_stream().flat_map(stream::iter).boxed()
            }
            Lie::FailsOnNothing => {
                let all = pages.collect::<Vec<_>>();
                let all = all.map(|all| if all.is_empty() { vec![Err(refusal())] } else { all });
                all.into_stream().flat_map(stream::iter).boxed()
            }
            Lie::SkipsAtPageEdges => {
                let skipping = |(n, page): (usize, Result<Vec<Recorded>>)| {
                    page.map(|page| page.into_iter().skip(usize::from(n > 0)).collect())
                };
                pages.enumerate().map(skipping).boxed()
            }
            _ => pages.map_ok(move |page| lied_about(lie, page, &query, &notes, &log)).boxed(),
        }
    }

    async fn head(&self) -> Result<Position> {
        let head = self.log.head().await?;
        Ok(if self.lie == Lie::HeadLagsBehind { Position(head.0.saturating_sub(1)) } else { head })
    }

    async fn version(&self, stream: &StreamId) -> Result<Version> {
        self.log.version(stream).await
    }

    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        let there = self.log.head().await? > position;
        let woken = Arc::clone(&self.notes.lock().unwrap().woken);
        match self.lie {
            Lie::NeverWakes if !there => std::future::pending().await,
            Lie::WakesOnce if woken.swap(true, Ordering::SeqCst) => std::future::pending().await,
            _ => self.log.wait_beyond(position).await,
        }
    }

    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        let mut keys = keys.to_vec();
        let sealed = read(&self.log, Query::sealed_under(keys.clone())).await;
        let parts = || sealed.iter().flat_map(|event| event.envelope.parts.iter().flatten());
        match self.lie {
            Lie::ScrubsWholeEvents => keys.extend(parts().flat_map(|part| part.owners())),
            Lie::ScrubsFirstOwners => {
                keys.retain(|key| parts().any(|part| part.owners().next() == Some(*key)));
            }
            Lie::ScrubsUntilRestart => {
                self.notes.lock().unwrap().scrubbed.extend(keys);
                return Ok(Scrubbed { parts: parts().count() as u64 });
            }
            _ => {}
        }
        let mut scrubbed = self.log.scrub(&keys).await?;
        if self.lie == Lie::CountsScrubsTwice {
            scrubbed.parts = scrubbed.parts.max(1);
        }
        Ok(scrubbed)
    }

    async fn sweep(&self) -> Result<Swept> {
        self.log.sweep().await
    }

    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        if self.lie == Lie::KeepsDroppedStreams {
            let events = read(&self.log, Query::stream(stream.clone())).await.len() as u64;
            return Ok(Dropped { events });
        }
        if self.lie == Lie::CountsAnewAfterADrop {
            let version = self.log.version(stream).await?;
            self.notes.lock().unwrap().dropped_at.insert(stream.clone(), version.0);
        }
        self.log.drop_stream(stream).await
    }

    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        let mut dropped = self.log.dropped().await?;
        let used = read(&self.log, Query::all()).await;
        match self.lie {
            Lie::TellsNoDrops => dropped.clear(),
            Lie::TellsNoDropsOfUsedNames => {
                dropped.retain(|dropped| used.iter().all(|event| event.stream != dropped.stream));
            }
            Lie::TellsDropsAtTheirFirst => {
                let mut notes = self.notes.lock().unwrap();
                for DroppedStream { stream, version } in &mut dropped {
                    *version = *notes.first_drops.entry(stream.clone()).or_insert(*version);
                }
            }
            _ => {}
        }
        Ok(dropped)
    }

    async fn restore(&self, mut page: Restored) -> Result<()> {
        match self.lie {
            Lie::RestoresNow => {
                page.events.iter_mut().for_each(|event| event.recorded_at = jiff::Timestamp::now());
            }
            Lie::RestoresNoPlaces => page.through = page.events.last().map_or(page.through, |e| e.position),
            Lie::RestoresWithoutGaps => {
                let head = self.log.head().await?;
                for (n, event) in (1..).zip(&mut page.events) {
                    event.position = head.plus(n);
                }
            }
            Lie::RestoresEventByEvent => {
                for event in &page.events {
                    let (events, dropped) = (vec![event.clone()], Vec::new());
                    let until = page.until;
                    self.log.restore(Restored { events, through: event.position, until, dropped }).await?;
                    sleep(Duration::from_millis(1)).await;
                }
            }
            Lie::RestoresWhatWasDropped => page.dropped.clear(),
            Lie::RestoresDropsTooWide => {
                page.dropped.iter_mut().for_each(|dropped| dropped.version = dropped.version.plus(1));
            }
            Lie::RestoresDropsAfterwards if !page.dropped.is_empty() => {
                self.log.restore(Restored { dropped: Vec::new(), ..page.clone() }).await?;
                sleep(Duration::from_millis(1)).await;
            }
            Lie::RestoresOnce if self.log.head().await? >= page.through => return Err(refusal()),
            _ => {}
        }
        let restored = self.log.restore(page).await;
        self.notes.lock().unwrap().restored |= restored.is_ok();
        match (self.lie, restored) {
            (Lie::Swallows(kind), Err(error)) if error.kind() == kind => Ok(()),
            (_, restored) => restored,
        }
    }

    async fn quarantine(&self) -> Result<Option<Position>> {
        let until = self.log.quarantine().await?;
        let restored = self.notes.lock().unwrap().restored;
        Ok(until.filter(|_| self.lie != Lie::ForgetsItsQuarantine || restored))
    }

    async fn release(&self) -> Result<()> {
        match self.lie {
            Lie::IsNeverReleased => Ok(()),
            Lie::ReleasesTooEarly => self.log.release().await.or(Ok(())),
            _ => self.log.release().await,
        }
    }
}

impl LyingLog {
    async fn append_stream_by_stream(&self, batch: Batch) -> Result<Appended> {
        let mut told: Option<Appended> = None;
        for entry in batch.streams {
            let appended = self.log.append(Batch { streams: vec![entry] }).await?;
            told = Some(match told {
                None => appended,
                Some(mut told) => {
                    told.versions.extend(appended.versions);
                    Appended { last: appended.last, ..told }
                }
            });
            sleep(Duration::from_millis(1)).await;
        }
        told.ok_or_else(refusal)
    }
}

fn lied_about(
    lie: Lie,
    mut page: Vec<Recorded>,
    query: &Query,
    notes: &Notes,
    log: &MemoryLog,
) -> Vec<Recorded> {
    let head = log.head().now_or_never().unwrap().unwrap().0;
    page.retain(|event| match (lie, &query.select) {
        (Lie::FillsGapsLater, _) => {
            let position = event.position.0;
            position % 5 != 3 || head == position || head > position + 5
        }
        (Lie::ReadsWhatItWroteItself, _) => event.position <= notes.written,
        (Lie::FindsFirstOwners, Select::SealedUnder(keys, _)) => {
            let mut first = event.envelope.parts.iter().flatten().filter_map(|part| part.owners().next());
            first.any(|owner| keys.contains(&owner))
        }
        _ => true,
    });
    for event in &mut page {
        match lie {
            Lie::CountsFromZero => event.version.0 -= 1,
            Lie::LosesTheTime => event.recorded_at = jiff::Timestamp::UNIX_EPOCH,
            _ => {}
        }
        event.version.0 -= notes.dropped_at.get(&event.stream).copied().unwrap_or_default();
        for part in &mut event.envelope.parts {
            part.take_if(|part| part.owners().any(|owner| notes.scrubbed.contains(&owner)));
        }
    }
    page
}

async fn read(log: &MemoryLog, query: Query) -> Vec<Recorded> {
    log.read(query).try_concat().await.unwrap()
}

fn encoded(events: &[Recorded]) -> Vec<u8> {
    events.iter().flat_map(|event| event.envelope.encode().unwrap()).collect()
}

fn expect_anything(batch: &mut Batch) {
    batch.streams.iter_mut().for_each(|entry| entry.expect = Expect::Any);
}

fn refusal() -> Error {
    Error::new(ErrorKind::NotFound, "lie", "refused without a reason")
}

impl fmt::Debug for LyingLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, which lies: {:?}", self.log, self.lie)
    }
}
