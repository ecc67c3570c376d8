//! The sweep of snapshots: commits are written anew without those that are gone.

use oubliette_core::Result;

use super::state::State;
use crate::shared::Shared;

/// Sweeps the store. Returns what was in the way.
pub(super) async fn sweep(shared: &Shared<State>) -> Result<Vec<String>> {
    let (through, due) = shared.due().await?;
    for number in &due {
        shared.rewrite_commit(*number).await?;
    }
    shared.end_sweep(through, !due.is_empty()).await
}
