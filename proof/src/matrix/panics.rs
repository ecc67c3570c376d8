//! Panics of cases: their message is kept, and they do not write over the terminal.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::thread;

/// The name of a thread that a case runs on.
pub(super) const THREAD: &str = "oubliette-cell";

thread_local! {
    /// Where the last panic of this thread came from.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the default hook from printing panics of cases, and of the tasks that they spawn.
///
/// Panics elsewhere go to the hook that was there before.
pub(super) fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match thread::current().name() {
            Some(THREAD) => {
                let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
                PLACE.set(place);
            }
            Some(name) if name.starts_with("tokio-") => {}
            _ => before(panic),
        }));
    });
}

/// What `run` gives, or what it said when it panicked, and where.
pub(super) fn caught<Out>(run: impl FnOnce() -> Out) -> Result<Out, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        let text = text(&*payload);
        match PLACE.take() {
            Some(place) => format!("{text} ({place})"),
            None => text.to_owned(),
        }
    })
}

fn text(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return text;
    }
    payload.downcast_ref::<String>().map_or("a panic without a message", String::as_str)
}
