//! Which cells of a matrix are run.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;

use oubliette_conformance::house::Shows;

use super::Matrix;
use super::combination::PARTS;

/// Names that resemble an unknown one at least so much are shown.
const NEAR: f64 = 0.7;
/// And at most so many.
const MOST: usize = 5;

/// The cells that are run: rows by case, law or adversary, columns by part or number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// As it was asked for.
    pub patterns: Vec<String>,
    cases: BTreeSet<usize>,
    combinations: BTreeSet<usize>,
}

impl Selection {
    /// All cells.
    #[must_use]
    pub fn all(matrix: &Matrix) -> Self {
        Self {
            patterns: Vec::new(),
            cases: (0..matrix.cases().len()).collect(),
            combinations: (0..matrix.combinations().len()).collect(),
        }
    }

    /// The cells that fit the patterns; with none of them, all cells.
    ///
    /// A row fits when one of the patterns for rows fits. A column has to fit one pattern of
    /// each kind that there is: `log=sqlite` and `vault=local` are both asked for,
    /// `log=sqlite` and `log=memory` are alternatives.
    ///
    /// # Errors
    /// [`Unknown`] when a pattern fits nothing, or when no cell fits all of them.
    pub fn parse(patterns: &[String], matrix: &Matrix) -> Result<Self, Unknown> {
        let mut selection = Self { patterns: patterns.to_vec(), ..Self::all(matrix) };
        let mut rows = BTreeSet::new();
        let mut columns = BTreeMap::<String, BTreeSet<usize>>::new();
        for pattern in patterns {
            if let Some((kind, fitting)) = fitting_columns(pattern, matrix) {
                columns.entry(kind).or_default().extend(fitting);
                continue;
            }
            let fitting = fitting_rows(pattern, matrix);
            if fitting.is_empty() {
                return Err(Unknown { pattern: pattern.clone(), near: near(pattern, matrix) });
            }
            rows.extend(fitting);
        }
        if !rows.is_empty() {
            selection.cases = rows;
        }
        for fitting in columns.values() {
            selection.combinations.retain(|column| fitting.contains(column));
        }
        if selection.combinations.is_empty() {
            return Err(Unknown { pattern: patterns.join(" "), near: Vec::new() });
        }
        Ok(selection)
    }

    /// How many cells are run.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cases.len() * self.combinations.len()
    }

    pub(super) fn takes(&self, (case, combination): (usize, usize)) -> bool {
        self.cases.contains(&case) && self.combinations.contains(&combination)
    }
}

/// The columns that a pattern names, and what kind of name it is: a part with its place, a
/// part anywhere, a number.
fn fitting_columns(pattern: &str, matrix: &Matrix) -> Option<(String, BTreeSet<usize>)> {
    let columns = || matrix.combinations().iter().map(|it| it.names()).enumerate();
    let (kind, fitting): (_, BTreeSet<_>) = if let Ok(number) = pattern.parse::<usize>() {
        ("a number", columns().map(|(column, _)| column).filter(|column| column + 1 == number).collect())
    } else if let Some((part, name)) = pattern.split_once('=') {
        let place = PARTS.iter().position(|it| *it == part)?;
        (part, columns().filter(|(_, names)| names[place] == name).map(|(column, _)| column).collect())
    } else {
        (pattern, columns().filter(|(_, names)| names.contains(&pattern)).map(|(column, _)| column).collect())
    };
    (!fitting.is_empty()).then(|| (kind.to_owned(), fitting))
}

fn fitting_rows(pattern: &str, matrix: &Matrix) -> BTreeSet<usize> {
    let rows = || matrix.cases().iter().enumerate();
    let shown: BTreeSet<_> =
        rows().filter(|(_, case)| names(case.shows, pattern)).map(|(row, _)| row).collect();
    if !shown.is_empty() {
        return shown;
    }
    rows().filter(|(_, case)| case.name.contains(pattern)).map(|(row, _)| row).collect()
}

/// `law-3`, `law 3`, `adversary-a` or, since no case is called so, `A`.
fn names(shows: Shows, pattern: &str) -> bool {
    let (full, pattern) = (shows.to_string().to_lowercase(), pattern.to_lowercase().replace('-', " "));
    full == pattern || full.strip_prefix("adversary ") == Some(&pattern)
}

/// The names that resemble this one most.
fn near(pattern: &str, matrix: &Matrix) -> Vec<String> {
    let parts = matrix.combinations().iter().flat_map(|it| {
        PARTS.iter().zip(it.names()).flat_map(|(part, name)| [name.to_owned(), format!("{part}={name}")])
    });
    let shown = matrix.cases().iter().map(|case| case.shows.to_string().replace(' ', "-").to_lowercase());
    let names = matrix.cases().iter().map(|case| case.name.to_owned());
    resembling(pattern, parts.chain(shown).chain(names))
}

/// Those of the names that resemble this one most, the nearest first.
pub(super) fn resembling(pattern: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let known: BTreeSet<_> = names.collect();
    let mut near: Vec<_> = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&name, pattern), name))
        .filter(|(resemblance, _)| *resemblance >= NEAR)
        .collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    near.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// A pattern that nothing fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The pattern.
    pub pattern: String,
    /// Names that resemble it, the nearest first.
    pub near: Vec<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no cell fits `{}`", self.pattern)
    }
}

impl Error for Unknown {}
