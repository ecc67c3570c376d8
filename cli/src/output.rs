//! Printing: JSON for scripts, text for people; results to standard output.

use std::io::{self, BufWriter, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::exit::{Exit, FAILED};

/// Where results and errors go, and in which form.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result: as JSON, or as what `text` makes of it.
    pub(crate) fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Exit> {
        let printed = if self.json {
            serde_json::to_string_pretty(value).map_err(|error| Exit::failed("cannot print", &error))?
        } else {
            text()
        };
        ended(writeln!(io::stdout().lock(), "{}", printed.trim_end()))
    }

    /// A line of a long report, for people only.
    pub(crate) fn say(&self, line: &str) -> Result<(), Exit> {
        if self.json {
            return Ok(());
        }
        ended(writeln!(io::stdout().lock(), "{line}"))
    }

    pub(crate) fn error(&self, exit: &Exit) {
        let mut stderr = io::stderr().lock();
        // There is nobody to tell when standard error is gone.
        if self.json {
            _ = serde_json::to_writer(&mut stderr, exit);
            _ = writeln!(stderr);
            return;
        }
        _ = writeln!(stderr, "error: {}", exit.error);
        for line in &exit.details {
            _ = writeln!(stderr, "  {line}");
        }
        if let Some(next) = &exit.next {
            _ = writeln!(stderr, "next: {next}");
        }
    }

    /// A bar over so many bytes; it draws nothing where nobody looks.
    pub(crate) fn bar(&self, what: &'static str, bytes: Option<u64>) -> ProgressBar {
        if self.json {
            return ProgressBar::hidden();
        }
        let bar = bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = match bytes {
            Some(_) => "{msg:10} {wide_bar} {bytes}/{total_bytes} {eta}",
            None => "{msg:10} {spinner} {bytes}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar
    }
}

/// Many lines to standard output.
pub(crate) struct Lines(BufWriter<io::StdoutLock<'static>>);

impl Lines {
    pub(crate) fn new() -> Self {
        Self(BufWriter::with_capacity(1 << 16, io::stdout().lock()))
    }

    /// Prints a line. `false` when the reader has gone, as `head` does.
    pub(crate) fn line(&mut self, line: &str) -> Result<bool, Exit> {
        written(writeln!(self.0, "{line}"))
    }

    pub(crate) fn finish(mut self) -> Result<(), Exit> {
        written(self.0.flush()).map(|_| ())
    }
}

fn written(outcome: io::Result<()>) -> Result<bool, Exit> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Exit::new(FAILED, format!("cannot print: {error}"))),
    }
}

fn ended(outcome: io::Result<()>) -> Result<(), Exit> {
    written(outcome).map(|_| ())
}
