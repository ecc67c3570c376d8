//! The slots: half of every key's wrapping, where it can be overwritten in place.
//!
//! The file is a header of one page, then 32 bytes a key. The header's stamp is drawn
//! anew when a key was destroyed or a fence set, so that every process on the machine
//! sees at the cost of one read of eight bytes that its cache is stale.

use std::fs::File;
use std::path::Path;

use oubliette_core::{Error, ErrorKind, Result, VaultId};
use zeroize::Zeroizing;

use crate::error::{corrupt, io, refused};
use crate::files::{owner_only, read_at, write_at};
use crate::sealing::{Secret, fill};

const MAGIC: &[u8; 16] = b"oubliette slots1";
/// A page of its own, so that the stamp is never written together with a slot.
const HEADER: u64 = 4096;
const VAULT_AT: u64 = 16;
const STAMP_AT: u64 = 64;
const SLOT: u64 = 32;

#[derive(Debug)]
pub(crate) struct Slots(File);

impl Slots {
    /// Makes the file of a new vault. Of two that try, one gets `Invalid`.
    pub(crate) fn create(path: &Path, vault: VaultId) -> Result<Self> {
        let file = owner_only().create_new(true).open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::new(
                ErrorKind::Invalid,
                "create",
                "there is a slots file: if its vault.db is lost, restore it; if a creation was cut short, \
                 take the slots file away first",
            ),
            _ => io("create")(error),
        })?;
        file.set_len(HEADER).map_err(io("create"))?;
        write_at(&file, &[MAGIC.as_slice(), vault.as_bytes()].concat(), 0).map_err(io("create"))?;
        file.sync_all().map_err(io("create"))?;
        let slots = Self(file);
        slots.renew_stamp()?;
        Ok(slots)
    }

    /// Opens the file of a vault that has handed out `count` slots.
    pub(crate) fn open(path: &Path, vault: VaultId, count: i64) -> Result<Self> {
        let file = owner_only().open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => corrupt(
                "open",
                "the slots file is missing, and without it no key opens: restore the vault from its backup",
            ),
            _ => io("open")(error),
        })?;
        let length = file.metadata().map_err(io("open"))?.len();
        let expected = offset("open", count)?;
        if length < expected {
            return Err(corrupt("open", "the slots file is cut short: restore the vault from its backup")
                .with("bytes", length)
                .with("expected", expected));
        }
        let (mut magic, mut id) = ([0; MAGIC.len()], [0; 16]);
        read_at(&file, &mut magic, 0).map_err(io("open"))?;
        read_at(&file, &mut id, VAULT_AT).map_err(io("open"))?;
        if magic != *MAGIC {
            return Err(corrupt("open", "the slots file is damaged: restore the vault from its backup"));
        }
        if id != *vault.as_bytes() {
            return Err(corrupt(
                "open",
                "the slots file is that of another vault: restore both from one backup",
            )
            .with("slots_of", VaultId::from_bytes(id))
            .with("vault", vault));
        }
        Ok(Self(file))
    }

    /// What a slot holds; `None` once it is destroyed.
    pub(crate) fn read(&self, slot: i64) -> Result<Option<Secret>> {
        let mut secret = Secret::default();
        read_at(&self.0, &mut secret[..], offset("unwrap", slot)?).map_err(io("unwrap"))?;
        Ok(secret.iter().any(|byte| *byte != 0).then_some(secret))
    }

    /// The file as far as `count` slots go, with zeros for those that are `doomed`.
    pub(crate) fn copy(&self, count: i64, doomed: &[i64]) -> Result<Zeroizing<Vec<u8>>> {
        let length = |slot| usize::try_from(offset("backup", slot)?).map_err(refused("backup"));
        let mut bytes = Zeroizing::new(vec![0; length(count)?]);
        read_at(&self.0, &mut bytes, 0).map_err(io("backup"))?;
        for slot in doomed {
            let at = length(*slot)?;
            if let Some(slot) = bytes.get_mut(at..at + SLOT as usize) {
                slot.fill(0);
            }
        }
        Ok(bytes)
    }

    /// Fills slots from `first` on. They are on the disk when this returns.
    pub(crate) fn write(&self, first: i64, secrets: &[Secret]) -> Result<()> {
        // Of its full size from the start: a vector that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(secrets.len() * SLOT as usize));
        secrets.iter().for_each(|secret| bytes.extend_from_slice(&secret[..]));
        write_at(&self.0, &bytes, offset("mint", first)?).map_err(io("mint"))?;
        self.0.sync_data().map_err(io("mint"))
    }

    /// Overwrites slots with zeros. They are on the disk when this returns.
    pub(crate) fn destroy(&self, slots: &[i64]) -> Result<()> {
        for slot in slots {
            write_at(&self.0, &[0; SLOT as usize], offset("destroy", *slot)?).map_err(io("destroy"))?;
        }
        self.0.sync_data().map_err(io("destroy"))
    }

    /// Random, and another one after each destruction and each fence.
    pub(crate) fn stamp(&self) -> Result<u64> {
        let mut stamp = [0; 8];
        read_at(&self.0, &mut stamp, STAMP_AT).map_err(io("vault"))?;
        Ok(u64::from_ne_bytes(stamp))
    }

    /// Tells every process that what it has cached may be stale.
    ///
    /// It need not reach the disk: a power failure takes the caches, too. It is random
    /// and not counted, since two processes that count at once come to the same number.
    pub(crate) fn renew_stamp(&self) -> Result<()> {
        let mut stamp = [0; 8];
        fill(&mut stamp)?;
        write_at(&self.0, &stamp, STAMP_AT).map_err(io("vault"))
    }
}

fn offset(op: &'static str, slot: i64) -> Result<u64> {
    let slot = u64::try_from(slot).map_err(|_| corrupt(op, "vault.db names a slot below zero"))?;
    Ok(HEADER + slot * SLOT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_zeros_for_what_is_doomed_and_the_file_has_not() {
        let directory = tempfile::tempdir().unwrap();
        let slots = Slots::create(&directory.path().join("slots"), VaultId::from_bytes([1; 16])).unwrap();
        let secrets: Vec<Secret> = (1..=4).map(|n| Secret::new([n; 32])).collect();
        slots.write(0, &secrets).unwrap();
        let copy = slots.copy(3, &[1]).unwrap();
        let (header, copied) = copy.split_at(HEADER as usize);
        assert!(header.starts_with(MAGIC));
        assert_eq!(copied, [[1; 32], [0; 32], [3; 32]].as_flattened());
        assert_eq!(slots.read(1).unwrap(), Some(Secret::new([2; 32])));
        assert!(slots.copy(5, &[]).is_err(), "fewer slots than rows");
    }
}
