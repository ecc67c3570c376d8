//! The sweep of records: nothing is left of those that were removed or replaced.
//!
//! They stand in the commit that put them, and in checkpoints made since. The commit is written anew without them, and
//! a checkpoint is made that is later than all of this: the ones before it go.

use oubliette_core::Result;

use super::state::State;
use crate::shared::Shared;

/// Sweeps the records. Returns what was in the way.
pub(super) async fn sweep(shared: &Shared<State>) -> Result<Vec<String>> {
    let (through, due) = shared.due().await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    for number in &due {
        shared.rewrite_commit(*number).await?;
    }
    shared.checkpoint_beyond(through).await?;
    shared.end_sweep(through, true).await
}
