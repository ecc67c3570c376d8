//! Where events come from, and how far an earlier import of them came.

use std::path::PathBuf;

use futures::TryStreamExt as _;
use oubliette::{Draft, EventType, Expect, Query, StreamDrafts, StreamId, Version};
use serde_json::{Value, json};

use crate::dir::Dir;
use crate::exit::Exit;
use crate::lines::{BadLine, Input, Line, parse};

/// A window of standard input: so many lines at most, and so many bytes.
const WINDOW_LINES: usize = 10_000;
const WINDOW_BYTES: usize = 64 << 20;

/// A line that is kept: its number and its bytes.
pub(crate) type Kept = (u64, Vec<u8>);

/// Events that can be read several times.
pub(crate) enum Events {
    File(PathBuf),
    Window(Vec<Kept>),
}

impl Events {
    /// Reads them from the beginning: the bytes of each line, and its number.
    pub(crate) fn each(&mut self, mut take: impl FnMut(u64, &[u8]) -> Result<(), Exit>) -> Result<(), Exit> {
        match self {
            Self::Window(lines) => lines.iter().try_for_each(|(number, line)| take(*number, line)),
            Self::File(path) => {
                let mut input = Input::open(path)?;
                while let Some((number, line)) = input.next_raw()? {
                    take(number, line)?;
                }
                Ok(())
            }
        }
    }

    /// An iterator over the parsed lines, for a pass that awaits in between.
    pub(super) fn lines(&mut self) -> Result<Cursor<'_>, Exit> {
        Ok(match self {
            Self::File(path) => Cursor::File(Box::new(Input::open(path)?)),
            Self::Window(lines) => Cursor::Window(lines.iter()),
        })
    }

    /// How many bytes there are, if they are known.
    pub(super) fn bytes(&self) -> Option<u64> {
        match self {
            Self::File(path) => std::fs::metadata(path).ok().map(|file| file.len()),
            Self::Window(lines) => Some(lines.iter().map(|(_, line)| line.len() as u64 + 1).sum()),
        }
    }
}

/// A parsed line, and the bytes that it took.
pub(super) struct Next {
    pub(super) line: Result<Line, BadLine>,
    pub(super) bytes: u64,
}

impl Next {
    fn of(number: u64, line: &[u8]) -> Self {
        Self { line: parse(number, line), bytes: line.len() as u64 + 1 }
    }
}

pub(super) enum Cursor<'a> {
    File(Box<Input>),
    Window(std::slice::Iter<'a, Kept>),
}

impl Cursor<'_> {
    /// The next event and the bytes of its line.
    pub(super) fn next(&mut self) -> Result<Option<Next>, Exit> {
        Ok(match self {
            Self::File(input) => input.next_raw()?.map(|(number, line)| Next::of(number, line)),
            Self::Window(lines) => lines.next().map(|(number, line)| Next::of(*number, line)),
        })
    }
}

/// Standard input, a window at a time.
pub(super) struct Windows(Input);

impl Windows {
    pub(super) fn new(input: Input) -> Self {
        Self(input)
    }

    pub(super) fn next(&mut self) -> Result<Option<Vec<Kept>>, Exit> {
        let (mut window, mut bytes) = (Vec::new(), 0);
        while window.len() < WINDOW_LINES && bytes < WINDOW_BYTES {
            let Some((number, line)) = self.0.next_raw()? else { break };
            bytes += line.len();
            window.push((number, line.to_vec()));
        }
        Ok((!window.is_empty()).then_some(window))
    }
}

/// How far a source was imported: an event in a stream of its own, appended in the same
/// batch as the events that it counts.
pub(crate) struct Checkpoint {
    stream: StreamId,
    version: Version,
    /// The last line that was imported.
    pub(super) line: u64,
}

impl Checkpoint {
    pub(super) async fn load(dir: &Dir, source: &str) -> Result<Self, Exit> {
        let stream = StreamId::new(format!("$import-{source}"))?;
        let version = dir.house.log().version(&stream).await?;
        let before_last = Version(version.0.saturating_sub(1));
        let query = Query::select(oubliette::Select::Stream(stream.clone(), before_last));
        let line = match dir.house.read(query).try_next().await? {
            Some(event) => event.json()?.get("line").and_then(Value::as_u64).unwrap_or_default(),
            None => 0,
        };
        Ok(Self { stream, version, line })
    }

    /// What to append beside the events up to `line`.
    pub(super) fn drafts(&self, line: u64) -> Result<StreamDrafts, Exit> {
        let draft = Draft::from_json(EventType::new("Imported")?, json!({ "line": line }), &[])?;
        // Of two imports of one source, one is told that the other was first.
        let expect = match self.version {
            Version::ZERO => Expect::New,
            version => Expect::Exactly(version),
        };
        Ok(StreamDrafts { stream: self.stream.clone(), expect, drafts: vec![draft] })
    }

    pub(super) fn advance(&mut self, line: u64) {
        self.version = self.version.plus(1);
        self.line = line;
    }
}
