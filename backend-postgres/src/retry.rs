//! Trying again when the server was away for a moment.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::error;

/// Runs what changes nothing, or can be repeated, again until it was done, is refused, or the
/// time is up.
pub(crate) async fn retried<T, F>(patience: Duration, work: impl FnMut() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    work.retry(pauses(patience)).when(|error| error::is_lost(error) || error::is_undone(error)).await
}

/// How long to pause before each new try: short first, never all at once.
pub(crate) fn pauses(patience: Duration) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_secs(1))
        .with_jitter()
        .without_max_times()
        .with_total_delay(Some(patience))
}
