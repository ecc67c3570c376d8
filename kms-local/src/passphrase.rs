//! From a passphrase to a master key: Argon2id.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{digest, rand};
use oubliette_core::ledger::Hash;
use oubliette_core::{Error, ErrorKind, Result};
use oubliette_vault::Secret;
use serde::{Deserialize, Serialize};

use crate::error::{corrupt, refused};

/// What one guess at a passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// How often the memory is gone over.
    pub passes: u32,
    /// How many lanes may be worked on side by side.
    pub lanes: u32,
}

impl Cost {
    /// The second choice that RFC 9106 recommends, for where memory is limited: 64 MiB,
    /// three passes, four lanes.
    pub const RECOMMENDED: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

    /// More than this is no cost that somebody chose, but damage.
    const MAX: Self = Self { memory_kib: 4 * 1024 * 1024, passes: 64, lanes: 64 };

    fn params(self) -> Option<Params> {
        let Self { memory_kib, passes, lanes } = self;
        let sane =
            memory_kib <= Self::MAX.memory_kib && passes <= Self::MAX.passes && lanes <= Self::MAX.lanes;
        Params::new(memory_kib, passes, lanes, Some(32)).ok().filter(|_| sane)
    }
}

/// How the passphrase of one vault is stretched. It is kept in the vault, readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stretch {
    #[serde(with = "hex::serde")]
    pub(crate) salt: [u8; 16],
    pub(crate) cost: Cost,
}

impl Stretch {
    pub(crate) fn new(cost: Cost) -> Result<Self> {
        if cost.params().is_none() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "create",
                "this cost is not one of Argon2id: at least one pass, one lane and 8 KiB a lane, at most 4 GiB, \
                 64 passes and 64 lanes",
            ));
        }
        let mut salt = [0; 16];
        rand::fill(&mut salt).map_err(refused("create"))?;
        Ok(Self { salt, cost })
    }

    /// Tells damage.
    pub(crate) fn sum(&self) -> Hash {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let cost = [memory_kib, passes, lanes].map(u32::to_be_bytes);
        let digest = digest::digest(&digest::SHA256, &[self.salt.as_slice(), cost.as_flattened()].concat());
        Hash(digest.as_ref().try_into().unwrap_or_default())
    }

    /// Takes as long and as much memory as the cost says.
    pub(crate) fn master(&self, passphrase: &str) -> Result<Secret> {
        if passphrase.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "master key", "the passphrase is empty: give one"));
        }
        let params = self.cost.params().ok_or_else(|| {
            corrupt("open", "the cost of the passphrase in vault.json is damaged: restore it from a backup")
        })?;
        let mut master = Secret::zeros();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &self.salt, master.bytes_mut())
            .map_err(refused("master key"))?;
        Ok(master)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 32, passes: 1, lanes: 4 };

    #[test]
    fn the_salt_and_the_cost_decide_the_key() {
        let stretch = Stretch::new(CHEAP).unwrap();
        let same = Stretch { ..stretch };
        let dearer = Stretch { cost: Cost { passes: 2, ..CHEAP }, ..stretch };
        let master = stretch.master("a long passphrase").unwrap();
        assert_eq!(master.bytes(), same.master("a long passphrase").unwrap().bytes());
        assert_ne!(master.bytes(), dearer.master("a long passphrase").unwrap().bytes());
        let salted_anew = Stretch::new(CHEAP).unwrap().master("a long passphrase").unwrap();
        assert_ne!(master.bytes(), salted_anew.bytes());
    }

    #[test]
    fn an_absurd_cost_is_refused() {
        for cost in
            [Cost { passes: 0, ..CHEAP }, Cost { memory_kib: u32::MAX, ..CHEAP }, Cost { lanes: 0, ..CHEAP }]
        {
            assert_eq!(Stretch::new(cost).unwrap_err().kind(), ErrorKind::Invalid);
        }
    }
}
