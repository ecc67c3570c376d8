//! Projectors that lie.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use oubliette_conformance::projector::{Entered, Projected, Shown, house};
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::{
    ErasedKeys, Error, ErrorKind, Event, EventId, Fault, Forgotten, KeyId, Oubliette, Page, Position,
    Projector, Result,
};
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    SavesThePositionFirst,
    LosesAllOnRestart,
    TakesAnyPage,
    LooksTooEarly,
    AppliesBackwards,
    StaysWhereNothingIs,
    SparesSharedNames,
    ForgetsWholeRecords,
    CountsAgain,
    StopsAtDeadParts,
    ResetsThePositionAlone,
    CachesNames,
    GoesOnWhereItFailed,
    RenamesItself,
    TellsNames,
}

/// Which case catches which lie.
pub(crate) const LIARS: &[(&str, Lie)] = &[
    ("a_page_and_its_position_are_one", Lie::SavesThePositionFirst),
    ("a_projection_survives_a_restart", Lie::LosesAllOnRestart),
    ("a_page_that_does_not_follow_is_a_conflict", Lie::TakesAnyPage),
    ("an_event_is_applied_once", Lie::LooksTooEarly),
    ("events_are_applied_in_order", Lie::AppliesBackwards),
    ("what_is_skipped_is_passed_over", Lie::StaysWhereNothingIs),
    ("to_forget_takes_the_values_under_the_keys", Lie::SparesSharedNames),
    ("to_forget_leaves_every_other_value", Lie::ForgetsWholeRecords),
    ("to_forget_again_changes_nothing", Lie::CountsAgain),
    ("dead_parts_are_applied_as_forgotten", Lie::StopsAtDeadParts),
    ("a_reset_starts_before_the_first_event", Lie::ResetsThePositionAlone),
    ("a_reset_brings_nothing_back", Lie::CachesNames),
    ("what_a_projector_is_told_moves_no_position", Lie::GoesOnWhereItFailed),
    ("a_projector_keeps_its_name", Lie::RenamesItself),
    ("a_projector_tells_no_value", Lie::TellsNames),
];

/// A place whose projector lies.
pub(crate) struct Projectors {
    lie: Lie,
    house: Oubliette,
    state: Arc<Mutex<State>>,
    opened: AtomicU64,
}

#[derive(Default)]
struct State {
    position: Position,
    records: BTreeMap<String, Vec<Entry>>,
    cached: HashMap<EventId, String>,
}

struct Entry {
    number: u64,
    name: Option<String>,
    keys: Vec<KeyId>,
}

impl Projectors {
    pub(crate) fn new(lie: Lie) -> Self {
        let house = house().now_or_never().expect("a house in memory waits for nothing");
        Self { lie, house, state: Arc::default(), opened: AtomicU64::new(0) }
    }
}

impl Fixture<dyn Projector> for Projectors {
    async fn fresh() -> Self {
        Self::new(Lie::Nothing)
    }

    async fn open(&self) -> Arc<dyn Projector> {
        let state = match self.lie {
            Lie::LosesAllOnRestart => Arc::default(),
            _ => Arc::clone(&self.state),
        };
        let opened = self.opened.fetch_add(1, Ordering::SeqCst);
        let name = match self.lie {
            Lie::RenamesItself => format!("records-{opened}"),
            _ => "records".to_owned(),
        };
        Arc::new(LyingProjector { lie: self.lie, name, state })
    }

    async fn residue(&self) -> Vec<Blob> {
        Vec::new()
    }
}

impl Projected for Projectors {
    fn house(&self) -> &Oubliette {
        &self.house
    }

    async fn shown(&self) -> Shown {
        let state = self.state.lock().unwrap();
        let shown = |entries: &Vec<Entry>| entries.iter().map(|it| (it.number, it.name.clone())).collect();
        state.records.iter().map(|(record, entries)| (record.clone(), shown(entries))).collect()
    }
}

struct LyingProjector {
    lie: Lie,
    name: String,
    state: Arc<Mutex<State>>,
}

#[async_trait]
impl Projector for LyingProjector {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    async fn position(&self) -> Result<Position> {
        Ok(self.state().position)
    }

    async fn apply(&self, page: &Page) -> Result<()> {
        if self.state().position != page.after && self.lie != Lie::TakesAnyPage {
            return Err(self.stale());
        }
        match self.lie {
            Lie::SavesThePositionFirst => {
                self.state().position = page.through;
                sleep(Duration::from_millis(1)).await;
            }
            Lie::LooksTooEarly => sleep(Duration::from_millis(5)).await,
            _ => {}
        }
        let mut state = self.state();
        let mut events: Vec<&Event> = page.events.iter().filter(|event| !event.stream.is_system()).collect();
        if self.lie == Lie::AppliesBackwards {
            events.reverse();
        }
        for event in events {
            state.apply(self.lie, event)?;
        }
        if self.lie != Lie::StaysWhereNothingIs || !page.events.is_empty() {
            state.position = page.through;
        }
        Ok(())
    }

    async fn caught_up(&self) -> Result<()> {
        Ok(())
    }

    async fn note(&self, fault: Option<&Fault>) -> Result<()> {
        if let (Lie::GoesOnWhereItFailed, Some(fault)) = (self.lie, fault) {
            self.state().position = fault.position;
        }
        Ok(())
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let mut records = 0;
        for entries in self.state().records.values_mut() {
            let dies = |entry: &Entry| match self.lie {
                Lie::SparesSharedNames => entry.keys.iter().all(|key| erased.keys.contains(key)),
                _ => entry.keys.iter().any(|key| erased.keys.contains(key)),
            };
            let whole = self.lie == Lie::ForgetsWholeRecords && entries.iter().any(dies);
            let dying = entries.iter_mut().filter(|entry| (whole || dies(entry)) && entry.name.is_some());
            records += u64::from(dying.map(|entry| entry.name = None).count() > 0);
        }
        Ok(Forgotten { records: if self.lie == Lie::CountsAgain { 1 } else { records } })
    }

    async fn reset(&self) -> Result<()> {
        let mut state = self.state();
        state.position = Position::ZERO;
        if self.lie != Lie::ResetsThePositionAlone {
            state.records.clear();
        }
        Ok(())
    }
}

impl State {
    fn apply(&mut self, lie: Lie, event: &Event) -> Result<()> {
        let Entered { record, number, name } = event.data()?;
        let mut name = name.known().cloned();
        match &name {
            Some(name) => drop(self.cached.insert(event.id, name.clone())),
            None if lie == Lie::CachesNames => name = self.cached.get(&event.id).cloned(),
            None if lie == Lie::StopsAtDeadParts => {
                return Err(Error::new(ErrorKind::Invalid, "apply", "there is no name"));
            }
            None => {}
        }
        let keys = event.key_ids().collect();
        self.records.entry(record).or_default().push(Entry { number, name, keys });
        Ok(())
    }
}

impl LyingProjector {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn stale(&self) -> Error {
        Error::new(ErrorKind::Conflict, "apply", "the page does not follow")
    }
}

impl fmt::Debug for LyingProjector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lie == Lie::TellsNames {
            f.debug_list().entries(self.state().cached.values()).finish()?;
        }
        write!(f, "a projector that lies: {:?}", self.lie)
    }
}
