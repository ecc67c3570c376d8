//! What the commits of a log come to, folded in their order.

use std::collections::{BTreeMap, HashMap, HashSet};

use oubliette_core::{KeyId, Position, Restored, Result, StreamId};

use serde::{Deserialize, Serialize};

use crate::format::{Commit, Control, Event, LOG, Random};
use crate::shared::{Journal, due, random};

/// What is known of a log up to a commit.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// The head after each commit, from the first on.
    heads: Vec<u64>,
    streams: HashMap<StreamId, Stream>,
    /// Which commits hold parts under a key.
    keys: HashMap<Random, Vec<u64>>,
    scrubbed: HashSet<KeyId>,
    /// By the numbers of the commits that dropped a stream: up to which version.
    dropped: BTreeMap<StreamId, Vec<(u64, u64)>>,
    /// The segments of all commits, and those that no commit may name.
    segments: HashSet<Random>,
    void: HashSet<Random>,
    quarantine: Option<u64>,
    /// By the number of the commit that made them due: the commits that hold what is dead.
    unswept: BTreeMap<u64, Vec<u64>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Stream {
    version: u64,
    commits: Vec<u64>,
}

impl Journal for State {
    type Commit = Commit;

    const FOUND: &'static str = LOG;

    fn next(&self) -> u64 {
        1 + self.heads.len() as u64
    }

    /// The log's.
    fn head(&self) -> u64 {
        self.heads.last().copied().unwrap_or_default()
    }

    fn token(commit: &Commit) -> Random {
        commit.token
    }

    fn goes_on(&self, commit: &Commit) -> bool {
        commit.before == self.head()
    }

    fn fold(&mut self, commit: &Commit) {
        let number = self.next();
        for event in &commit.events {
            self.take(number, event);
        }
        self.segments.extend(commit.segment);
        self.heads.push(commit.head);
        match &commit.control {
            Control::None => {}
            Control::Scrub(keys) => {
                let keys: Vec<_> = keys.iter().map(|key| KeyId::from_bytes(*key)).collect();
                self.unswept.insert(number, self.commits_under(&keys));
                self.scrubbed.extend(keys);
            }
            Control::Drop(stream, version) => self.drop(number, stream, *version),
            Control::Restore { until, dropped } => {
                self.quarantine = Some(*until);
                dropped.iter().for_each(|(stream, version)| self.drop(number, stream, *version));
            }
            Control::Release => self.quarantine = None,
            Control::Void(segments) => self.void.extend(segments),
            Control::Swept(through) => self.unswept = self.unswept.split_off(&(through + 1)),
        }
    }

    fn unswept(&self) -> Vec<u64> {
        due(&self.unswept)
    }

    /// The events of streams that were dropped. Sealed parts are apart.
    fn clear(&self, _: u64, commit: &mut Commit) -> bool {
        let before = commit.events.len();
        commit.events.retain(|event| !self.is_dropped(event));
        commit.events.len() < before
    }

    fn swept(&self, through: u64) -> Result<Commit> {
        Commit::on(self, Vec::new(), Control::Swept(through))
    }
}

impl Commit {
    /// A commit on top of what is known, by whoever has the token in it.
    pub(crate) fn on(state: &State, events: Vec<Event>, control: Control) -> Result<Self> {
        let before = state.head();
        let head = events.last().map_or(before, |last| last.position);
        Ok(Self { token: random()?, before, head, segment: None, events, control })
    }
}

impl State {
    pub(crate) fn version(&self, stream: &StreamId) -> u64 {
        let last = self.streams.get(stream).map_or(0, |stream| stream.version);
        last.max(self.dropped_at(stream, u64::MAX))
    }

    pub(crate) fn scrubbed(&self) -> &HashSet<KeyId> {
        &self.scrubbed
    }

    /// Each stream that was dropped, and its last version that was.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = (&StreamId, u64)> {
        self.dropped.iter().filter_map(|(stream, drops)| Some((stream, drops.last()?.1)))
    }

    /// Up to which version a stream was dropped when this was the last commit.
    pub(crate) fn dropped_at(&self, stream: &StreamId, commit: u64) -> u64 {
        let drops = self.dropped.get(stream).map(Vec::as_slice).unwrap_or_default();
        let until = drops.partition_point(|(number, _)| *number <= commit);
        drops.get(..until).and_then(<[_]>::last).map_or(0, |(_, version)| *version)
    }

    pub(crate) fn quarantine(&self) -> Option<Position> {
        self.quarantine.map(Position)
    }

    /// The first commit with an event after this position.
    pub(crate) fn commit_after(&self, position: u64) -> u64 {
        1 + self.heads.partition_point(|head| *head <= position) as u64
    }

    pub(crate) fn commits_of(&self, stream: &StreamId) -> Vec<u64> {
        self.streams.get(stream).map(|stream| stream.commits.clone()).unwrap_or_default()
    }

    /// The commits that hold a part under one of these keys, ascending.
    pub(crate) fn commits_under(&self, keys: &[KeyId]) -> Vec<u64> {
        let mut numbers: Vec<u64> =
            keys.iter().filter_map(|key| self.keys.get(key.as_bytes())).flatten().copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Whether an event went with its stream.
    pub(crate) fn is_dropped(&self, event: &Event) -> bool {
        event.version <= self.dropped_at(&event.stream, u64::MAX)
    }

    pub(crate) fn is_scrubbed(&self, key: KeyId) -> bool {
        self.scrubbed.contains(&key)
    }

    /// Whether no part under these owners is there any more.
    pub(crate) fn is_dead(&self, owners: &[Random]) -> bool {
        owners.is_empty() || owners.iter().any(|owner| self.is_scrubbed(KeyId::from_bytes(*owner)))
    }

    /// Whether a commit names this segment.
    pub(crate) fn has_segment(&self, segment: &Random) -> bool {
        self.segments.contains(segment)
    }

    /// Whether no commit may name this segment any more.
    pub(crate) fn is_void(&self, segment: &Random) -> bool {
        self.void.contains(segment)
    }

    /// Checks that no restore is under way.
    ///
    /// # Errors
    /// `Conflict` when one is.
    pub(crate) fn check_whole(&self) -> Result<()> {
        self.quarantine().map_or(Ok(()), |until| Restored::check_end(Position(self.head()), until))
    }

    fn take(&mut self, number: u64, event: &Event) {
        let stream = self.streams.entry(event.stream.clone()).or_default();
        stream.version = stream.version.max(event.version);
        note(&mut stream.commits, number);
        for owner in event.parts.iter().flatten() {
            note(self.keys.entry(*owner).or_default(), number);
        }
    }

    fn drop(&mut self, number: u64, stream: &StreamId, version: u64) {
        let commits = self.commits_of(stream);
        self.unswept.entry(number).or_default().extend(commits);
        let version = version.max(self.dropped_at(stream, u64::MAX));
        self.dropped.entry(stream.clone()).or_default().push((number, version));
    }
}

/// Adds a number that is no less than the last.
fn note(numbers: &mut Vec<u64>, number: u64) {
    if numbers.last() != Some(&number) {
        numbers.push(number);
    }
}

#[cfg(test)]
mod tests {
    use oubliette_core::{Envelope, EventId, EventType};

    use super::*;

    /// Folds a commit with one event of the stream at its next version, or with none.
    fn fold(state: &mut State, stream: Option<&StreamId>, control: Control) {
        let envelope = Envelope {
            id: EventId::random().unwrap(),
            event_type: EventType::new("Noted").unwrap(),
            schema: 1,
            open: b"{}".to_vec(),
            parts: Vec::new(),
        };
        let events = stream.iter().map(|stream| {
            let place = (state.head() + 1, state.version(stream) + 1);
            Event::new(place, stream, jiff::Timestamp::UNIX_EPOCH, &envelope, |_| false).0
        });
        let commit = Commit::on(state, events.collect(), control).unwrap();
        state.fold(&commit);
    }

    #[test]
    fn a_position_is_found_in_its_commit() {
        let (mut state, name) = (State::default(), StreamId::new("a").unwrap());
        for stream in [Some(&name), None, Some(&name), Some(&name)] {
            fold(&mut state, stream, Control::None);
        }
        assert_eq!([0, 1, 2, 3].map(|position| state.commit_after(position)), [1, 3, 4, 5]);
        assert_eq!(state.commits_of(&name), [1, 3, 4]);
    }

    #[test]
    fn a_drop_counts_from_its_commit_on() {
        let (mut state, name) = (State::default(), StreamId::new("a").unwrap());
        fold(&mut state, Some(&name), Control::None);
        fold(&mut state, None, Control::Drop(name.clone(), 1));
        fold(&mut state, Some(&name), Control::None);
        fold(&mut state, None, Control::Drop(name.clone(), 2));
        assert_eq!([0, 1, 2, 3, 4, 9].map(|commit| state.dropped_at(&name, commit)), [0, 0, 1, 1, 2, 2]);
        assert_eq!(state.version(&name), 2);
    }

    #[test]
    fn what_came_after_a_sweep_began_is_still_due() {
        let (mut state, name) = (State::default(), StreamId::new("a").unwrap());
        fold(&mut state, Some(&name), Control::None);
        fold(&mut state, None, Control::Drop(name.clone(), 1));
        fold(&mut state, Some(&name), Control::None);
        fold(&mut state, None, Control::Drop(name.clone(), 2));
        assert_eq!(state.unswept(), [1, 3]);
        fold(&mut state, None, Control::Swept(3));
        assert_eq!(state.unswept(), [1, 3], "the second drop names both");
        fold(&mut state, None, Control::Swept(5));
        assert!(state.unswept().is_empty());
    }
}
