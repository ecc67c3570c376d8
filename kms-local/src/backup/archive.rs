//! What is inside the encryption: a tar archive that begins with a manifest.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, Write};
use std::path::Path;

use aws_lc_rs::digest;
use jiff::Timestamp;
use oubliette_core::ledger::{Hash, Head};
use oubliette_core::{Error, ErrorKind, Result, Sequence, VaultId};
use oubliette_vault::files::{owner_only, system_error as io};
use serde::{Deserialize, Serialize};

use super::note::BackupNote;
use super::snapshot::Snapshot;
use crate::error::{corrupt, refused, unpacking};
use crate::master::MASTER_KEY_FILE;
use crate::settings::{SETTINGS, format_of};
use crate::vault::{DATABASE, SLOTS};

const FORMAT: u32 = 2;
const MANIFEST: &str = "manifest.json";
/// More than this is no manifest.
const MANIFEST_MAX: u64 = 64 * 1024;
/// What a backup holds, in this order; the slots where it holds roots, and the last where the master
/// key is a file.
const FILES: [&str; 4] = [SETTINGS, DATABASE, SLOTS, MASTER_KEY_FILE];

/// What a backup says about itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: u32,
    pub(super) vault: VaultId,
    created_at: Timestamp,
    erasures: Sequence,
    pub(super) anchor: Option<Head>,
    files: Vec<Content>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    name: String,
    bytes: u64,
    sha256: Hash,
}

impl Manifest {
    pub(super) fn taken(&self) -> BackupNote {
        BackupNote { at: self.created_at, erasures: self.erasures }
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let format = format_of(bytes).ok_or_else(no_backup)?;
        if format > FORMAT {
            return Err(Error::new(
                ErrorKind::NewerFormat,
                "restore",
                "a newer release wrote this backup: restore it with that release",
            )
            .with("format", format));
        }
        if format < FORMAT {
            return Err(Error::new(
                ErrorKind::Invalid,
                "restore",
                "this backup is in a format from before the first release, which is not read any more",
            )
            .with("format", format));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|_| no_backup())?;
        let known = FILES.into_iter().filter(|name| manifest.holds(name));
        let listed = manifest.files.iter().map(|file| file.name.as_str());
        match known.eq(listed) && manifest.holds(SETTINGS) && manifest.holds(DATABASE) {
            true => Ok(manifest),
            false => Err(no_backup()),
        }
    }
}

/// Writes a snapshot, and the master key where it is a file.
pub(super) fn write<W: Write>(
    snapshot: &Snapshot,
    master: Option<&[u8]>,
    output: W,
) -> Result<(Manifest, W)> {
    let mut sources: Vec<(&str, Box<dyn Source + '_>)> = vec![
        (SETTINGS, Box::new(Cursor::new(snapshot.settings.as_slice()))),
        (DATABASE, Box::new(snapshot.database.open()?)),
    ];
    for (name, secret) in
        [(SLOTS, snapshot.slots.as_ref().map(|slots| slots.as_slice())), (MASTER_KEY_FILE, master)]
    {
        sources.extend(secret.map(|bytes| (name, Box::new(Cursor::new(bytes)) as Box<dyn Source>)));
    }
    let files = sources.iter_mut().map(|(name, source)| measure(name, source));
    let manifest = Manifest {
        format: FORMAT,
        vault: snapshot.vault,
        created_at: snapshot.taken.at,
        erasures: snapshot.taken.erasures,
        anchor: snapshot.anchor,
        files: files.collect::<io::Result<_>>().map_err(io_error)?,
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(refused("backup"))?;
    let mut archive = tar::Builder::new(output);
    let mut append = |name: &str, bytes: u64, source: &mut dyn Read| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(manifest.created_at.as_second().unsigned_abs());
        archive.append_data(&mut header, name, source)
    };
    append(MANIFEST, text.len() as u64, &mut text.as_slice()).map_err(io_error)?;
    for (file, (_, source)) in manifest.files.iter().zip(&mut sources) {
        append(&file.name, file.bytes, source).map_err(io_error)?;
    }
    let output = archive.into_inner().map_err(io_error)?;
    Ok((manifest, output))
}

/// Reads an archive to its very end, and writes its files into a directory.
pub(super) fn unpack(input: impl Read, into: &Path) -> Result<Manifest> {
    let mut archive = tar::Archive::new(input);
    let mut entries = archive.entries().map_err(unpacking)?;
    let mut next = |name: &str| -> Result<_> {
        let entry = entries.next().ok_or_else(no_backup)?.map_err(unpacking)?;
        match *entry.path_bytes() == *name.as_bytes() {
            true => Ok(entry),
            false => Err(no_backup()),
        }
    };
    let mut text = Vec::new();
    next(MANIFEST)?.take(MANIFEST_MAX).read_to_end(&mut text).map_err(unpacking)?;
    let manifest = Manifest::parse(&text)?;
    for expected in &manifest.files {
        let mut source = Hashing::new(next(&expected.name)?);
        let mut file =
            owner_only().create_new(true).open(into.join(&expected.name)).map_err(io("restore"))?;
        let bytes = copy(&mut source, &mut file)?;
        if bytes != expected.bytes || source.finish() != expected.sha256 {
            return Err(no_backup().with("file", &expected.name));
        }
        file.sync_all().map_err(io("restore"))?;
    }
    if entries.next().is_some() {
        return Err(no_backup());
    }
    // Only at its end is it certain that nothing was cut off.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(unpacking)?;
    Ok(manifest)
}

/// Copies, and tells a damaged source from a full disk.
fn copy(source: &mut impl Read, file: &mut File) -> Result<u64> {
    let mut buffer = zeroize::Zeroizing::new(vec![0; 64 * 1024]);
    let mut copied = 0;
    loop {
        let read = source.read(&mut buffer).map_err(unpacking)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(copied) };
        file.write_all(bytes).map_err(io("restore"))?;
        copied += read as u64;
    }
}

trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// The length and the hash of what is to be read again.
fn measure(name: &str, source: &mut impl Source) -> io::Result<Content> {
    let mut hashing = Hashing::new(&mut *source);
    let bytes = io::copy(&mut hashing, &mut io::sink())?;
    let sha256 = hashing.finish();
    source.rewind()?;
    Ok(Content { name: name.to_owned(), bytes, sha256 })
}

struct Hashing<R>(R, digest::Context);

impl<R: Read> Hashing<R> {
    fn new(source: R) -> Self {
        Self(source, digest::Context::new(&digest::SHA256))
    }

    fn finish(self) -> Hash {
        Hash(self.1.finish().as_ref().try_into().unwrap_or_default())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(bytes)?;
        self.1.update(bytes.get(..read).unwrap_or_default());
        Ok(read)
    }
}

fn io_error(error: io::Error) -> Error {
    io("backup")(error)
}

fn no_backup() -> Error {
    corrupt("restore", "this is no backup of a vault, or it is damaged: take another")
}
