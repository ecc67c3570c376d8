//! Which call has a fault, and what was called.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use oubliette_core::{Error, ErrorKind, Result};
use tokio::sync::watch;

/// What goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller gets `Unavailable`: before the effect, or after it, so that the reply is
    /// lost, whatever it was.
    Fails(Moment),
    /// The call does not return until the plan is lifted. Whoever drops it there has crashed,
    /// as far as the part can tell.
    Stalls(Moment),
    /// The process ends, and nothing of it runs any more.
    Aborts(Moment),
    /// There is no space left: from here on every call that would change something fails as it
    /// does on a full disk, until the plan is lifted.
    Full,
}

/// Where at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before its effect.
    Before,
    /// After its effect, and before the caller knows.
    After,
}

impl Moment {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Before, Self::After];
}

/// A call of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// The part.
    pub part: &'static str,
    /// The method.
    pub method: &'static str,
    /// Whether it may change what the part holds.
    pub changes: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.part, self.method)
    }
}

/// Counts the calls of all parts that it stands behind, and lets one of them go wrong.
///
/// Clones are the same plan.
#[derive(Clone, Debug, Default)]
pub struct Plan(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    /// How often the plan was lifted: calls that stall wait for it.
    lifted: watch::Sender<u64>,
    /// Whether a call stalls.
    stalled: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    /// The number of a call, from 1.
    armed: Option<(usize, Fault)>,
    met: Option<Call>,
}

impl Plan {
    /// A plan in which nothing goes wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the `at`-th call from now on go wrong, counted from 1. Calls are counted anew.
    pub fn arm(&self, at: usize, fault: Fault) {
        self.lift();
        self.0.stalled.send_replace(false);
        *self.state() = State { armed: Some((at, fault)), ..State::default() };
    }

    /// Lets nothing go wrong any more: there is space, and calls that stall go on.
    pub fn lift(&self) {
        self.state().armed = None;
        self.0.lifted.send_modify(|lifted| *lifted += 1);
    }

    /// The call that went wrong first since the plan was armed, if one did.
    pub fn met(&self) -> Option<Call> {
        self.state().met
    }

    /// Waits until a call stalls: whoever made it can be dropped then.
    pub async fn stalled(&self) {
        let mut stalled = self.0.stalled.subscribe();
        // The sender lives as long as this plan.
        _ = stalled.wait_for(|stalled| *stalled).await;
    }

    /// The calls since the plan was made or armed.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Makes a call, and lets it go wrong if it is its turn.
    pub(super) async fn call<T>(&self, call: Call, effect: impl Future<Output = Result<T>>) -> Result<T> {
        let mut lifted = self.0.lifted.subscribe();
        let mut stall = async || {
            self.0.stalled.send_replace(true);
            _ = lifted.changed().await;
        };
        let unavailable = |text| Err(Error::new(ErrorKind::Unavailable, call.method, text));
        match self.begin(call) {
            None => effect.await,
            Some(Fault::Fails(Moment::Before)) => unavailable("the part is out of reach"),
            Some(Fault::Fails(Moment::After)) => {
                _ = effect.await;
                unavailable("the reply is lost")
            }
            Some(Fault::Stalls(moment)) => {
                if moment == Moment::Before {
                    stall().await;
                    return effect.await;
                }
                let done = effect.await;
                stall().await;
                done
            }
            Some(Fault::Aborts(moment)) => {
                if moment == Moment::After {
                    _ = effect.await;
                }
                std::process::abort()
            }
            Some(Fault::Full) => unavailable("the disk is full: make room, then try again"),
        }
    }

    fn begin(&self, call: Call) -> Option<Fault> {
        let mut state = self.state();
        state.calls.push(call);
        let (at, fault) = state.armed?;
        let turn = match fault {
            Fault::Full => state.calls.len() >= at && call.changes,
            Fault::Fails(_) | Fault::Stalls(_) | Fault::Aborts(_) => state.calls.len() == at,
        };
        if !turn {
            return None;
        }
        state.met.get_or_insert(call);
        Some(fault)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
