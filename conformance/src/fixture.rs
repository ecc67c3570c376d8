//! What a backend author hands to the suite.

use std::fmt;
use std::fs;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// One empty store, and the ways to open it.
///
/// `Part` is the trait that the backend implements, as `dyn EventLog`.
pub trait Fixture<Part: ?Sized>: Send + Sync + Sized + 'static {
    /// A new, empty store.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// Opens the store. Opened again while it is open, it is a second instance on the
    /// same store; opened again after that, it is the store after a restart.
    fn open(&self) -> impl Future<Output = Arc<Part>> + Send;

    /// Every byte that the store has at rest, free pages, journals and all.
    fn residue(&self) -> impl Future<Output = Vec<Blob>> + Send;
}

/// Bytes at rest, and where they lie.
///
/// The suite damages a store where its bytes lie, to see what the store makes of that.
/// [`Blob::files`] can be damaged without more; bytes that lie elsewhere say by
/// [`Blob::written_by`] how, or are [`Blob::in_memory`], where nothing is at rest.
#[derive(Clone)]
pub struct Blob {
    /// Where they lie: a file, an object, a table.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
    pub(crate) medium: Medium,
    /// Whether no copy of the store holds them.
    pub(crate) never_copied: bool,
}

/// What the bytes lie on.
#[derive(Clone)]
pub(crate) enum Medium {
    /// Nobody said. A store of such bytes alone fails the cases that damage it.
    Untold,
    /// They are gone with the process.
    Memory,
    /// Puts other bytes in their place, or none.
    Writable(Arc<Write>),
}

type Write = dyn Fn(Option<&[u8]>) + Send + Sync;

impl Blob {
    /// Bytes and where they lie.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), medium: Medium::Untold, never_copied: false }
    }

    /// What a part holds in memory alone, and would lose with its process.
    pub fn in_memory(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { medium: Medium::Memory, ..Self::new(name, bytes) }
    }

    /// Says how other bytes are put in the place of these, or none at all, by whoever
    /// damages the store behind its back.
    #[must_use]
    pub fn written_by(mut self, write: impl Fn(Option<&[u8]>) + Send + Sync + 'static) -> Self {
        self.medium = Medium::Writable(Arc::new(write));
        self
    }

    /// Says that no copy of the store holds these bytes: the roots of a vault, which no backup has.
    ///
    /// A vault that promises level C must open nothing of an erased person when whatever else it
    /// has at rest is put back as it was before.
    #[must_use]
    pub fn never_copied(mut self) -> Self {
        self.never_copied = true;
        self
    }

    pub(crate) fn write(&self, bytes: Option<&[u8]>) {
        if let Medium::Writable(write) = &self.medium {
            write(bytes);
        }
    }

    /// Every file under a folder.
    ///
    /// # Panics
    /// When one cannot be read: a scan that misses a file proves nothing.
    pub fn files(folder: &Path) -> Vec<Self> {
        let entries = fs::read_dir(folder).expect("a folder of the store can be listed");
        let paths = entries.map(|entry| entry.expect("a folder of the store can be listed").path());
        let blobs = paths.flat_map(|path| match path.is_dir() {
            true => Self::files(&path),
            false => {
                let bytes = match fs::read(&path) {
                    // A journal that was listed a moment ago may be gone: it is not at rest.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
                    read => read.expect("a file of the store can be read"),
                };
                vec![Self::new(path.display().to_string(), bytes).written_by(move |bytes| {
                    replace(&path, bytes).expect("a file of the store can be replaced");
                })]
            }
        });
        blobs.collect()
    }
}

/// Puts another file in the place of one, or none.
///
/// Whoever is still about to let go of the old one keeps that: a file that is mapped into
/// memory is not cut off under them.
fn replace(path: &Path, bytes: Option<&[u8]>) -> io::Result<()> {
    let Some(bytes) = bytes else {
        return match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
    };
    let beside = path.with_added_extension("damaged");
    fs::write(&beside, bytes)?;
    if let Ok(before) = fs::metadata(path) {
        fs::set_permissions(&beside, before.permissions())?;
    }
    fs::rename(&beside, path)
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({}, {} bytes)", self.name, self.bytes.len())
    }
}

/// Where `needle` stands in the blobs, raw or in hex, if anywhere.
pub(crate) fn found<'a>(blobs: &'a [Blob], needle: &[u8]) -> Option<&'a str> {
    let forms = [needle.to_vec(), hex::encode(needle).into_bytes(), hex::encode_upper(needle).into_bytes()];
    let holds = |blob: &&Blob| forms.iter().any(|form| memchr::memmem::find(&blob.bytes, form).is_some());
    blobs.iter().find(holds).map(|blob| blob.name.as_str())
}

/// Where a text stands in the blobs: as it is, in lower case, or in UTF-16, if anywhere.
pub(crate) fn found_text<'a>(blobs: &'a [Blob], text: &str) -> Option<&'a str> {
    let wide = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let forms = [text.as_bytes().to_vec(), text.to_lowercase().into_bytes(), wide];
    forms.iter().find_map(|form| found(blobs, form))
}
