//! Purposes: why personal data is held, on which ground, and how long.

use std::fmt;

use jiff::Span;
use oubliette_core::Purpose;
use serde::Serialize;

/// A purpose as the catalogue declares it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PurposeDeclaration {
    /// The purpose.
    pub name: Purpose,
    /// Its lawful basis.
    pub basis: Basis,
    /// How long data is held for it.
    pub retention: Span,
    /// What it is, in words.
    pub description: Option<String>,
}

/// The lawful bases of GDPR Art. 6(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// (a): the person agreed.
    Consent,
    /// (b): a contract with the person.
    Contract,
    /// (c): a law demands it.
    LegalObligation,
    /// (d): somebody's life depends on it.
    VitalInterests,
    /// (e): a task in the public interest.
    PublicTask,
    /// (f): legitimate interests that outweigh the person's.
    LegitimateInterests,
}

impl Basis {
    /// Every basis, in the order of the article.
    pub const ALL: [Self; 6] = [
        Self::Consent,
        Self::Contract,
        Self::LegalObligation,
        Self::VitalInterests,
        Self::PublicTask,
        Self::LegitimateInterests,
    ];

    /// The name in a catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Contract => "contract",
            Self::LegalObligation => "legal-obligation",
            Self::VitalInterests => "vital-interests",
            Self::PublicTask => "public-task",
            Self::LegitimateInterests => "legitimate-interests",
        }
    }

    /// Where the regulation has it.
    pub fn article(self) -> &'static str {
        match self {
            Self::Consent => "GDPR Art. 6(1)(a)",
            Self::Contract => "GDPR Art. 6(1)(b)",
            Self::LegalObligation => "GDPR Art. 6(1)(c)",
            Self::VitalInterests => "GDPR Art. 6(1)(d)",
            Self::PublicTask => "GDPR Art. 6(1)(e)",
            Self::LegitimateInterests => "GDPR Art. 6(1)(f)",
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
