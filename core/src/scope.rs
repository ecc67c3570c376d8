//! The scope around serialization in which `Personal` hands its value over.
//!
//! Serde gives a field no way to reach the one who serializes it, so the scope is a
//! thread-local that stands only while one event is written or read. Serialization does
//! not await, and a guard takes the scope away again on every way out.

use std::cell::RefCell;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::marker::{Marker, Tag};
use crate::parts::Collector;
use crate::personal::{Ownership, Reading};
use crate::projection::{Handle, Session};
use crate::values::Part;

thread_local! {
    static SCOPE: RefCell<Scope> = const { RefCell::new(Scope::None) };
}

#[derive(Default)]
enum Scope {
    #[default]
    None,
    Sealing(Collector),
    Opening(Tag, std::rc::Rc<[Part]>),
    Carrying(Session),
    /// Personal values are written and read as they are, into state that is sealed whole.
    Saved,
}

/// What a marker reads as.
pub(crate) enum Opened<T> {
    Reading(Reading<(T, Option<Ownership>)>),
    Carried(Arc<Handle>),
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
        Scope::None | Scope::Opening(..) | Scope::Carrying(_) | Scope::Saved => (written, empty),
    }
}

/// Runs `read` so that markers of `tag` read as what is left of `parts`.
pub(crate) fn opening<T>(tag: Tag, parts: &std::rc::Rc<[Part]>, read: impl FnOnce() -> T) -> T {
    let _guard = Guard::enter(Scope::Opening(tag, parts.clone()));
    read()
}

/// Runs `work` so that personal values are written and read as they are: into a buffer
/// that is sealed as a whole, or out of one.
pub(crate) fn saved<T>(work: impl FnOnce() -> T) -> T {
    let _guard = Guard::enter(Scope::Saved);
    work()
}

/// Whether whole state is written or read.
pub(crate) fn is_saved() -> bool {
    SCOPE.with_borrow(|scope| matches!(scope, Scope::Saved))
}

/// Runs `work` so that personal values are handles of `session`.
pub(crate) fn carrying<T>(session: &mut Session, work: impl FnOnce() -> T) -> T {
    let empty = session.like();
    let guard = Guard::enter(Scope::Carrying(std::mem::replace(session, empty)));
    let done = work();
    if let Scope::Carrying(inner) = guard.leave() {
        *session = inner;
    }
    done
}

/// Hands a handle over and takes its marker.
pub(crate) fn carry(handle: &Arc<Handle>) -> Result<String, &'static str> {
    SCOPE.with_borrow_mut(|scope| match scope {
        Scope::Carrying(session) => Ok(session.add(handle.clone())),
        Scope::None | Scope::Opening(..) | Scope::Sealing(_) | Scope::Saved => {
            Err("a personal value in a view is only written into the view's own documents")
        }
    })
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
            let refusal = match other {
                Scope::Carrying(_) => "a view moves personal values and makes none",
                Scope::None | Scope::Opening(..) | Scope::Sealing(_) | Scope::Saved => {
                    "personal data is only serialized by an append"
                }
            };
            SCOPE.replace(other);
            Err(refusal)
        }
    }
}

/// The marker of a value that was forgotten before it was written.
pub(crate) fn forgotten() -> Result<String, &'static str> {
    SCOPE.with_borrow(|scope| match scope {
        Scope::Sealing(collector) => Ok(collector.tag().write(Marker::Forgotten { null: None })),
        Scope::None | Scope::Opening(..) | Scope::Carrying(_) | Scope::Saved => {
            Err("personal data is only serialized by an append")
        }
    })
}

/// What is left of the value that the marker `text` stands for.
pub(crate) fn open<T: DeserializeOwned>(text: &str) -> Result<Opened<T>, &'static str> {
    const NO_MARKER: &str = "a personal field holds no marker of its event";
    let (tag, parts) = match SCOPE.with_borrow(|scope| match scope {
        Scope::Opening(tag, parts) => Ok(Ok((*tag, parts.clone()))),
        Scope::Carrying(session) => Ok(Err(session.handle(text).cloned())),
        Scope::None | Scope::Sealing(_) | Scope::Saved => Err("personal data is only read by the toolkit"),
    })? {
        Ok(opening) => opening,
        Err(handle) => return handle.map(Opened::Carried).ok_or(NO_MARKER),
    };
    match tag.read(text).ok_or(NO_MARKER)? {
        Marker::Forgotten { .. } => Ok(Opened::Reading(Reading::Forgotten)),
        Marker::Value { part, index, .. } => {
            let part = parts.get(usize::from(part)).ok_or("a marker names no part of its event")?;
            part.value(index).map(Opened::Reading)
        }
    }
}
