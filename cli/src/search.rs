//! Searching every byte of files, with a positive control, also inside compressed ones.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use memchr::memmem;
use oubliette::scan::{Form, Needles};
use serde_json::Value;

use crate::exit::{Exit, NOT_FOUND};

/// Shorter texts stand in other bytes by chance.
pub(crate) const MIN_BYTES: usize = 5;
/// What a zstd frame begins with (RFC 8878, section 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The most that one frame is opened to: what is larger is told, not passed over.
const MOST: u64 = 1 << 30;
/// How often a search begins anew because a file is no longer there.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Texts that must be found nowhere.
pub(crate) struct Search {
    needles: Needles,
    pub(crate) count: usize,
    pub(crate) passed_over: usize,
}

/// What a search found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Bytes inside compressed frames, beside those above.
    pub(crate) unpacked: u64,
    /// How often, by file and form.
    pub(crate) hits: BTreeMap<String, u64>,
}

impl Search {
    /// Looks for these texts. Those that are also names of fields stand in open parts for
    /// that reason, and are passed over; so are those too short to be told from chance.
    pub(crate) fn new<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        fields: &BTreeSet<String>,
    ) -> Result<Self, Exit> {
        let all: BTreeSet<&str> = texts.into_iter().collect();
        let (texts, passed): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|text| text.len() >= MIN_BYTES && !fields.contains(*text));
        Ok(Self { count: texts.len(), passed_over: passed.len(), needles: Needles::new(texts)? })
    }

    /// Searches files and folders.
    pub(crate) fn walk(&self, paths: &[PathBuf]) -> Result<Found, Exit> {
        walk(paths, &self.needles)
    }
}

/// The positive control: a text planted in every form, also compressed, is found in every
/// form, and not once it is taken away. Gives how many forms were found, and how many there
/// are, with it and without.
pub(crate) fn control(folder: &Path) -> Result<(usize, usize, usize), Exit> {
    const CANARY: &str = "Canary \"Zoë\" <canary@example.org>";
    let io = |error| Exit::failed("cannot plant the control", &error);
    let planted: Vec<u8> = Form::ALL
        .into_iter()
        .flat_map(|form| form.of(CANARY))
        .flat_map(|bytes| [bytes, vec![0]].concat())
        .collect();
    let packed = zstd::encode_all(planted.as_slice(), 0).map_err(io)?;
    let place = tempfile::Builder::new().prefix("canary-").tempdir_in(folder).map_err(io)?;
    let needles = Needles::new([CANARY])?;
    std::fs::write(place.path().join("plain"), planted).map_err(io)?;
    std::fs::write(place.path().join("packed"), [b"head".as_slice(), &packed].concat()).map_err(io)?;
    let with = walk(&[folder.to_owned()], &needles)?;
    place.close().map_err(io)?;
    let without = walk(&[folder.to_owned()], &needles)?;
    Ok((with.hits.len(), 2 * Form::ALL.len(), without.hits.len()))
}

fn walk(paths: &[PathBuf], needles: &Needles) -> Result<Found, Exit> {
    if let Some(path) = paths.iter().find(|path| !path.exists()) {
        return Err(Exit::new(NOT_FOUND, format!("there is nothing at {}", path.display()))
            .next("name a file or a folder"));
    }
    // A store that is closed meanwhile takes files away whose bytes go into others: what was
    // searched before is searched again.
    for _ in 0..TRIES {
        if let Some(found) = walk_once(paths, needles)? {
            return Ok(found);
        }
        std::thread::sleep(PAUSE);
    }
    Err(Exit::new(crate::exit::FAILED, "files come and go while they are searched")
        .next("close whatever writes there, and search again"))
}

/// Nothing when a file that was listed is no longer there.
fn walk_once(paths: &[PathBuf], needles: &Needles) -> Result<Option<Found>, Exit> {
    let mut found = Found::default();
    let mut left = paths.to_vec();
    while let Some(path) = left.pop() {
        let io = |error| Exit::failed(format!("cannot search {}", path.display()), &error);
        if !path.exists() {
            return Ok(None);
        }
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).map_err(io)? {
                left.push(entry.map_err(io)?.path());
            }
            continue;
        }
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(io)?,
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A file's name is a place to look, too.
        for hit in needles.hits(&bytes).chain(needles.hits(name.as_bytes())) {
            *found.hits.entry(format!("{name} {:?} ", hit.form)).or_default() += 1;
        }
        for start in memmem::find_iter(&bytes, &ZSTD) {
            let inside = unpack(bytes.get(start..).unwrap_or_default());
            if inside.len() as u64 >= MOST {
                return Err(Exit::new(
                    crate::exit::FAILED,
                    format!("{} unpacks to too much", path.display()),
                )
                .next("search it apart: this search is void without it"));
            }
            for hit in needles.hits(&inside) {
                *found.hits.entry(format!("{name} {:?} inside zstd ", hit.form)).or_default() += 1;
            }
            found.unpacked += inside.len() as u64;
        }
        found.files += 1;
        found.bytes += bytes.len() as u64;
    }
    Ok(Some(found))
}

/// What a frame holds, as far as it can be read: bytes that only look like one hold nothing.
fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut inside = Vec::new();
    if let Ok(decoder) = zstd::stream::read::Decoder::with_buffer(bytes) {
        // What was read before an error stays.
        _ = decoder.single_frame().take(MOST).read_to_end(&mut inside);
    }
    inside
}

/// Collects every name of a field in JSON.
pub(crate) fn field_names(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                names.insert(name.clone());
                field_names(value, names);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| field_names(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The strings of `now` that read otherwise in `then`, with their pointers: what is
/// personal in an event.
pub(crate) fn differences(now: &Value, then: &Value, path: &mut String, found: &mut impl FnMut(&str, &str)) {
    if now == then {
        return;
    }
    let len = path.len();
    match (now, then) {
        (Value::String(text), _) => found(path, text),
        (Value::Object(fields), Value::Object(_)) => {
            for (name, value) in fields {
                path.push_str(&format!("/{name}"));
                differences(value, then.get(name).unwrap_or(&Value::Null), path, found);
                path.truncate(len);
            }
        }
        (Value::Array(values), Value::Array(_)) => {
            for (n, value) in values.iter().enumerate() {
                path.push_str(&format!("/{n}"));
                differences(value, then.get(n).unwrap_or(&Value::Null), path, found);
                path.truncate(len);
            }
        }
        // A whole object or list was sealed as one value.
        (Value::Object(fields), _) => {
            fields.values().for_each(|value| differences(value, &Value::Null, path, found));
        }
        (Value::Array(values), _) => {
            values.iter().for_each(|value| differences(value, &Value::Null, path, found));
        }
        (Value::Null | Value::Bool(_) | Value::Number(_), _) => {}
    }
}
