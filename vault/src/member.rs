//! What lies in a bucket, and the name of the record that lists it there.

use oubliette_core::{KeyId, Result, SubjectId};

use crate::error::corrupt;
use crate::records::{Kind, Place};

/// What lies in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Key(KeyId),
    Text(SubjectId),
}

impl Member {
    pub(crate) fn place(&self, bucket: u64) -> Place {
        let (tag, name) = match self {
            Self::Key(id) => (0, id.as_bytes().as_slice()),
            Self::Text(pseudonym) => (1, pseudonym.as_str().as_bytes()),
        };
        Place::new(Kind::Member, [&bucket.to_be_bytes(), &[tag][..], name].concat())
    }

    /// From the name that [`Member::place`] gave it.
    pub(crate) fn of(name: &[u8]) -> Result<Self> {
        let damaged = || corrupt("roll", "the list of a bucket is damaged: restore the vault");
        match name.get(8..).and_then(<[u8]>::split_first) {
            Some((0, id)) => Ok(Self::Key(KeyId::try_from(id)?)),
            Some((1, name)) => {
                let name = std::str::from_utf8(name).map_err(|_| damaged())?;
                Ok(Self::Text(SubjectId::new(name).map_err(|_| damaged())?))
            }
            _ => Err(damaged()),
        }
    }
}
