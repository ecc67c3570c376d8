//! What is wrapped under a root: bucket keys, and where the vault's own secrets stand.

use serde::{Deserialize, Serialize};

use super::Record;
use crate::records::{Kind, Place};
use crate::roots::Epoch;

/// How many bucket keys a page holds.
pub(crate) const PAGE: usize = 64;

/// Bucket keys of an epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Page(pub(crate) Vec<WrappedBucket>);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WrappedBucket {
    pub(crate) bucket: u64,
    pub(crate) wrapped: Vec<u8>,
}

impl Record for Page {
    type Id = (Epoch, u32);
    const KIND: Kind = Kind::Ring;

    fn name((epoch, page): &(Epoch, u32)) -> Vec<u8> {
        [epoch.0.to_be_bytes().as_slice(), &page.to_be_bytes()].concat()
    }
}

/// Where the vault's own secrets stand, wrapped under the root of an epoch. What authenticates
/// records is among them, and so this one stands on its own sealing.
pub(crate) fn secrets_place(epoch: Epoch) -> Place {
    Place::new(Kind::Secrets, epoch.0.to_be_bytes())
}
