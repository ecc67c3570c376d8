//! A part that lies, in a place of its own in the matrix.

use oubliette_conformance::House;
use oubliette_conformance::house::liars::{LIARS, Liar};

use super::Unknown;
use super::selection::resembling;

/// A backend that breaks one promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LyingPart {
    /// The part and the lie, as `log-keeps-plaintext`.
    pub name: String,
    /// The case that catches it; others may, too.
    pub case: &'static str,
    liar: Liar,
}

impl LyingPart {
    /// Every liar of the suite, with a case that catches it.
    #[must_use]
    pub fn all() -> Vec<Self> {
        LIARS.iter().map(|(case, liar)| Self { name: name(*liar), case, liar: *liar }).collect()
    }

    /// The liar of this name.
    ///
    /// # Errors
    /// [`Unknown`] when there is none.
    pub fn find(name: &str) -> Result<Self, Unknown> {
        let all = Self::all();
        let names = all.iter().map(|liar| liar.name.clone());
        let near = resembling(name, names);
        all.into_iter()
            .find(|liar| liar.name == name)
            .ok_or_else(|| Unknown { pattern: name.to_owned(), near })
    }

    /// The parts that lie, as their places in [`PARTS`](super::PARTS).
    #[must_use]
    pub fn places(&self) -> &'static [usize] {
        match self.liar {
            Liar::Nobody => &[],
            Liar::Log(_) => &[0],
            Liar::Vault(_) => &[1],
            Liar::Documents(_) => &[2],
            Liar::Snapshots(_) => &[3],
            Liar::Target(_) => &[4],
            Liar::Both(_, _) => &[0, 1],
        }
    }

    pub(super) async fn over(&self, house: House) -> House {
        self.liar.over(house).await
    }
}

/// `Log(KeepsPlaintext)` as `log-keeps-plaintext`.
fn name(liar: Liar) -> String {
    let mut name = String::new();
    for letter in format!("{liar:?}").chars().filter(|letter| letter.is_alphanumeric()) {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}
