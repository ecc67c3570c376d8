//! Roots in a file of slots, which are overwritten in place.
//!
//! A root is derived from the master key and from 32 random bytes in a slot. Once the slot is
//! zeros on the disk nobody derives it again. The file is never renamed and never copied over:
//! what is written anew elsewhere leaves the old bytes where they were.

mod file;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::{Error, ErrorKind, Result, VaultId};
use zeroize::Zeroizing;

use self::file::{Found, SlotFile};
use crate::files::blocking;
use crate::roots::{Blob, Destruction, Epoch, Opened, RootHolder, RootState};
use crate::sealing::{Secret, derive, open, seal};

/// [`RootHolder`] in a file of this machine, and in copies of it on other disks.
///
/// Each root is in all of them before it is used, one of them suffices to open it, and it is
/// destroyed once it is zeros in all of them. What keeps older blocks below a file keeps roots,
/// too: a copy-on-write file system, snapshots of a volume, the wear levelling of flash.
/// Encrypt the volume there.
#[derive(Clone)]
pub struct SlotRoots {
    inner: Arc<Inner>,
    apart: bool,
}

struct Inner {
    vault: VaultId,
    master: Secret,
    files: Vec<SlotFile>,
}

const PROOF: &[u8; 32] = b"this is the key of these slots..";

impl SlotRoots {
    /// Makes the files of a new vault.
    ///
    /// # Errors
    /// `Invalid` when one is there; what the operating system reports.
    pub async fn create(
        files: impl IntoIterator<Item = impl AsRef<Path>>,
        vault: VaultId,
        master: Secret,
    ) -> Result<Self> {
        let files = paths(files);
        let proof = seal(&proving(vault, &master)?, vault.as_bytes(), PROOF)?;
        let files = blocking(move || {
            let mut made = Vec::new();
            for path in files {
                match SlotFile::create(path, vault, &proof) {
                    Ok(file) => made.push(file),
                    Err(error) => {
                        // All or none, so that the same call can be made again.
                        made.iter().for_each(SlotFile::abandon);
                        return Err(error);
                    }
                }
            }
            Ok(made)
        });
        Ok(Self { inner: Arc::new(Inner { vault, master, files: files.await? }), apart: false })
    }

    /// Opens files that are there: at least one.
    ///
    /// # Errors
    /// `WrongVault` when the master key is another one, or the files are not of one vault;
    /// `Corrupt` when all are damaged, cut short or missing.
    pub async fn open(files: impl IntoIterator<Item = impl AsRef<Path>>, master: Secret) -> Result<Self> {
        let files: Vec<SlotFile> = paths(files).into_iter().map(SlotFile::at).collect();
        let (files, headers) = blocking(move || {
            let headers: Vec<_> = files.iter().map(SlotFile::header).collect();
            Ok((files, headers))
        })
        .await?;
        let mut opened = None;
        let mut fault = None;
        for header in headers {
            match header {
                Ok((vault, proof)) => {
                    if opened.is_some_and(|other| other != vault) {
                        return Err(wrong("the files of roots are of two vaults: give copies of one"));
                    }
                    match open(&proving(vault, &master)?, vault.as_bytes(), &proof)? {
                        Some(plain) if plain.as_slice() == PROOF => opened = Some(vault),
                        _ => return Err(wrong(
                            "this is not the master key of this vault: give the one that it was created with",
                        )
                        .with("vault", vault)),
                    }
                }
                Err(error) => fault = Some(error),
            }
        }
        match (opened, fault) {
            (Some(vault), _) => Ok(Self { inner: Arc::new(Inner { vault, master, files }), apart: false }),
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::new(ErrorKind::Invalid, "open", "no file of roots was named")),
        }
    }

    /// Says that no backup holds these files: then a root that is destroyed here is gone.
    #[must_use]
    pub fn not_in_backups(self) -> Self {
        Self { apart: true, ..self }
    }

    /// The vault whose roots they are.
    pub fn vault(&self) -> VaultId {
        self.inner.vault
    }

    /// The epochs whose roots are in any of the files.
    ///
    /// # Errors
    /// `Corrupt` when a file is damaged; `Unavailable` when one is missing.
    pub async fn live(&self) -> Result<Vec<Epoch>> {
        let inner = self.inner.clone();
        blocking(move || {
            let all: Result<Vec<Vec<Epoch>>> = inner.files.iter().map(SlotFile::live).collect();
            Ok(all?.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect())
        })
        .await
    }

    /// The name of the vault whose roots are in a file: readable by anybody.
    ///
    /// # Errors
    /// `Corrupt` when the file is damaged, cut short or missing.
    pub async fn name_in(file: impl AsRef<Path>) -> Result<VaultId> {
        let file = SlotFile::at(file.as_ref().to_owned());
        blocking(move || Ok(file.header()?.0)).await
    }

    /// A file of these roots that holds the root of one epoch and no other, for a backup. It is as
    /// secret as the files are, and destroys nothing there.
    ///
    /// # Errors
    /// `Corrupt` when none of the files holds that root.
    pub async fn copied(&self, epoch: Epoch) -> Result<Zeroizing<Vec<u8>>> {
        let inner = self.inner.clone();
        blocking(move || {
            let mut copies = inner.files.iter().map(|file| file.copied(epoch));
            let first = copies.next().unwrap_or_else(|| Err(file::rootless(epoch)));
            first.or_else(|error| copies.find_map(Result::ok).ok_or(error))
        })
        .await
    }

    async fn find(&self, vault: VaultId, epoch: Epoch) -> Result<Found> {
        self.inner.check(vault)?;
        let inner = self.inner.clone();
        blocking(move || {
            let mut best = None;
            for file in &inner.files {
                match (file.find(epoch), &best) {
                    (Ok(Found::Slot(secret)), _) => return Ok(Found::Slot(secret)),
                    (found @ (Ok(_) | Err(_)), None | Some(Err(_))) => best = Some(found),
                    (Ok(Found::Destroyed), Some(Ok(Found::Absent))) => best = Some(Ok(Found::Destroyed)),
                    (Ok(_) | Err(_), Some(Ok(_))) => {}
                }
            }
            best.unwrap_or(Ok(Found::Absent))
        })
        .await
    }
}

impl Inner {
    fn check(&self, vault: VaultId) -> Result<()> {
        match vault == self.vault {
            true => Ok(()),
            false => Err(wrong("the file of roots is that of another vault: give the one that belongs here")
                .with("roots_of", self.vault)
                .with("vault", vault)),
        }
    }
}

#[async_trait]
impl RootHolder for SlotRoots {
    fn gone_within(&self) -> Option<Duration> {
        self.apart.then_some(Duration::ZERO)
    }

    async fn create(&self, vault: VaultId, epoch: Epoch) -> Result<Blob> {
        self.inner.check(vault)?;
        let inner = self.inner.clone();
        blocking(move || {
            let drawn = Secret::draw()?;
            // Of two that make the same at once, the first decides.
            let mut secret = None;
            for file in &inner.files {
                secret = Some(file.put(epoch, secret.as_ref().unwrap_or(&drawn))?);
            }
            Ok(Blob::default())
        })
        .await
    }

    async fn open(&self, vault: VaultId, epoch: Epoch, _: &Blob) -> Result<Opened> {
        Ok(match self.find(vault, epoch).await? {
            Found::Slot(slot) => {
                let info: [&[u8]; 3] = [b"oubliette/1 root", vault.as_bytes(), &epoch.0.to_be_bytes()];
                Opened::Root(derive(slot.bytes(), &self.inner.master, &info)?)
            }
            Found::Destroyed => Opened::Destroyed,
            Found::Absent => Opened::Absent,
        })
    }

    async fn destroy(&self, vault: VaultId, epoch: Epoch, _: &Blob) -> Result<Destruction> {
        self.inner.check(vault)?;
        let inner = self.inner.clone();
        blocking(move || {
            // All are tried, also when one fails.
            let done: Vec<Result<()>> = inner.files.iter().map(|file| file.destroy(epoch)).collect();
            done.into_iter().collect::<Result<Vec<()>>>()?;
            Ok(Destruction::Done)
        })
        .await
    }

    async fn state(&self, vault: VaultId, epoch: Epoch, _: &Blob) -> Result<RootState> {
        Ok(match self.find(vault, epoch).await? {
            Found::Slot(_) => RootState::Live,
            Found::Destroyed => RootState::Destroyed,
            Found::Absent => RootState::Absent,
        })
    }
}

impl fmt::Debug for SlotRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotRoots(of {}, {} files)", self.inner.vault, self.inner.files.len())
    }
}

fn proving(vault: VaultId, master: &Secret) -> Result<Secret> {
    derive(vault.as_bytes(), master, &[b"oubliette/1 proof"])
}

fn paths(files: impl IntoIterator<Item = impl AsRef<Path>>) -> Vec<PathBuf> {
    files.into_iter().map(|path| path.as_ref().to_owned()).collect()
}

fn wrong(text: &'static str) -> Error {
    Error::new(ErrorKind::WrongVault, "open", text)
}
