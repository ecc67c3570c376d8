//! Events as JSON lines: `{"stream": .., "type": .., "data": ..}`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use oubliette::{EventType, StreamId};
use serde::Deserialize;
use serde_json::Value;

use crate::exit::{Exit, NOT_FOUND};

/// A longer line is refused before it is read whole.
const MAX_LINE: u64 = 64 << 20;

/// An event of an input.
#[derive(Debug)]
pub(crate) struct Line {
    /// Its line, from 1.
    pub(crate) number: u64,
    pub(crate) stream: StreamId,
    pub(crate) event_type: EventType,
    pub(crate) data: Value,
}

/// What is wrong with a line. It never quotes the line: it may hold personal data.
#[derive(Debug)]
pub(crate) struct BadLine {
    pub(crate) number: u64,
    pub(crate) fault: String,
}

impl BadLine {
    pub(crate) fn new(number: u64, fault: impl Into<String>) -> Self {
        Self { number, fault: fault.into() }
    }
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.number, self.fault)
    }
}

/// Reads an input line by line.
pub(crate) struct Input {
    reader: Box<dyn BufRead + Send>,
    buffer: Vec<u8>,
    number: u64,
    /// Bytes read so far.
    pub(crate) bytes: u64,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &Path) -> Result<Self, Exit> {
        let reader: Box<dyn BufRead + Send> = if is_stdin(path) {
            Box::new(BufReader::with_capacity(1 << 20, io::stdin()))
        } else {
            let file = File::open(path).map_err(|error| {
                Exit::new(NOT_FOUND, format!("cannot open {}: {error}", path.display()))
                    .next("name a file of events, one JSON object a line, or - for standard input")
            })?;
            Box::new(BufReader::with_capacity(1 << 20, file))
        };
        Ok(Self { reader, buffer: Vec::new(), number: 0, bytes: 0 })
    }

    /// The bytes of the next line that is not empty, and its number.
    pub(crate) fn next_raw(&mut self) -> Result<Option<(u64, &[u8])>, Exit> {
        loop {
            self.buffer.clear();
            let read = self
                .reader
                .by_ref()
                .take(MAX_LINE + 1)
                .read_until(b'\n', &mut self.buffer)
                .map_err(|error| Exit::failed("cannot read the input", &error))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.bytes += read as u64;
            if self.buffer.len() as u64 > MAX_LINE {
                return Err(Exit::new(
                    crate::exit::INPUT,
                    format!("line {} is longer than {} MiB", self.number, MAX_LINE >> 20),
                )
                .next("split the event"));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some((self.number, self.buffer.trim_ascii())));
            }
        }
    }
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads an event from the bytes of its line.
pub(crate) fn parse(number: u64, bytes: &[u8]) -> Result<Line, BadLine> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Raw {
        stream: String,
        r#type: String,
        data: Value,
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        BadLine::new(number, format!("it is not UTF-8 at byte {}", error.valid_up_to() + 1))
    })?;
    let raw: Raw = serde_json::from_str(text).map_err(|error| {
        let fault = match error.classify() {
            serde_json::error::Category::Data => {
                "it is not {\"stream\": text, \"type\": text, \"data\": any} with these fields and no other"
                    .to_owned()
            }
            serde_json::error::Category::Eof => "its JSON ends too early".to_owned(),
            serde_json::error::Category::Io | serde_json::error::Category::Syntax => {
                // The limit on depth is a syntax error to serde; its text quotes nothing.
                match error.to_string().starts_with("recursion limit") {
                    true => "its JSON is nested more than 127 levels deep".to_owned(),
                    false => format!("it is not valid JSON at column {}", error.column()),
                }
            }
        };
        BadLine::new(number, fault)
    })?;
    let named = |error: oubliette::Error| BadLine::new(number, error.to_string());
    let stream = StreamId::new(raw.stream).map_err(named)?;
    if stream.is_system() {
        return Err(BadLine::new(number, "streams that begin with `$` are bookkeeping: choose another name"));
    }
    Ok(Line { number, stream, event_type: EventType::new(raw.r#type).map_err(named)?, data: raw.data })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &[u8]) -> String {
        parse(7, line).unwrap_err().to_string()
    }

    #[test]
    fn a_bad_line_is_told_by_its_number_and_never_quoted() {
        let deep = format!(
            "{{\"stream\":\"s\",\"type\":\"t\",\"data\":{}{}}}",
            "[".repeat(10_000),
            "]".repeat(10_000)
        );
        let bad: [(&[u8], &str); 7] = [
            (b"secret", "not valid JSON at column"),
            (b"{\"stream\":\"s\"", "ends too early"),
            (b"{\"stream\":\"secret\",\"type\":1,\"data\":{}}", "with these fields"),
            (b"{\"stream\":\"s\",\"type\":\"t\",\"data\":{},\"secret\":1}", "with these fields"),
            (b"{\"stream\":\"$secret\",\"type\":\"t\",\"data\":{}}", "bookkeeping"),
            (b"{\"stream\":\"\xff\"}", "not UTF-8 at byte 12"),
            (deep.as_bytes(), "levels deep"),
        ];
        for (line, expected) in bad {
            let fault = fault(line);
            assert!(fault.starts_with("line 7: ") && fault.contains(expected), "{fault}");
            assert!(!fault.contains("secret"), "{fault}");
        }
    }

    #[test]
    fn empty_lines_count_and_are_passed_over() {
        let text: &[u8] = b"\n{\"stream\":\"s\",\"type\":\"t\",\"data\":1}\r\n\n";
        let mut input = Input { reader: Box::new(text), buffer: Vec::new(), number: 0, bytes: 0 };
        assert_eq!(input.next_raw().unwrap().unwrap().0, 2);
        assert!(input.next_raw().unwrap().is_none());
        assert_eq!(input.bytes, text.len() as u64);
    }
}
