//! Who listens to what the process logs, and since when.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Capture;

/// Whether what is logged is collected.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// For nobody in particular it is collected always.
    by_listeners: AtomicBool,
    listeners: AtomicUsize,
}

impl Hearing {
    pub(super) fn of_listeners() -> Self {
        Self { by_listeners: AtomicBool::new(true), ..Self::default() }
    }

    /// From here on everything is collected, for ever.
    pub(super) fn keep(&self) {
        self.by_listeners.store(false, Ordering::SeqCst);
    }

    pub(super) fn is_on(&self) -> bool {
        !self.by_listeners.load(Ordering::Relaxed) || self.listeners.load(Ordering::Relaxed) > 0
    }
}

/// Somebody who listens to what the process logs, until it is dropped.
pub(crate) struct Listening {
    capture: &'static Capture,
    /// What was logged before.
    from: usize,
}

impl Listening {
    pub(super) fn to(capture: &'static Capture) -> Self {
        let logged = capture.0.logged.lock().unwrap_or_else(PoisonError::into_inner);
        capture.0.hearing.listeners.fetch_add(1, Ordering::SeqCst);
        Self { capture, from: logged.len() }
    }

    /// What was logged since, by all threads.
    pub(crate) fn logged(&self) -> Vec<u8> {
        let logged = self.capture.0.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.get(self.from..).unwrap_or_default().to_vec()
    }
}

impl std::ops::Deref for Listening {
    type Target = Capture;

    fn deref(&self) -> &Capture {
        self.capture
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut logged = self.capture.0.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let hearing = &self.capture.0.hearing;
        hearing.listeners.fetch_sub(1, Ordering::SeqCst);
        if !hearing.is_on() {
            *logged = Vec::new();
        }
    }
}
