//! What is left of sealed parts, and where their values belong.

use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::ids::Purpose;
use crate::key::Key;
use crate::marker::{Marker, Tag};
use crate::personal::{Ownership, Reading, Withheld};
use crate::scope;

/// What is left of the sealed parts that markers of one tag stand for.
#[derive(Clone)]
pub(crate) struct Values {
    pub(crate) tag: Tag,
    pub(crate) parts: Vec<Sealed>,
}

/// What is left of a sealed part, as it travels between threads.
pub(crate) type Sealed = Arc<Part>;

/// What is left of a sealed part.
#[derive(Clone)]
pub(crate) enum Part {
    Known { text: Arc<Zeroizing<Vec<u8>>>, values: Vec<Range<usize>>, keys: Vec<Key> },
    Forgotten,
    Withheld(Withheld),
}

impl Part {
    /// Takes an opened plaintext: a JSON array of values.
    pub(crate) fn known(text: Zeroizing<Vec<u8>>, keys: Vec<Key>) -> Result<Self> {
        let raw: Vec<&RawValue> = serde_json::from_slice(&text)
            .map_err(|error| Error::json(ErrorKind::Corrupt, "open", "a sealed part", &error))?;
        let start = text.as_ptr() as usize;
        let values = raw
            .iter()
            .map(|value| {
                let at = value.get().as_ptr() as usize - start;
                at..at + value.get().len()
            })
            .collect();
        Ok(Self::Known { text: Arc::new(text), values, keys })
    }

    /// What is left of one value, typed.
    pub(crate) fn value<T: DeserializeOwned>(
        &self,
        index: u32,
    ) -> Result<Reading<(T, Option<Ownership>)>, &'static str> {
        match self {
            Self::Forgotten => Ok(Reading::Forgotten),
            Self::Withheld(why) => Ok(Reading::Withheld(*why)),
            Self::Known { text, values, keys } => {
                let json = usize::try_from(index)
                    .ok()
                    .and_then(|index| values.get(index))
                    .and_then(|range| text.get(range.clone()))
                    .ok_or("a marker names no value of its part")?;
                let value = serde_json::from_slice(json)
                    .map_err(|_| "a personal value is not of the type that its field asks for")?;
                Ok(Reading::Known((value, ownership(keys))))
            }
        }
    }

    /// The keys that opened it.
    pub(crate) fn keys(&self) -> &[Key] {
        match self {
            Self::Known { keys, .. } => keys,
            Self::Forgotten | Self::Withheld(_) => &[],
        }
    }

    /// The values as a JSON array, if they are known.
    pub(crate) fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Known { text, .. } => Some(text),
            Self::Forgotten | Self::Withheld(_) => None,
        }
    }
}

fn ownership(keys: &[Key]) -> Option<Ownership> {
    let subjects = keys.iter().map(|key| key.scope().subject.clone());
    Some(Ownership::new(subjects, keys.first()?.scope().purpose.clone()))
}

impl Values {
    /// Runs `read` so that markers read as what is left of their values.
    pub(crate) fn typed<T>(&self, read: impl FnOnce() -> T) -> T {
        let parts: Rc<[Part]> = self.parts.iter().map(|part| Part::clone(part)).collect();
        scope::opening(self.tag, &parts, read)
    }

    /// Puts what is left of each value where its marker stands.
    pub(crate) fn fill(&self, value: &mut Value) -> Result<()> {
        match value {
            Value::Array(values) => values.iter_mut().try_for_each(|value| self.fill(value)),
            Value::Object(fields) => fields.values_mut().try_for_each(|value| self.fill(value)),
            Value::String(text) => {
                if let Some(marker) = self.tag.read(text) {
                    *value = self.resolve(marker)?;
                }
                Ok(())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn resolve(&self, marker: Marker<'_>) -> Result<Value> {
        let (reading, null) = match marker {
            Marker::Forgotten { null } => (Reading::Forgotten, null),
            Marker::Value { part, index, null, .. } => {
                let part = self.parts.get(usize::from(part)).ok_or("a marker names no part");
                let reading = part.and_then(|part| part.value::<Value>(index));
                (reading.map_err(|text| Error::new(ErrorKind::Corrupt, "read", text))?, null)
            }
        };
        match (reading, null) {
            (Reading::Known((value, _)), _) => Ok(value),
            (Reading::Forgotten | Reading::Withheld(_), None) => Ok(Value::Null),
            (Reading::Forgotten | Reading::Withheld(_), Some(null)) => serde_json::from_str(null)
                .map_err(|e| Error::json(ErrorKind::Corrupt, "read", "a null value", &e)),
        }
    }

    /// The purposes of the forgotten values whose markers stand in `value`.
    pub(crate) fn gone(&self, value: &Value, gone: &mut BTreeSet<Purpose>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.gone(value, gone)),
            Value::Object(fields) => fields.values().for_each(|value| self.gone(value, gone)),
            Value::String(text) => {
                let Some(Marker::Value { part, purpose: Some(purpose), .. }) = self.tag.read(text) else {
                    return;
                };
                if matches!(self.parts.get(usize::from(part)).map(|part| &**part), Some(Part::Forgotten)) {
                    gone.extend(Purpose::new(purpose));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
