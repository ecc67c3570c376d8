//! Time as the records have it, in microseconds.

use jiff::Timestamp;
use oubliette_core::Result;

use crate::error::corrupt;

pub(crate) fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

pub(crate) fn time(microseconds: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(microseconds).map_err(|_| {
        corrupt("vault", "a time in the vault is out of range: restore the vault from its backup")
    })
}
