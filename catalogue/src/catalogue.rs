//! The catalogue, read and checked.

use std::collections::HashSet;

use oubliette_core::alias::{AliasKind, AliasName};
use oubliette_core::{Purpose, Result};
use serde_json::Value;

use crate::aliases::AliasIndex;
use crate::compile;
use crate::purpose::PurposeDeclaration;
use crate::rule::Rule;

/// Says which values of an event are whose personal data, and what for.
///
/// It is pure: it reads no file and knows no vault.
#[derive(Debug)]
pub struct Catalogue {
    pub(crate) name: String,
    pub(crate) purposes: Vec<PurposeDeclaration>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) residue: ResiduePolicy,
}

/// What becomes of open strings that hold what should be sealed.
#[derive(Debug)]
pub(crate) struct ResiduePolicy {
    pub(crate) act: Act,
    pub(crate) ignore: HashSet<AliasName>,
    pub(crate) min_length: usize,
}

#[derive(Debug)]
pub(crate) enum Act {
    Seal { purpose: Purpose, null: Value },
    Refuse,
}

impl Catalogue {
    /// The texts that it says are about nobody, compared without regard to case.
    pub fn ignored(&self) -> impl Iterator<Item = &str> {
        self.residue.ignore.iter().map(AliasName::text)
    }

    /// Reads a catalogue. `file` is its name, for error texts.
    ///
    /// # Errors
    /// `Invalid` with file, line and rule, and what would be right.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        compile::compile(file, text)
    }

    /// What the catalogue is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The purposes, by name: the record of processing.
    pub fn purposes(&self) -> &[PurposeDeclaration] {
        &self.purposes
    }

    /// Whether an alias stands in a text that is stored readable: the name of a stream, say.
    pub fn is_residue(&self, text: &str, aliases: &AliasIndex) -> bool {
        !self.residue.find(text, aliases).is_empty()
    }
}

impl ResiduePolicy {
    /// Whether an alias is about nobody.
    pub(crate) fn ignores(&self, alias: &AliasName) -> bool {
        self.ignore.contains(&alias.folded())
    }

    /// Whether a text is, whole, about nobody.
    pub(crate) fn is_nobody(&self, text: &str) -> bool {
        self.ignores(&AliasName::new(AliasKind::Identifier, text))
    }

    /// The aliases that stand in a text, but for those about nobody.
    pub(crate) fn find(&self, text: &str, aliases: &AliasIndex) -> Vec<usize> {
        let mut found = aliases.find(text, self.min_length);
        found.retain(|alias| aliases.name(*alias).is_some_and(|name| !self.ignore.contains(name)));
        found
    }

    /// Both readings of each text: what is about nobody is so as a login and as a name.
    pub(crate) fn ignoring(texts: &[String]) -> HashSet<AliasName> {
        let both = [AliasKind::Identifier, AliasKind::Name];
        both.iter().flat_map(|kind| texts.iter().map(|text| AliasName::new(*kind, text).folded())).collect()
    }
}
