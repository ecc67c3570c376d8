//! Everything that a program tells of itself: what it logs, its panics, its `Debug` texts.

mod layer;
mod listening;
mod panics;

use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use oubliette_core::EventId;
use tracing::Subscriber;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::layer::Recording;
use self::listening::Hearing;
pub(crate) use self::listening::Listening;
pub use self::panics::Panics;
use crate::fixture::Blob;
use crate::search::Needle;

/// Collects what a program tells, for a [`Search`](crate::search::Search). Cheap to clone:
/// every clone collects into the same place.
///
/// Every event and every span of `tracing` is kept, of all targets, from the level `TRACE`
/// on, with all its fields; records of the `log` crate too, where it is
/// [`installed`](Self::installed). A program's own filters do not matter: who turns the level
/// up one day sees what is found here.
///
/// ```
/// use oubliette_conformance::capture::Capture;
/// use oubliette_conformance::search::{Needle, Search};
///
/// let capture = Capture::new();
/// let marker = capture.scope(|| {
///     tracing::trace!(customer = "Ada Lovelace", "a careless line");
///     capture.marker()
/// });
/// let findings = Search::new([Needle::text("ada's name", "Ada Lovelace"), marker])?.over(capture.blobs())?;
/// assert_eq!(findings.hits.len(), 2);
/// # Ok::<(), oubliette_conformance::search::Void>(())
/// ```
#[derive(Clone, Default)]
pub struct Capture(Arc<Told>);

/// What was told so far.
#[derive(Default)]
struct Told {
    logged: Mutex<Vec<u8>>,
    panics: Mutex<Vec<u8>>,
    debug: Mutex<Vec<Blob>>,
    hearing: Hearing,
}

impl Capture {
    /// Collects nothing yet: see [`installed`](Self::installed), [`scope`](Self::scope),
    /// [`layer`](Self::layer) and [`panics`](Self::panics).
    pub fn new() -> Self {
        Self::default()
    }

    /// The capture of this process: what all its threads log, also by the `log` crate, and
    /// all their panics, from the first call on. Every call gives the same.
    ///
    /// # Panics
    /// When the program has installed a subscriber or a logger of its own: add
    /// [`layer`](Self::layer) to it instead.
    pub fn installed() -> &'static Self {
        let capture = Self::global();
        capture.0.hearing.keep();
        capture
    }

    /// The same while this lives, and what was logged since then alone. Nobody pays for what nobody
    /// listens to: libraries log gigabytes at the lowest level.
    pub(crate) fn listening() -> Listening {
        Listening::to(Self::global())
    }

    fn global() -> &'static Self {
        static INSTALLED: OnceLock<(Capture, Panics)> = OnceLock::new();
        let (capture, _) = INSTALLED.get_or_init(|| {
            let told = Told { hearing: Hearing::of_listeners(), ..Told::default() };
            let capture = Self(Arc::new(told));
            let subscriber = tracing_subscriber::registry().with(capture.layer());
            subscriber.try_init().expect("a test installs no other subscriber and no other logger");
            let panics = capture.panics();
            (capture, panics)
        });
        capture
    }

    /// Collects what this thread logs in `work`, and what it logs alone.
    pub fn scope<T>(&self, work: impl FnOnce() -> T) -> T {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(self.layer()), work)
    }

    /// Collects what this thread logs until the guard is dropped. A future stays on its
    /// thread only on a runtime of one thread.
    #[must_use]
    pub fn entered(&self) -> DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.layer()))
    }

    /// The layer that collects, for a subscriber of the program's own.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        Recording(self.clone())
    }

    /// Collects panics, of every thread, until it is dropped. What was done with them before
    /// is done as well.
    #[must_use]
    pub fn panics(&self) -> Panics {
        Panics::collect(self)
    }

    /// Keeps what the `Debug` of a value tells, plain and pretty.
    pub fn debug(&self, name: impl Into<String>, value: &dyn fmt::Debug) {
        let blob = Blob::new(name, format!("{value:?}\n{value:#?}"));
        self.0.debug.lock().unwrap_or_else(PoisonError::into_inner).push(blob);
    }

    /// Logs a random text, at the lowest level, and gives it: the control that what is
    /// logged here and now is collected.
    pub fn marker(&self) -> Needle {
        let text = EventId::random().expect("there is randomness").to_string();
        tracing::trace!(target: "oubliette_conformance::control", %text);
        Needle::text("what was logged as a control", text)
    }

    /// Everything that was told so far, a blob each for what was logged, for panics, and for
    /// each [`debug`](Self::debug).
    pub fn blobs(&self) -> Vec<Blob> {
        let of = |told: &Mutex<Vec<u8>>| told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut blobs = vec![Blob::new("what was logged", of(&self.0.logged))];
        blobs.push(Blob::new("panics", of(&self.0.panics)));
        blobs.extend(self.0.debug.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        blobs
    }

    fn log(&self, line: fmt::Arguments<'_>) {
        Self::write(&self.0.logged, line);
    }

    fn panicked(&self, line: fmt::Arguments<'_>) {
        Self::write(&self.0.panics, line);
    }

    fn write(told: &Mutex<Vec<u8>>, line: fmt::Arguments<'_>) {
        // A `Debug` that logs would wait for itself: the line is made before the lock.
        let line = line.to_string();
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(told, "{line}").expect("memory can be written to");
    }
}

/// It tells how much was told, not what.
impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.blobs()).finish()
    }
}
