//! The scope around serialization in which `Personal` hands its value over.
//!
//! Serde gives a field no way to reach the one who serializes it, so the scope is a
//! thread-local that stands only while one event is written or read. Serialization does
//! not await, and a guard takes the scope away again on every way out.

use std::cell::RefCell;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::marker::{Marker, Tag};
use crate::opened::Part;
use crate::parts::Collector;
use crate::personal::{Ownership, Reading};

thread_local! {
    static SCOPE: RefCell<Scope> = const { RefCell::new(Scope::None) };
}

#[derive(Default)]
enum Scope {
    #[default]
    None,
    Sealing(Collector),
    Opening(Tag, std::rc::Rc<[Part]>),
}

/// Puts the scope that was there before back, also when a serializer panics.
struct Guard(Option<Scope>);

impl Guard {
    fn enter(scope: Scope) -> Self {
        Self(Some(SCOPE.replace(scope)))
    }

    fn leave(mut self) -> Scope {
        SCOPE.replace(self.0.take().unwrap_or_default())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            SCOPE.replace(before);
        }
    }
}

/// Runs `write` so that personal values go to `collector`.
pub(crate) fn sealing<T>(collector: Collector, write: impl FnOnce() -> T) -> (T, Collector) {
    let empty = collector.like();
    let guard = Guard::enter(Scope::Sealing(collector));
    let written = write();
    match guard.leave() {
        Scope::Sealing(collector) => (written, collector),
        Scope::None | Scope::Opening(..) => (written, empty),
    }
}

/// Runs `read` so that markers of `tag` read as what is left of `parts`.
pub(crate) fn opening<T>(tag: Tag, parts: &std::rc::Rc<[Part]>, read: impl FnOnce() -> T) -> T {
    let _guard = Guard::enter(Scope::Opening(tag, parts.clone()));
    read()
}

/// Hands a value over and takes its marker.
pub(crate) fn seal<T: Serialize>(ownership: &Ownership, value: &T) -> Result<String, &'static str> {
    // The scope is taken out while the value is written: a `Personal` inside a
    // `Personal` finds none and refuses, since one value has one ownership.
    match SCOPE.take() {
        Scope::Sealing(mut collector) => {
            let marker = collector.add(ownership, value, None);
            SCOPE.replace(Scope::Sealing(collector));
            marker.map_err(|_| "a personal value does not serialize (one inside another is not allowed)")
        }
        other => {
            SCOPE.replace(other);
            Err("personal data is only serialized by an append")
        }
    }
}

/// The marker of a value that was forgotten before it was written.
pub(crate) fn forgotten() -> Result<String, &'static str> {
    SCOPE.with_borrow(|scope| match scope {
        Scope::Sealing(collector) => Ok(collector.tag().write(Marker::Forgotten { null: None })),
        Scope::None | Scope::Opening(..) => Err("personal data is only serialized by an append"),
    })
}

/// What is left of the value that the marker `text` stands for.
pub(crate) fn open<T: DeserializeOwned>(text: &str) -> Result<Reading<(T, Option<Ownership>)>, &'static str> {
    let (tag, parts) = SCOPE.with_borrow(|scope| match scope {
        Scope::Opening(tag, parts) => Ok((*tag, parts.clone())),
        Scope::None | Scope::Sealing(_) => Err("personal data is only read by the toolkit"),
    })?;
    match tag.read(text).ok_or("a personal field holds no marker of its event")? {
        Marker::Forgotten { .. } => Ok(Reading::Forgotten),
        Marker::Value { part, index, .. } => {
            let part = parts.get(usize::from(part)).ok_or("a marker names no part of its event")?;
            part.value(index)
        }
    }
}
