//! Scrubbing keys: a commit from which on nothing is read under them, nor let in.

use oubliette_core::{KeyId, Result, Scrubbed};

use crate::format::{Commit, Control, Event};
use crate::shared::{Journal as _, Shared};
use crate::state::State;

const OP: &str = "scrub";

/// Scrubs those of the keys that were not, and counts the parts that go with them.
pub(crate) async fn scrub(shared: &Shared, keys: &[KeyId]) -> Result<Scrubbed> {
    loop {
        shared.catch_up(OP).await?;
        let (number, dead, commits) = {
            let state = shared.state();
            let mut dead: Vec<_> = keys.iter().copied().filter(|key| !state.is_scrubbed(*key)).collect();
            dead.sort_unstable();
            dead.dedup();
            (state.next(), dead.clone(), state.commits_under(&dead))
        };
        if dead.is_empty() {
            return Ok(Scrubbed::default());
        }
        let mut parts = 0;
        for commit in commits {
            let commit = shared.commit(OP, commit).await?;
            let state = shared.state();
            parts += commit.events.iter().map(|event| dying(&state, event, &dead)).sum::<u64>();
        }
        let control = Control::Scrub(dead.iter().map(|key| *key.as_bytes()).collect());
        let commit = Commit::on(&shared.state(), Vec::new(), control)?;
        if shared.commit_as(OP, number, commit).await? {
            return Ok(Scrubbed { parts });
        }
    }
}

/// How many living parts of an event go with these keys.
fn dying(state: &State, event: &Event, keys: &[KeyId]) -> u64 {
    if state.is_dropped(event) {
        return 0;
    }
    let owned = |owners: &[[u8; 16]]| {
        owners.iter().any(|owner| keys.binary_search(&KeyId::from_bytes(*owner)).is_ok())
    };
    event.parts.iter().filter(|owners| !state.is_dead(owners) && owned(owners)).count() as u64
}
