//! The panic hook.

use std::fmt;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::{Mutex, Once, PoisonError};

use super::Capture;

/// Whoever collects panics now.
static COLLECTING: Mutex<Vec<(u64, Capture)>> = Mutex::new(Vec::new());
static HOOK: Once = Once::new();

/// Collects panics until it is dropped.
#[derive(Debug)]
pub struct Panics(u64);

impl Panics {
    pub(super) fn collect(capture: &Capture) -> Self {
        // Hooks that are put back in another order than they were set undo each other: there
        // is one for all, which passes on to the one before it, and does no more than that
        // while nobody collects.
        HOOK.call_once(|| {
            let before = take_hook();
            set_hook(Box::new(move |info| {
                collecting()
                    .iter()
                    .for_each(|(_, capture)| capture.panicked(format_args!("{}", Panic(info))));
                before(info);
            }));
        });
        let mut all = collecting();
        let number = all.last().map_or(0, |(number, _)| number + 1);
        all.push((number, capture.clone()));
        Self(number)
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        collecting().retain(|(number, _)| *number != self.0);
    }
}

fn collecting() -> std::sync::MutexGuard<'static, Vec<(u64, Capture)>> {
    COLLECTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a panic tells: its message and place, and its payload where that is a text or an
/// error.
struct Panic<'a>(&'a PanicHookInfo<'a>);

impl fmt::Display for Panic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match self.0.payload().downcast_ref::<oubliette_core::Error>() {
            Some(error) => write!(f, ": {error} {error:?}"),
            None => Ok(()),
        }
    }
}
