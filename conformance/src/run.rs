//! Runs a case.

use std::future::Future;
use std::time::Duration;

/// Far beyond what any case takes: whoever needs longer hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a case to its end, on a runtime of its own with several threads.
///
/// # Panics
/// When the case does: a promise is broken. When it hangs.
pub fn run(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let ended = runtime.block_on(async { tokio::time::timeout(LIMIT, case).await });
    // Whatever a backend left running is not waited for.
    runtime.shutdown_background();
    ended.expect("every call of a case returns in time");
}
