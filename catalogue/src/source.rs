//! The text of a catalogue: says in which line and rule an error is.

use std::ops::Range;

use oubliette_core::{Error, ErrorKind, Result};
use toml::Spanned;

use crate::form::Form;

const OP: &str = "read a catalogue";

/// A catalogue's file name and text.
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// Reads the TOML.
    pub(crate) fn form(&self) -> Result<Form> {
        toml::from_str(self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            self.error(&span, None, error.message().replace('\n', "; "))
        })
    }

    /// An error at a part of the catalogue.
    pub(crate) fn fault<T>(&self, at: &Spanned<T>, rule: Option<&str>, text: impl Into<String>) -> Error {
        self.error(&at.span(), rule, text.into())
    }

    fn error(&self, span: &Range<usize>, rule: Option<&str>, text: String) -> Error {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let error = Error::new(ErrorKind::Invalid, OP, text).with("file", self.file).with("line", line);
        match rule.map(str::to_owned).or_else(|| self.rule_at(line)) {
            Some(rule) => error.with("rule", rule),
            None => error,
        }
    }

    /// The name of the rule in which a line stands, read from text that may not be valid.
    fn rule_at(&self, line: usize) -> Option<String> {
        let lines: Vec<_> = self.text.lines().map(str::trim).collect();
        let start = lines.iter().take(line).rposition(|line| line.starts_with("[[rule]]"))?;
        let other = |line: &&&str| line.starts_with('[') && !line.starts_with("[[rule.");
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
