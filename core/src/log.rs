//! The event log: what a backend for events is asked for, and promises.

use std::collections::HashSet;
use std::fmt::Debug;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::envelope::{Envelope, Recorded};
use crate::error::Result;
use crate::ids::{KeyId, Position, StreamId, Version};
use crate::promise::Promise;
use crate::sealed::SealedPart;
use crate::sweep::Swept;

/// Pages of events in order. It ends with the log's head, or with its first error.
pub type PageStream = BoxStream<'static, Result<Vec<Recorded>>>;

/// Stores envelopes in one order for all.
///
/// # Implementors
/// Each promise is a case of the conformance suite, enrolled by
/// `oubliette_conformance::event_log!`. A log sees envelopes only: it never holds a key, and
/// knows neither subjects nor purposes.
///
/// - It stores every byte as it got it (`appends_survive_a_restart`).
/// - Errors and `Debug` hold no value of an event (`an_error_tells_no_value_of_an_event`).
#[async_trait]
pub trait EventLog: Debug + Send + Sync + 'static {
    /// The numbers this log can bear.
    fn limits(&self) -> Limits;

    /// How fast and how thoroughly it forgets scrubbed parts.
    fn promise(&self) -> Promise;

    /// Appends a batch: all of it, durably, or nothing.
    ///
    /// # Implementors
    /// - All or nothing, over all streams of the batch (`a_batch_is_all_or_nothing`).
    /// - Durable when it returns: a reopened log has it (`appends_survive_a_restart`), to the
    ///   size that the limits allow (`an_event_up_to_the_limit_survives`).
    /// - It says where it went (`an_append_says_where_it_went`).
    /// - Each stream's versions count from 1 without gaps
    ///   (`versions_count_from_one_without_gaps`), and two writers never both get one version
    ///   (`of_two_writers_one_gets_the_version`).
    /// - Each `expect` is checked (`a_stale_expectation_is_a_conflict`), and so are the limits
    ///   (`a_batch_beyond_the_limits_is_refused`) and that there is something to append
    ///   (`an_empty_batch_is_refused`).
    /// - Positions grow in the order in which events become visible
    ///   (`positions_are_ordered_without_gaps_that_fill_later`), however long a commit takes
    ///   (`slow_commits_hide_nothing`).
    /// - A part under a scrubbed key is refused (`a_scrubbed_key_seals_no_more`).
    /// - Events keep the order of the batch (`a_batch_keeps_the_order_of_its_entries`).
    /// - A future dropped half-way leaves all or nothing
    ///   (`a_dropped_append_leaves_all_or_nothing`). Who lost the answer makes the call again:
    ///   with an expectation it appends once (`a_retry_appends_once`).
    /// - Nothing before a restore into the log has come to its end; from then on all that
    ///   fits, in quarantine too (`a_half_restored_log_takes_no_append`).
    ///
    /// # Errors
    /// `Conflict` when a stream's `expect` does not hold, or a restore has not come to its
    /// end, and nothing is appended; `Invalid` for a batch or an entry without events; `LimitExceeded`;
    /// `Erased` for a part under a scrubbed key; `Unavailable` when the store is.
    async fn append(&self, batch: Batch) -> Result<Appended>;

    /// Reads events in order, as pages, from a state no older than the call.
    ///
    /// # Implementors
    /// - Ascending by position, a stream's events by version, alone and from where they are asked
    ///   for (`a_stream_reads_alone`), not more than the limit (`a_limit_is_kept`), whatever the
    ///   size of the pages (`small_pages_read_as_one_large_page`).
    /// - No older than the call, whoever appended (`a_read_is_no_older_than_its_call`).
    /// - Streams: a page is fetched when it is polled for (`a_reader_streams`).
    /// - Nothing of a batch that is not committed (`a_reader_sees_whole_batches`).
    /// - An empty or unknown stream gives no page, and no error
    ///   (`an_unknown_stream_reads_as_empty`).
    /// - What was damaged in a log that was closed is an error: it reads never as another event,
    ///   and never as fewer (`what_was_damaged_is_corrupt`). A sealed part proves itself when it
    ///   is opened. Of a journal that a crash left behind, this says nothing.
    /// - By key every event with a part under it, whichever of its owners that is
    ///   (`what_is_sealed_under_a_key_is_found`).
    fn read(&self, query: Query) -> PageStream;

    /// The last position (`the_head_is_the_last_position`), such that nothing will appear at
    /// or below it any more.
    ///
    /// # Errors
    /// `Unavailable` when the store is.
    async fn head(&self) -> Result<Position>;

    /// The last version of a stream, [`Version::ZERO`] when it never had events.
    ///
    /// # Errors
    /// `Unavailable` when the store is.
    async fn version(&self, stream: &StreamId) -> Result<Version>;

    /// Waits until the head is beyond `position`, whoever appends.
    ///
    /// # Implementors
    /// - It wakes (`a_wait_ends_when_the_head_moves`), and can be dropped
    ///   (`a_wait_can_be_cancelled`).
    /// - What is waited for can be read: who waits and reads in turns misses nothing
    ///   (`a_follower_sees_each_event_once`).
    ///
    /// # Errors
    /// `Unavailable` when the store is.
    async fn wait_beyond(&self, position: Position) -> Result<Position>;

    /// Takes every sealed part under these keys away, and refuses new ones for good.
    ///
    /// # Implementors
    /// - The events stay where they are, the part's number reads as scrubbed, and all
    ///   else is byte-identical (`a_scrub_takes_only_the_dead_parts`). A part with several
    ///   owners goes with each (`a_shared_part_dies_with_each_of_its_owners`).
    /// - Durable when it returns (`a_scrub_survives_a_restart`).
    /// - Where `bytes_gone` is promised at once, no byte of them is left: such a log needs no
    ///   sweep (`a_scrub_leaves_no_byte_of_a_dead_part`).
    /// - Safe to repeat (`a_scrub_can_be_repeated`), also after a future that was dropped
    ///   (`a_dropped_scrub_is_done_when_repeated`).
    ///
    /// Its cost depends on the parts under these keys, not on the rest of the log.
    ///
    /// # Errors
    /// `Unavailable` when the store is, and then the call is repeated.
    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed>;

    /// Takes every byte of what was scrubbed or dropped away from all that the log has at
    /// rest: free pages, journals, statistics, old versions.
    ///
    /// It is costly, and so one sweep serves many erasures.
    ///
    /// # Implementors
    /// - `Clean` only when no such byte is left (`a_scrub_leaves_no_byte_of_a_dead_part`), also
    ///   where bytes were moved about (`a_swept_log_keeps_no_byte_after_a_churn`); what is in
    ///   the way is named instead. A log that promises `bytes_gone` can be swept, and one that
    ///   does not is never `Clean`.
    /// - Nothing else changes, and it is safe to repeat (`a_sweep_changes_nothing_that_lives`).
    ///
    /// # Errors
    /// `Unavailable` when the store is, and then the call is repeated.
    async fn sweep(&self) -> Result<Swept>;

    /// Drops a whole stream. Its positions stay taken, its name can be used again, and
    /// its versions go on from where they were. Never a single event.
    ///
    /// # Implementors
    /// - All of it goes (`a_dropped_stream_is_gone_as_a_whole`), and no number is given
    ///   twice (`positions_and_versions_go_on_after_a_drop`).
    ///
    /// # Errors
    /// `NotFound` when the stream has no events; `Unavailable` when the store is.
    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped>;

    /// The streams that were dropped, ascending by name, each with the last version that
    /// was taken away. One whose name was used again is told, too.
    ///
    /// # Implementors
    /// - All of them, for good (`dropped_streams_are_told`).
    ///
    /// # Errors
    /// `Unavailable` when the store is.
    async fn dropped(&self) -> Result<Vec<DroppedStream>>;

    /// Takes events as another log recorded them: with their positions, versions and times.
    /// From the first call on the log is in quarantine: only who reconciles it may use it.
    ///
    /// # Implementors
    /// - What is read is what was restored, to the byte, scrubbed parts too; positions and
    ///   versions go on from there (`a_restored_log_reads_as_the_one_it_was_taken_from`).
    /// - A page durably or nothing of it; what is restored already is passed over
    ///   (`a_restore_can_be_repeated`).
    /// - Of the streams that its last page tells as dropped, every event up to that version
    ///   is taken away with that page, and versions go on from there
    ///   (`what_was_dropped_is_not_restored`).
    /// - Never into a log that has events of its own
    ///   (`a_log_with_events_of_its_own_takes_no_restore`), and nothing that is out of order
    ///   (`a_restore_out_of_order_is_refused`).
    ///
    /// # Errors
    /// `Conflict` for a log with events of its own; `Invalid` for events or dropped streams
    /// that are not in order; `Unavailable`.
    async fn restore(&self, page: Restored) -> Result<()>;

    /// Where a restored log will end, while it is in quarantine; none for any other.
    ///
    /// # Implementors
    /// - It survives a restart (`a_quarantine_survives_a_restart`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn quarantine(&self) -> Result<Option<Position>>;

    /// Ends the quarantine, for good (`a_released_log_is_like_any_other`).
    ///
    /// # Errors
    /// `Conflict` when the restore has not come to its end; `Unavailable`.
    async fn release(&self) -> Result<()>;
}

/// What must hold for a stream before it is appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The stream has never had an event.
    New,
    /// The stream's last version is this.
    Exactly(Version),
    /// Anything.
    Any,
}

impl Expect {
    /// Whether a stream at `version` may be appended to.
    pub fn holds(self, version: Version) -> bool {
        match self {
            Self::New => version == Version::ZERO,
            Self::Exactly(expected) => version == expected,
            Self::Any => true,
        }
    }
}

/// Envelopes for one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamBatch {
    /// The stream.
    pub stream: StreamId,
    /// What must hold for it.
    pub expect: Expect,
    /// What to append, in order.
    pub events: Vec<Envelope>,
}

impl StreamBatch {
    /// Checks what it expects of its stream, which every log refuses in the same words.
    ///
    /// # Errors
    /// `Conflict` when the stream is not where it is expected to be.
    pub fn check(&self, version: Version) -> Result<()> {
        use crate::error::{Error, ErrorKind};
        if self.expect.holds(version) {
            return Ok(());
        }
        let conflict = Error::new(
            ErrorKind::Conflict,
            "append",
            "another writer was first: read the stream again and decide again",
        )
        .with("stream", &self.stream)
        .with("version", version);
        Err(match self.expect {
            Expect::Exactly(expected) => conflict.with("expected", expected),
            Expect::New => conflict.with("expected", "a new stream"),
            Expect::Any => conflict,
        })
    }

    /// Checks that no part is sealed under one of these keys, which were scrubbed.
    ///
    /// # Errors
    /// `Erased` for one that is.
    pub fn check_owners(&self, scrubbed: &HashSet<KeyId>) -> Result<()> {
        use crate::error::{Error, ErrorKind};
        if scrubbed.is_empty() {
            return Ok(());
        }
        let mut owners =
            self.events.iter().flat_map(|event| &event.parts).flatten().flat_map(SealedPart::owners);
        match owners.find(|owner| scrubbed.contains(owner)) {
            Some(key) => Err(Error::new(
                ErrorKind::Erased,
                "append",
                "a part is sealed under a key that was scrubbed: nothing is stored under it any more",
            )
            .with("key", key)),
            None => Ok(()),
        }
    }
}

/// What is appended in one go: events for one stream or several, in this order.
///
/// A stream may stand in it several times, so that the events of many streams keep the
/// order in which they happened. Every `expect` is about the streams before the batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The entries, each for one stream.
    pub streams: Vec<StreamBatch>,
}

impl Batch {
    /// A batch for one stream.
    pub fn one(stream: StreamId, expect: Expect, events: Vec<Envelope>) -> Self {
        Self { streams: vec![StreamBatch { stream, expect, events }] }
    }

    /// The events of all streams, in order.
    pub fn events(&self) -> impl Iterator<Item = &Envelope> {
        self.streams.iter().flat_map(|stream| &stream.events)
    }

    /// Checks what every log refuses in the same words: an empty batch, an entry without
    /// events, and what is beyond `limits`.
    ///
    /// # Errors
    /// `Invalid` or `LimitExceeded`.
    pub fn check(&self, limits: &Limits) -> Result<()> {
        use crate::error::{Error, ErrorKind};
        let invalid = |text: &'static str| Err(Error::new(ErrorKind::Invalid, "append", text));
        let beyond = |text: &'static str, is: usize, limit: usize| {
            Err(Error::new(ErrorKind::LimitExceeded, "append", text).with("is", is).with("limit", limit))
        };
        if self.streams.is_empty() || self.streams.iter().any(|stream| stream.events.is_empty()) {
            return invalid("a batch has at least one event in each of its entries");
        }
        if self.streams.len() > limits.streams_per_batch {
            return beyond("too many streams in a batch", self.streams.len(), limits.streams_per_batch);
        }
        let count = self.events().count();
        if count > limits.events_per_batch {
            return beyond("too many events in a batch", count, limits.events_per_batch);
        }
        for event in self.events() {
            let sealed: usize = event.parts.iter().flatten().map(|part| part.as_bytes().len()).sum();
            if event.open.len() + sealed > limits.bytes_per_event {
                return beyond("an event is too large", event.open.len() + sealed, limits.bytes_per_event);
            }
        }
        Ok(())
    }
}

/// Where a batch went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of the batch's first event.
    pub first: Position,
    /// The position of its last.
    pub last: Position,
    /// The version of each entry's last event, in the order of the batch.
    pub versions: Vec<Version>,
}

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// Which events.
    pub select: Select,
    /// At most so many events.
    pub limit: Option<u64>,
    /// Events a page, as a hint to the backend.
    pub page: usize,
}

/// Which events to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// The whole log, after this position.
    All(Position),
    /// One stream, after this version.
    Stream(StreamId, Version),
    /// Every event that holds a part under one of these keys, after this position.
    SealedUnder(Vec<KeyId>, Position),
}

impl Query {
    /// The whole log.
    pub fn all() -> Self {
        Self::select(Select::All(Position::ZERO))
    }

    /// The whole log after `position`.
    pub fn after(position: Position) -> Self {
        Self::select(Select::All(position))
    }

    /// One stream.
    pub fn stream(stream: StreamId) -> Self {
        Self::select(Select::Stream(stream, Version::ZERO))
    }

    /// What is sealed under any of these keys.
    pub fn sealed_under(keys: impl Into<Vec<KeyId>>) -> Self {
        Self::select(Select::SealedUnder(keys.into(), Position::ZERO))
    }

    /// Any selection.
    pub fn select(select: Select) -> Self {
        Self { select, limit: None, page: 500 }
    }

    /// At most `limit` events.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// About `events` a page, at least one.
    #[must_use]
    pub fn page(mut self, events: usize) -> Self {
        self.page = events.max(1);
        self
    }
}

/// The numbers a log can bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries for streams that one batch can commit together.
    pub streams_per_batch: usize,
    /// Events in one batch.
    pub events_per_batch: usize,
    /// Bytes of one event, open and sealed.
    pub bytes_per_event: usize,
}

/// A page of events that go back into a log as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The events, ascending by position. It may be empty.
    pub events: Vec<Recorded>,
    /// Everything up to here is restored with this page: the log's head after it.
    pub through: Position,
    /// Where the restore will end. The same in every page.
    pub until: Position,
    /// The streams that were dropped in the log that the events were taken of, ascending by
    /// name: what they held up to then is taken away again. Told in the last page alone.
    pub dropped: Vec<DroppedStream>,
}

impl Restored {
    /// Checks what every log refuses in the same words, before anything is taken.
    ///
    /// # Errors
    /// `Conflict` when a log at `head`, in quarantine or not, takes no restore; `Invalid`
    /// for events that are not in order, or beyond what the page says, and for dropped streams
    /// that are not in order, or told before the last page.
    pub fn check(&self, head: Position, quarantine: Option<Position>) -> Result<()> {
        use crate::error::{Error, ErrorKind};
        let refused = |kind, text: &'static str| Err(Error::new(kind, "restore", text).with("head", head));
        match quarantine {
            None if head > Position::ZERO => {
                return refused(ErrorKind::Conflict, "the log has events of its own: restore into a new one");
            }
            Some(until) if until != self.until => {
                return refused(
                    ErrorKind::Conflict,
                    "another backup is being restored into this log: go on with that one, or restore into \
                     a new log",
                );
            }
            None | Some(_) => {}
        }
        let ordered = self.events.is_sorted_by(|a, b| a.position < b.position);
        let ends = self.events.last().is_none_or(|last| last.position <= self.through);
        if !ordered || !ends || self.through > self.until {
            return refused(ErrorKind::Invalid, "the events of a restore are not in order");
        }
        let ordered = self.dropped.is_sorted_by(|a, b| a.stream < b.stream);
        // A log that never had an event has dropped nothing.
        let last = self.through == self.until && self.until > Position::ZERO;
        if self.dropped.is_empty() || (ordered && last) {
            return Ok(());
        }
        refused(
            ErrorKind::Invalid,
            "dropped streams are told in order of their names, in the last page of a restore alone",
        )
    }

    /// Whether an event was dropped with its stream, as far as this page tells.
    pub fn drops(&self, event: &Recorded) -> bool {
        let found = self.dropped.binary_search_by(|dropped| dropped.stream.cmp(&event.stream));
        found.ok().and_then(|at| self.dropped.get(at)).is_some_and(|dropped| event.version <= dropped.version)
    }

    /// Checks that a restore has come to its end, before the log is released or appended to.
    ///
    /// # Errors
    /// `Conflict` when it has not.
    pub fn check_end(head: Position, until: Position) -> Result<()> {
        use crate::error::{Error, ErrorKind};
        if head >= until {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "restore",
            "a restore into this log has not come to its end: run it again, it goes on where it was",
        )
        .with("head", head)
        .with("until", until))
    }
}

/// What a scrub took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Sealed parts taken away by this call.
    pub parts: u64,
}

/// What dropping a stream took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Events taken away.
    pub events: u64,
}

/// A stream that was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedStream {
    /// The stream.
    pub stream: StreamId,
    /// Its last version that was taken away: later ones are of events since.
    pub version: Version,
}

#[cfg(test)]
mod tests;
