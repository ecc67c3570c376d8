//! The sweep of snapshots: commits are written anew without those that are gone.

use oubliette_core::Result;

use super::format::Commit;
use super::state::State;
use crate::error::corrupt;
use crate::format::commit_name;
use crate::frame::{decode, encode};
use crate::shared::{Journal as _, Shared};

const OP: &str = "sweep";

/// Sweeps the store. Returns what was in the way.
pub(super) async fn sweep(shared: &Shared<State>) -> Result<Vec<String>> {
    shared.catch_up(OP).await?;
    let (through, due) = {
        let state = shared.state();
        (state.next() - 1, state.unswept())
    };
    for number in &due {
        rewrite(shared, *number).await?;
    }
    shared.end_sweep(through, !due.is_empty()).await
}

/// Writes a commit anew, in the place of what was read and of nothing else, without snapshots that are gone.
async fn rewrite(shared: &Shared<State>, number: u64) -> Result<()> {
    let name = commit_name(number);
    loop {
        let object = shared.store.get(OP, &name).await?;
        let object = object.ok_or_else(|| corrupt(&name, "a commit is missing"))?;
        let mut commit: Commit = decode(&name, &object.bytes)?;
        let mut has_dead = false;
        {
            let state = shared.state();
            for (index, saved) in commit.saved.iter_mut().enumerate() {
                if saved.sealed.is_some() && !state.is_there(&saved.place, number, index) {
                    saved.sealed = None;
                    has_dead = true;
                }
            }
        }
        if !has_dead || shared.store.replace(OP, &name, &encode(&name, &commit)?, &object.tag).await? {
            return Ok(());
        }
    }
}
