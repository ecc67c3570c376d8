//! Views that are declared: what is derived from the events, by programs without Rust types.

mod compile;
mod field;
mod form;
mod on;
mod place;
mod seen;

use std::fmt;

use oubliette_core::{Changes, Lookup, Result, View, ViewEvent};
use serde_json::{Map, Value};

use self::on::On;
use self::seen::Seen;

/// A view that is declared in TOML: a projection of plain JSON.
///
/// How it is written stands in [the crate's documentation](crate#projections).
#[derive(Clone)]
pub struct DeclaredView {
    name: String,
    version: u32,
    description: Option<String>,
    /// A document before its first change: it has every field.
    start: Map<String, Value>,
    on: Vec<On>,
    lookups: Vec<Lookup>,
}

impl DeclaredView {
    /// Reads the projections of a file, in its order. `file` is its name, for error texts.
    ///
    /// # Errors
    /// `Invalid` with file, line and projection, and what would be right.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Self>> {
        compile::compile(file, text)
    }

    /// What it is for, if the declaration says so.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
}

impl View for DeclaredView {
    type Document = Value;

    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn lookups(&self) -> Vec<Lookup> {
        self.lookups.clone()
    }

    fn start(&self) -> Value {
        self.start.clone().into()
    }

    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Value>) -> Result<()> {
        let event_type = event.event_type().as_str();
        let mut wanted = self.on.iter().filter(|on| on.events.is_match(event_type)).peekable();
        if wanted.peek().is_none() {
            return Ok(());
        }
        let seen = Seen::of(event)?;
        wanted
            .try_for_each(|on| on.apply(&seen, changes))
            .map_err(|error| error.with("projection", &self.name))
    }
}

impl fmt::Debug for DeclaredView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeclaredView({}, version {})", self.name, self.version)
    }
}
