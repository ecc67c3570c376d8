//! `Personal<T>`: a personal value as an ordinary field of an event.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ids::{Purpose, SubjectId};
use crate::null::NullObject;
use crate::projection::Handle;
use crate::scope::{self, Opened};

/// The people a value is about, and the purpose it is held for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ownership {
    /// One subject, or several for a value about several people at once: erase one of
    /// them and the value is gone. Ascending, without repeats.
    pub subjects: Arc<[SubjectId]>,
    /// Why the value is held.
    pub purpose: Purpose,
}

impl Ownership {
    /// The ownership of a value about `subjects`, in any order.
    pub fn new(subjects: impl IntoIterator<Item = SubjectId>, purpose: Purpose) -> Self {
        let mut subjects: Vec<_> = subjects.into_iter().collect();
        subjects.sort_unstable();
        subjects.dedup();
        Self { subjects: subjects.into(), purpose }
    }
}

/// What is left of a personal value when it is read.
///
/// Exhaustive on purpose: a reader handles each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reading<T> {
    /// The value.
    Known(T),
    /// Its key was destroyed: nobody can read it any more.
    Forgotten,
    /// It exists, and this reader may not have it.
    Withheld(Withheld),
}

/// It tells which it is, never the value: a reading that is logged gives nothing away.
impl<T> fmt::Debug for Reading<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(_) => f.write_str("Known(..)"),
            Self::Forgotten => f.write_str("Forgotten"),
            Self::Withheld(why) => write!(f, "Withheld({why:?})"),
        }
    }
}

/// Why a value that exists was not handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// It is held for a purpose that the reader did not declare.
    OtherPurpose,
    /// It stands in a view, which moves personal values and reads none.
    InView,
}

/// A personal value: sealed when its event is appended, opened when it is read.
///
/// It nests wherever serde goes: in structs, options, lists, maps and enum variants. It
/// refuses to be serialized outside an append, its `Debug` shows nothing, and its value
/// is zeroized when dropped.
///
/// ```
/// use oubliette_core::{NullObject, Personal, Purpose, Reading, SubjectId};
///
/// const CONTRACT: Purpose = Purpose::declared("contract");
/// let ada = SubjectId::new("c-42")?;
/// let name: Personal<String> = Personal::new(&ada, CONTRACT, "Ada Lovelace");
///
/// assert_eq!(name.reading(), Reading::Known(&"Ada Lovelace".to_owned()));
/// assert_eq!(format!("{name:?}"), "Personal(known)");
/// assert!(serde_json::to_string(&name).is_err());
/// # Ok::<(), oubliette_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Personal<T: Zeroize>(State<T>);

#[derive(Clone)]
enum State<T: Zeroize> {
    Known(Secret<T>, Option<Ownership>),
    Forgotten,
    Withheld(Withheld),
    /// On its way from an event into a document. It tells nothing, not even whether it is
    /// forgotten: what a view makes does not depend on who was erased.
    Carried(Arc<Handle>),
}

/// Zeroizes on drop without asking it of `T`.
#[derive(Clone)]
struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> ZeroizeOnDrop for Secret<T> {}

impl<T: Zeroize> Personal<T> {
    /// A value about one person.
    pub fn new(subject: &SubjectId, purpose: Purpose, value: impl Into<T>) -> Self {
        Self::owned(Ownership::new([subject.clone()], purpose), value)
    }

    /// A value about several people at once: erase one of them and it is gone.
    pub fn shared<'a>(
        subjects: impl IntoIterator<Item = &'a SubjectId>,
        purpose: Purpose,
        value: impl Into<T>,
    ) -> Self {
        Self::owned(Ownership::new(subjects.into_iter().cloned(), purpose), value)
    }

    fn owned(ownership: Ownership, value: impl Into<T>) -> Self {
        Self(State::Known(Secret(value.into()), Some(ownership)))
    }

    /// What is left of the value.
    pub fn reading(&self) -> Reading<&T> {
        match &self.0 {
            State::Known(value, _) => Reading::Known(&value.0),
            State::Forgotten => Reading::Forgotten,
            State::Withheld(why) => Reading::Withheld(*why),
            State::Carried(_) => Reading::Withheld(Withheld::InView),
        }
    }

    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self.reading() {
            Reading::Known(value) => Some(value),
            Reading::Forgotten | Reading::Withheld(_) => None,
        }
    }

    /// Whether the value was forgotten.
    pub fn is_forgotten(&self) -> bool {
        matches!(self.0, State::Forgotten)
    }

    /// The value, or the null object of its type.
    pub fn or_null(&self) -> T
    where
        T: NullObject + Clone,
    {
        self.known().cloned().unwrap_or_else(T::null)
    }
}

impl<T: Zeroize> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Known(..) => "Personal(known)",
            State::Forgotten => "Personal(forgotten)",
            State::Withheld(_) | State::Carried(_) => "Personal(withheld)",
        })
    }
}

/// Compares what is read; whose it is and what for does not count.
impl<T: Zeroize + PartialEq> PartialEq for Personal<T> {
    fn eq(&self, other: &Self) -> bool {
        self.reading() == other.reading()
    }
}

impl<T: Zeroize + Serialize> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if scope::is_saved() {
            return self.save(serializer);
        }
        let marker = match &self.0 {
            State::Known(value, Some(ownership)) => scope::seal(ownership, &value.0),
            State::Known(_, None) => Err("a value of unknown ownership cannot be appended"),
            State::Forgotten => scope::forgotten(),
            State::Withheld(_) => Err("a withheld value cannot be appended: it would be lost"),
            State::Carried(handle) => scope::carry(handle),
        };
        serializer.serialize_str(&marker.map_err(ser::Error::custom)?)
    }
}

/// A value inside state that is sealed whole.
#[derive(Serialize, Deserialize)]
enum Saved<T> {
    Known(T, Option<(Vec<SubjectId>, Purpose)>),
    Forgotten,
}

impl<T: Zeroize + Serialize> Personal<T> {
    fn save<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            State::Known(Secret(value), ownership) => {
                let of = ownership.as_ref().map(|of| (of.subjects.to_vec(), of.purpose.clone()));
                Saved::Known(value, of).serialize(serializer)
            }
            State::Forgotten => Saved::<()>::Forgotten.serialize(serializer),
            State::Withheld(_) | State::Carried(_) => {
                Err(ser::Error::custom("a withheld value cannot be saved: it would be lost"))
            }
        }
    }
}

impl<T: Zeroize> From<Saved<T>> for Personal<T> {
    fn from(saved: Saved<T>) -> Self {
        Self(match saved {
            Saved::Known(value, of) => {
                let of = of.map(|(subjects, purpose)| Ownership::new(subjects, purpose));
                State::Known(Secret(value), of)
            }
            Saved::Forgotten => State::Forgotten,
        })
    }
}

impl<'de, T: Zeroize + DeserializeOwned> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if scope::is_saved() {
            return Saved::deserialize(deserializer).map(Self::from);
        }
        struct MarkerVisitor<T>(PhantomData<T>);

        impl<T: Zeroize + DeserializeOwned> Visitor<'_> for MarkerVisitor<T> {
            type Value = Personal<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the marker of a sealed value, read by the toolkit")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let state = match scope::open(text).map_err(E::custom)? {
                    Opened::Reading(Reading::Known((value, ownership))) => {
                        State::Known(Secret(value), ownership)
                    }
                    Opened::Reading(Reading::Forgotten) => State::Forgotten,
                    Opened::Reading(Reading::Withheld(why)) => State::Withheld(why),
                    Opened::Carried(handle) => State::Carried(handle),
                };
                Ok(Personal(state))
            }
        }

        deserializer.deserialize_str(MarkerVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests;
