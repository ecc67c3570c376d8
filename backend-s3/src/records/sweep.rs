//! The sweep of records: nothing is left of those that were removed or replaced.
//!
//! They stand in the commit that put them, and in checkpoints made since. The commit is written anew without them, and
//! a checkpoint is made that is later than all of this: the ones before it go.

use oubliette_core::Result;

use super::state::{Change, State};
use crate::shared::{Journal as _, Shared};

const OP: &str = "sweep";

/// Sweeps the records. Returns what was in the way.
pub(super) async fn sweep(shared: &Shared<State>) -> Result<Vec<String>> {
    shared.catch_up(OP).await?;
    let (through, due) = {
        let state = shared.state();
        (state.next() - 1, state.unswept())
    };
    if due.is_empty() {
        return Ok(Vec::new());
    }
    for number in &due {
        let without_removed = |change: &mut Change| {
            let (state, mut has_removed) = (shared.state(), false);
            for (index, put) in change.put.iter_mut().enumerate() {
                if put.bytes.is_some() && !state.is_held(&put.named, *number, index) {
                    put.bytes = None;
                    has_removed = true;
                }
            }
            has_removed
        };
        shared.rewrite_commit(*number, without_removed).await?;
    }
    shared.checkpoint_beyond(through).await?;
    shared.end_sweep(through, true).await
}
