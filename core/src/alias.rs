//! Aliases: the other names that people go by, and that data uses in place of their id.
//!
//! An alias (a login, an e-mail address) is itself a subject, under a random pseudonym
//! that the vault draws: what carries only the alias is sealed under *its* keys. Whoever
//! goes by it is recorded beside it. Erasing any of them destroys the keys of the alias,
//! and so values that carry only the alias are forgotten too, whether they were written
//! before or after it was known whose alias it is.
//!
//! An alias that several subjects claim has several owners in just this sense: erase one
//! of them and what carried only the alias is gone. The others keep the alias; what is
//! written from then on is sealed under a new pseudonym for it.
//!
//! Aliases that stand together with no id beside them (a commit's author: name, address)
//! are *linked*. An erasure takes linked aliases too, as long as nobody else claims them.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ids::SubjectId;

/// How an alias is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AliasKind {
    /// An identifier, compared without regard to case: a login, an e-mail address.
    Identifier,
    /// A person's name, compared as it is written.
    Name,
}

/// One alias as it stands in the data.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AliasName {
    /// How it is compared.
    pub kind: AliasKind,
    /// The text. Personal data: it is sealed in the vault, and zeroized here.
    text: SecretText,
}

impl AliasName {
    /// An alias.
    pub fn new(kind: AliasKind, text: impl Into<String>) -> Self {
        Self { kind, text: SecretText(text.into()) }
    }

    /// The text as it stands in the data.
    pub fn text(&self) -> &str {
        &self.text.0
    }

    /// The text in the form in which aliases of this kind are compared.
    pub fn folded(&self) -> Self {
        match self.kind {
            AliasKind::Identifier => Self::new(self.kind, self.text().to_lowercase()),
            AliasKind::Name => self.clone(),
        }
    }
}

/// A text that is zeroized when dropped, and whose `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Zeroize, ZeroizeOnDrop)]
struct SecretText(String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

/// Names that the data gives to one person, in one place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Naming {
    /// The person, where an id stands beside the aliases.
    pub subject: Option<SubjectId>,
    /// The aliases. With no subject they are linked to each other.
    pub aliases: Vec<AliasName>,
}

/// An alias as the vault knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The alias.
    pub name: AliasName,
    /// Its pseudonym: the subject under whose keys is sealed what carries only it.
    pub subject: SubjectId,
    /// The subjects that claim it.
    pub claimed_by: Vec<SubjectId>,
}
