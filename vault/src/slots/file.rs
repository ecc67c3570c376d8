//! A file of slots: where what stands in it.
//!
//! | at | what |
//! |---|---|
//! | 0 | 16 bytes that say what it is, the vault's id, the proof of the master key, their sum |
//! | 512 | the last epoch that ever had a root here, and its sum |
//! | 4096 × n | slot n, from 1 to 8: epoch, 32 random bytes, their sum; zeros when it is free |
//!
//! A page of its own for each slot: to write one touches no other.

use std::fs::File;
use std::path::PathBuf;

use oubliette_core::{Error, ErrorKind, Result, VaultId};
use zeroize::Zeroizing;

use crate::error::{corrupt, io};
use crate::files::{folder, owner_only, read_at, sync_directory, write_at};
use crate::roots::Epoch;
use crate::sealing::{Secret, sum};

const MAGIC: &[u8; 16] = b"oubliette roots1";
const PAGE: usize = 4096;
const SLOTS: usize = 8;
const LENGTH: usize = PAGE * (1 + SLOTS);
const PROOF: usize = 60;
const HEADER: usize = 16 + 16 + PROOF;
const LAST_AT: usize = 512;
const SUM: usize = 16;

pub(super) struct SlotFile(PathBuf);

/// What became of the root of an epoch.
pub(super) enum Found {
    Slot(Secret),
    Destroyed,
    Absent,
}

/// The file as it was read.
struct Content {
    bytes: Zeroizing<Vec<u8>>,
}

impl SlotFile {
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Makes the file of a new vault. Of two that try, one gets `Invalid`.
    pub(super) fn create(path: PathBuf, vault: VaultId, proof: &[u8]) -> Result<Self> {
        let file = owner_only().create_new(true).open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::new(
                ErrorKind::Invalid,
                "create",
                "there is a file of roots: if its records are lost, restore them; if a creation was cut short, \
                 take the file away first",
            )
            .with("path", path.display()),
            _ => io("create")(error),
        })?;
        let mut bytes = vec![0; LENGTH];
        let header = [MAGIC.as_slice(), vault.as_bytes(), proof].concat();
        put(&mut bytes, 0, &[header.as_slice(), &sum(&header)].concat());
        put(&mut bytes, LAST_AT, &numbered(Epoch::default()));
        write_at(&file, &bytes, 0)
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_directory(folder(&path)))
            .map_err(io("create"))?;
        Ok(Self(path))
    }

    /// Takes away a file that was just made, and holds no root yet.
    pub(super) fn abandon(&self) {
        // What stays says at the next try that it is there.
        let _ = std::fs::remove_file(&self.0);
    }

    /// The vault, and the proof of its master key.
    pub(super) fn header(&self) -> Result<(VaultId, Vec<u8>)> {
        self.locked("open", |_, content| {
            let (vault, proof) = content.header()?;
            Ok((vault, proof.to_vec()))
        })
    }

    pub(super) fn live(&self) -> Result<Vec<Epoch>> {
        self.locked("vault", |_, content| Ok(content.slots().map(|(_, epoch, _)| epoch).collect()))
    }

    pub(super) fn find(&self, epoch: Epoch) -> Result<Found> {
        self.locked("open", |_, content| {
            if let Some((_, _, secret)) = content.slots().find(|(_, here, _)| *here == epoch) {
                return Ok(Found::Slot(secret));
            }
            // It may be the one that is damaged.
            content.refuse_damaged()?;
            Ok(if epoch <= content.last()? { Found::Destroyed } else { Found::Absent })
        })
    }

    /// The file as it would be if it held the root of one epoch alone.
    pub(super) fn copied(&self, epoch: Epoch) -> Result<Zeroizing<Vec<u8>>> {
        self.locked("backup", |_, content| {
            let found = content.slots().find(|(_, here, _)| *here == epoch);
            let (slot, _, _) = found.ok_or_else(|| rootless(epoch))?;
            let mut copy = Zeroizing::new(vec![0; LENGTH]);
            for page in [0, slot] {
                put(&mut copy, page * PAGE, content.page(page));
            }
            put(&mut copy, LAST_AT, &numbered(content.last()?));
            Ok(copy)
        })
    }

    /// Puts the secret of an epoch into a free slot, unless it has one, and gives that.
    pub(super) fn put(&self, epoch: Epoch, secret: &Secret) -> Result<Secret> {
        self.locked("create", |file, content| {
            if let Some((_, _, secret)) = content.slots().find(|(_, here, _)| *here == epoch) {
                return Ok(secret);
            }
            if epoch <= content.last()? {
                return Err(corrupt("create", "this epoch had a root that was destroyed: it gets no other"));
            }
            let free = (1..=SLOTS).find(|slot| content.is_free(*slot)).ok_or_else(|| {
                corrupt("create", "no slot is free: the file of roots is damaged, restore it from its copy")
            })?;
            let body = Zeroizing::new([epoch.0.to_be_bytes().as_slice(), secret.bytes()].concat());
            let slot = Zeroizing::new([body.as_slice(), &sum(&body)].concat());
            write_at(file, &slot, (free * PAGE) as u64)
                .and_then(|()| write_at(file, &numbered(epoch), LAST_AT as u64))
                .and_then(|()| file.sync_data())
                .map_err(io("create"))?;
            Secret::of(secret.bytes()).ok_or_else(damaged)
        })
    }

    /// Overwrites the slot of an epoch with zeros. They are on the disk when this returns.
    pub(super) fn destroy(&self, epoch: Epoch) -> Result<()> {
        self.locked("destroy", |file, content| {
            let slots: Vec<usize> =
                content.slots().filter(|(_, here, _)| *here == epoch).map(|(slot, _, _)| slot).collect();
            if slots.is_empty() {
                content.refuse_damaged()?;
            }
            for slot in &slots {
                write_at(file, &[0; PAGE], (slot * PAGE) as u64).map_err(io("destroy"))?;
            }
            if epoch > content.last()? {
                write_at(file, &numbered(epoch), LAST_AT as u64).map_err(io("destroy"))?;
            }
            file.sync_data().map_err(io("destroy"))
        })
    }

    /// Reads the file while nobody writes it.
    fn locked<T>(&self, op: &'static str, work: impl FnOnce(&File, &Content) -> Result<T>) -> Result<T> {
        let file = owner_only().open(&self.0).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => corrupt(
                op,
                "a file of roots is missing, and without it no key opens: restore it from its copy",
            )
            .with("path", self.0.display()),
            _ => io(op)(error),
        })?;
        file.lock().map_err(io(op))?;
        let mut bytes = Zeroizing::new(vec![0; LENGTH]);
        read_at(&file, &mut bytes, 0).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => damaged().with("path", self.0.display()),
            _ => io(op)(error),
        })?;
        let content = Content { bytes };
        content.header()?;
        work(&file, &content)
    }
}

impl Content {
    fn header(&self) -> Result<(VaultId, &[u8])> {
        let (header, rest) = self.bytes.split_at_checked(HEADER).ok_or_else(damaged)?;
        let (magic, rest_of_header) = header.split_at_checked(16).ok_or_else(damaged)?;
        let (vault, proof) = rest_of_header.split_at_checked(16).ok_or_else(damaged)?;
        if magic != MAGIC || rest.get(..SUM) != Some(&sum(header)) {
            return Err(damaged());
        }
        Ok((VaultId::try_from(vault)?, proof))
    }

    fn last(&self) -> Result<Epoch> {
        let told = self.bytes.get(LAST_AT..LAST_AT + 8 + SUM).ok_or_else(damaged)?;
        let number = told.first_chunk::<8>().ok_or_else(damaged)?;
        let last = Epoch(u64::from_be_bytes(*number));
        match told == numbered(last) {
            true => Ok(self.slots().map(|(_, epoch, _)| epoch).fold(last, Epoch::max)),
            false => Err(damaged()),
        }
    }

    /// The slots that are whole.
    fn slots(&self) -> impl Iterator<Item = (usize, Epoch, Secret)> {
        (1..=SLOTS).filter_map(|slot| {
            let (body, rest) = self.page(slot).split_at_checked(8 + 32)?;
            let (epoch, secret) = body.split_first_chunk::<8>()?;
            let whole = !self.is_free(slot) && rest.get(..SUM) == Some(&sum(body));
            whole.then_some(())?;
            Some((slot, Epoch(u64::from_be_bytes(*epoch)), Secret::of(secret)?))
        })
    }

    fn page(&self, slot: usize) -> &[u8] {
        self.bytes.get(slot * PAGE..(slot + 1) * PAGE).unwrap_or_default()
    }

    fn is_free(&self, slot: usize) -> bool {
        self.page(slot).iter().all(|byte| *byte == 0)
    }

    fn refuse_damaged(&self) -> Result<()> {
        let whole: Vec<usize> = self.slots().map(|(slot, _, _)| slot).collect();
        match (1..=SLOTS).all(|slot| self.is_free(slot) || whole.contains(&slot)) {
            true => Ok(()),
            false => Err(damaged()),
        }
    }
}

fn numbered(epoch: Epoch) -> Vec<u8> {
    let number = epoch.0.to_be_bytes();
    [number.as_slice(), &sum(&number)].concat()
}

fn put(bytes: &mut [u8], at: usize, part: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + part.len()) {
        place.copy_from_slice(part);
    }
}

pub(super) fn rootless(epoch: Epoch) -> Error {
    corrupt("backup", "no file of roots holds the root that counts: restore one from its copy")
        .with("epoch", epoch)
}

fn damaged() -> Error {
    corrupt("open", "a file of roots is damaged or cut short: restore it from its copy")
}
