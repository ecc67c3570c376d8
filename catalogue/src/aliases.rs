//! The index of known aliases: finds every one of them in a text at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use aho_corasick::AhoCorasick;
use oubliette_core::alias::{Alias, AliasKind, AliasName, Naming};
use oubliette_core::{Error, ErrorKind, Result, SubjectId};

use crate::fold::{fold, is_word, readings};
use crate::pointer::pattern;

/// Every known alias and its pseudonym, and the automata that find them in texts.
///
/// It grows with the number of distinct aliases, and with nothing else. Identifiers are
/// found without regard to case, names as they are written, both also percent-encoded.
/// The automata hold the aliases in the clear, in memory, for as long as the index lives.
#[derive(Default)]
pub struct AliasIndex {
    known: Vec<(AliasName, SubjectId)>,
    by_name: HashMap<AliasName, usize>,
    identifiers: Layers,
    names: Layers,
}

impl AliasIndex {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// The index of what a vault knows.
    ///
    /// # Errors
    /// `LimitExceeded` when there are too many aliases for one automaton.
    pub fn from_aliases(aliases: &[Alias]) -> Result<Self> {
        let mut index = Self::new();
        index.learn(aliases.iter().map(|alias| (&alias.name, &alias.subject)))?;
        Ok(index)
    }

    /// Adds what a vault answered to namings. A new pseudonym takes the place of an old one.
    ///
    /// # Errors
    /// `Invalid` when the answer is not one pseudonym an alias; `LimitExceeded` when there
    /// are too many aliases for one automaton.
    pub fn extend(&mut self, namings: &[Naming], pseudonyms: &[Vec<SubjectId>]) -> Result<()> {
        let fits = |(naming, subjects): (&Naming, &Vec<SubjectId>)| naming.aliases.len() == subjects.len();
        if namings.len() != pseudonyms.len() || !namings.iter().zip(pseudonyms).all(fits) {
            let text = "pseudonyms do not fit the namings: pass the vault's answer as it is";
            return Err(Error::new(ErrorKind::Invalid, "index aliases", text));
        }
        self.learn(
            namings.iter().zip(pseudonyms).flat_map(|(naming, subjects)| naming.aliases.iter().zip(subjects)),
        )
    }

    /// Adds namings under made-up pseudonyms, to try a catalogue with no vault at hand.
    /// Nothing that is drafted by such an index is to be appended.
    ///
    /// # Errors
    /// `LimitExceeded` when there are too many aliases for one automaton.
    pub fn rehearse(&mut self, namings: &[Naming]) -> Result<()> {
        let mut pseudonyms = HashMap::new();
        for alias in namings.iter().flat_map(|naming| &naming.aliases) {
            let number = self.known.len() + pseudonyms.len();
            if let Entry::Vacant(new) = pseudonyms.entry(alias.folded()) {
                new.insert(SubjectId::new(format!("rehearsal-{number}"))?);
            }
        }
        self.learn(pseudonyms.iter())
    }

    /// How many aliases it knows.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The number of an alias.
    pub(crate) fn number(&self, alias: &AliasName) -> Option<usize> {
        self.by_name.get(&alias.folded()).copied()
    }

    /// The alias of a number, folded.
    pub(crate) fn name(&self, number: usize) -> Option<&AliasName> {
        self.known.get(number).map(|(name, _)| name)
    }

    /// The pseudonym of the alias of a number.
    pub(crate) fn pseudonym(&self, number: usize) -> Option<&SubjectId> {
        self.known.get(number).map(|(_, subject)| subject)
    }

    /// The numbers of the aliases that stand in a text, ascending. Those shorter than
    /// `min_length` characters only count where they are words of their own.
    pub(crate) fn find(&self, text: &str, min_length: usize) -> Vec<usize> {
        let mut found = Vec::new();
        for text in readings(text) {
            self.names.find(&text, min_length, &mut found);
            if !self.identifiers.0.is_empty() {
                self.identifiers.find(&fold(&text), min_length, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// A pointer as a pattern to show, without any alias.
    pub(crate) fn pattern(&self, pointer: &str) -> String {
        pattern(pointer, &|key| self.is_alias(key))
    }

    /// Whether a text is an alias, whole.
    pub(crate) fn is_alias(&self, text: &str) -> bool {
        let kinds = [AliasKind::Identifier, AliasKind::Name];
        kinds.into_iter().any(|kind| self.number(&AliasName::new(kind, text)).is_some())
    }

    fn learn<'a>(&mut self, aliases: impl Iterator<Item = (&'a AliasName, &'a SubjectId)>) -> Result<()> {
        let (mut identifiers, mut names) = (Vec::new(), Vec::new());
        for (alias, subject) in aliases {
            let alias = alias.folded();
            if let Some((_, pseudonym)) = self.by_name.get(&alias).and_then(|n| self.known.get_mut(*n)) {
                pseudonym.clone_from(subject);
                continue;
            }
            let number = self.known.len();
            match alias.kind {
                AliasKind::Identifier => identifiers.push((fold(alias.text()), number)),
                AliasKind::Name => names.push((alias.text().to_owned(), number)),
            }
            self.by_name.insert(alias.clone(), number);
            self.known.push((alias, subject.clone()));
        }
        self.identifiers.add(identifiers)?;
        self.names.add(names)
    }
}

impl fmt::Debug for AliasIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AliasIndex").field("aliases", &self.known.len()).finish_non_exhaustive()
    }
}

/// Automata of which each has more patterns than all after it together.
///
/// An automaton cannot grow. Merging small ones into larger ones builds each pattern into
/// an automaton some log n times in all, however many calls add them.
#[derive(Default)]
struct Layers(Vec<Layer>);

struct Layer {
    automaton: AhoCorasick,
    patterns: Vec<(String, usize)>,
}

impl Layers {
    fn add(&mut self, mut patterns: Vec<(String, usize)>) -> Result<()> {
        if patterns.is_empty() {
            return Ok(());
        }
        while let Some(last) = self.0.pop_if(|last| last.patterns.len() <= patterns.len()) {
            patterns.extend(last.patterns);
        }
        let automaton = AhoCorasick::new(patterns.iter().map(|(text, _)| text)).map_err(|_| {
            Error::new(
                ErrorKind::LimitExceeded,
                "index aliases",
                "there are too many aliases for one automaton",
            )
            .with("aliases", patterns.len())
        })?;
        self.0.push(Layer { automaton, patterns });
        Ok(())
    }

    fn find(&self, text: &str, min_length: usize, found: &mut Vec<usize>) {
        for layer in &self.0 {
            for hit in layer.automaton.find_overlapping_iter(text) {
                let Some((pattern, number)) = layer.patterns.get(hit.pattern().as_usize()) else { continue };
                let long = pattern.len() >= min_length && pattern.chars().count() >= min_length;
                if long || is_word(text, hit.start(), hit.end()) {
                    found.push(*number);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(aliases: &[(AliasKind, &str)]) -> AliasIndex {
        let mut index = AliasIndex::new();
        for (n, (kind, text)) in aliases.iter().enumerate() {
            let naming = Naming { subject: None, aliases: vec![AliasName::new(*kind, *text)] };
            index.extend(&[naming], &[vec![SubjectId::new(format!("p{n}")).unwrap()]]).unwrap();
        }
        index
    }

    const ADA: (AliasKind, &str) = (AliasKind::Identifier, "AdaL");
    const NAME: (AliasKind, &str) = (AliasKind::Name, "Ada Lovelace");

    #[test]
    fn identifiers_are_found_in_any_case_and_names_as_written() {
        let index = index(&[ADA, NAME]);
        assert_eq!(index.find("https://example.org/ADAL/x", 4), [0]);
        assert_eq!(index.find("by Ada Lovelace", 4), [1]);
        assert_eq!(index.find("by ada lovelace", 4), [] as [usize; 0]);
        assert_eq!(index.find("?q=%41da+Lovelace&u=ada%4c", 4), [0, 1]);
    }

    #[test]
    fn a_short_alias_is_found_as_a_word_only() {
        let index = index(&[(AliasKind::Identifier, "ada")]);
        assert_eq!(index.find("thanks, @ada!", 4), [0]);
        assert!(index.find("canada", 4).is_empty());
        assert_eq!(index.find("canada", 3), [0]);
    }

    #[test]
    fn aliases_within_aliases_are_all_found() {
        let index = index(&[(AliasKind::Identifier, "renovate"), (AliasKind::Identifier, "renovate[bot]")]);
        assert_eq!(index.find("by renovate[bot]", 4), [0, 1]);
    }

    #[test]
    fn a_new_pseudonym_takes_the_place_of_the_old_one() {
        let mut index = index(&[ADA]);
        let naming = Naming { subject: None, aliases: vec![AliasName::new(AliasKind::Identifier, "aDAl")] };
        index.extend(std::slice::from_ref(&naming), &[vec![SubjectId::new("new").unwrap()]]).unwrap();
        assert_eq!((index.len(), index.pseudonym(0).unwrap().as_str()), (1, "new"));
        assert_eq!(index.extend(&[naming], &[]).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn automata_stay_few_when_aliases_come_one_by_one() {
        let texts: Vec<_> = (0..1000).map(|n| format!("login-{n}-x")).collect();
        let aliases: Vec<_> = texts.iter().map(|text| (AliasKind::Identifier, text.as_str())).collect();
        let index = index(&aliases);
        assert!(index.identifiers.0.len() <= 10, "{}", index.identifiers.0.len());
        for (n, text) in texts.iter().enumerate() {
            assert_eq!(index.find(text, 4), [n]);
        }
    }
}
