//! The sweep of snapshots: commits are written anew without those that are gone.

use oubliette_core::Result;

use super::format::Commit;
use super::state::State;
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
        let without_gone = |commit: &mut Commit| {
            let (state, mut has_gone) = (shared.state(), false);
            for (index, saved) in commit.saved.iter_mut().enumerate() {
                if saved.sealed.is_some() && !state.is_there(&saved.place, *number, index) {
                    saved.sealed = None;
                    has_gone = true;
                }
            }
            has_gone
        };
        shared.rewrite_commit(*number, without_gone).await?;
    }
    shared.end_sweep(through, !due.is_empty()).await
}
