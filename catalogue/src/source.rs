//! The text of a declaration: says in which line and part of it an error is.

use std::ops::Range;

use globset::{Glob, GlobSet, GlobSetBuilder};
use oubliette_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde_json_path::JsonPath;
use toml::Spanned;

/// A declaration's file name and text.
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    /// What is done, for error texts.
    pub(crate) op: &'static str,
    /// The tables that have names: `rule` for `[[rule]]`.
    pub(crate) part: &'static str,
}

impl Source<'_> {
    /// Reads the TOML.
    pub(crate) fn form<F: DeserializeOwned>(&self) -> Result<F> {
        toml::from_str(self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            self.error(&span, None, error.message().replace('\n', "; "))
        })
    }

    /// An error at a place in the text. `part` is the name of the part it stands in.
    pub(crate) fn fault<T>(&self, at: &Spanned<T>, part: Option<&str>, text: impl Into<String>) -> Error {
        self.error(&at.span(), part, text.into())
    }

    /// A JSONPath.
    pub(crate) fn path(&self, path: &Spanned<String>, part: &str) -> Result<JsonPath> {
        JsonPath::parse(path.get_ref()).map_err(|error| {
            let text = format!(
                "a path is a JSONPath (RFC 9535) such as \"$.user.login\", and this one is not {error}"
            );
            self.fault(path, Some(part), text)
        })
    }

    /// Globs over the type of an event: all, when there are none. `at` is where a fault of
    /// all of them is.
    pub(crate) fn globs<T>(
        &self,
        events: Option<&[Spanned<String>]>,
        at: &Spanned<T>,
        part: &str,
    ) -> Result<GlobSet> {
        let mut globs = GlobSetBuilder::new();
        let too_large = |error: globset::Error| -> Error { self.fault(at, Some(part), error.to_string()) };
        match events {
            None => {
                globs.add(Glob::new("*").map_err(too_large)?);
            }
            Some([]) => {
                let text = "`events` names no event: leave it out for all, or give globs over the event type";
                return Err(self.fault(at, Some(part), text));
            }
            Some(events) => {
                for event in events {
                    globs.add(Glob::new(event.get_ref()).map_err(|error| {
                        let text = format!("an event is a glob such as \"issues.*\": {}", error.kind());
                        self.fault(event, Some(part), text)
                    })?);
                }
            }
        }
        globs.build().map_err(too_large)
    }

    fn error(&self, span: &Range<usize>, part: Option<&str>, text: String) -> Error {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let error = Error::new(ErrorKind::Invalid, self.op, text).with("file", self.file).with("line", line);
        match part.map(str::to_owned).or_else(|| self.part_at(line)) {
            Some(part) => error.with(self.part, part),
            None => error,
        }
    }

    /// The name of the part in which a line stands, read from text that may not be valid.
    fn part_at(&self, line: usize) -> Option<String> {
        let lines: Vec<_> = self.text.lines().map(str::trim).collect();
        let (head, below) = (format!("[[{}]]", self.part), format!("{}.", self.part));
        let start = lines.iter().take(line).rposition(|line| line.starts_with(&head))?;
        let other = |line: &&&str| line.starts_with('[') && !line.trim_start_matches('[').starts_with(&below);
        let end =
            lines.iter().skip(start + 1).position(|line| other(&line)).map_or(lines.len(), |n| start + 1 + n);
        if line > end {
            return None;
        }
        lines.get(start..end)?.iter().find_map(|line| {
            let value = line.strip_prefix("name")?.trim_start().strip_prefix('=')?;
            value.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned)
        })
    }
}
