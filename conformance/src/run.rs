//! Runs a case.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Far beyond what any case takes, also one that starts a server again for each of a hundred damages
/// on a busy machine: whoever needs longer hangs.
const LIMIT: Duration = Duration::from_secs(600);

/// Runs a case to its end, on a runtime of its own with several threads, and gives what it
/// came to.
///
/// # Panics
/// When the case does: a promise is broken. When it hangs.
pub fn run<Out>(case: impl Future<Output = Out>) -> Out {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let ended = runtime.block_on(async { tokio::time::timeout(LIMIT, case).await });
    // Whatever a backend left running is not waited for.
    runtime.shutdown_background();
    ended.expect("every call of a case returns in time")
}

/// Drops a future after it was polled so often, unless it ends before.
pub(crate) async fn dropped_after(polls: u64, future: impl Future) {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}

/// Polls a future so often, leaves it alone for a while, and then goes on to its end: as of
/// a writer whose commit is slow.
pub(crate) async fn stalled_after<T>(polls: u64, pause: Duration, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut left = polls;
    let begun = poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        // Woken or not, it is polled so often, as by whoever selects over several futures.
        context.waker().wake_by_ref();
        future.as_mut().poll(context).map(Some)
    });
    match begun.await {
        Some(ended) => ended,
        None => {
            tokio::time::sleep(pause).await;
            future.await
        }
    }
}
