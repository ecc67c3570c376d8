//! Cases, their liars, and the promises that name them.

use std::collections::BTreeSet;

/// Cases that no liar is caught by, and liars of cases that are not there.
pub(crate) fn without_liars(cases: &[&str], liars: &str) -> Vec<String> {
    let cases: BTreeSet<&str> = cases.iter().copied().collect();
    let rows = liars.split("(\"").skip(1).filter_map(|rest| rest.split_once("\", Lie::"));
    let lying: BTreeSet<&str> = rows.map(|(case, _)| case).filter(|case| is_name(case)).collect();
    let without = cases.difference(&lying).map(|case| format!("{case} has no liar"));
    let unknown = lying.difference(&cases).map(|case| format!("{case} has a liar and is no case"));
    without.chain(unknown).collect()
}

/// Cases that the docs of a trait do not name, names that are no case, and promises without
/// any: each item under `# Implementors` is one.
pub(crate) fn unkept(of: &str, source: &str, cases: &[&str]) -> Vec<String> {
    let docs = docs(of, source);
    let text: String = docs.iter().map(|line| format!("{line} ")).collect();
    let cases: BTreeSet<&str> = cases.iter().copied().collect();
    let named = names(&text);
    let unnamed = cases.difference(&named).map(|case| format!("no promise names {case}"));
    let unknown = named.difference(&cases).map(|case| format!("{case} is named and is no case"));
    let promises = promises(&docs).into_iter().filter(|promise| names(promise).is_empty());
    let idle = promises.map(|promise| format!("no case is named by: {}", promise.trim()));
    unnamed.chain(unknown).chain(idle).collect()
}

/// The lines of a trait's docs, its own and those of its methods.
fn docs<'a>(of: &str, source: &'a str) -> Vec<&'a str> {
    let declared = source.find(&format!("pub trait {of}:")).expect("the file declares the trait");
    let begin = source.get(..declared).and_then(|before| before.rfind("\n\n")).unwrap_or_default();
    let rest = source.get(begin..).unwrap_or_default();
    let end = rest.find("\n}\n").expect("the trait ends");
    let lines = rest.get(..end).unwrap_or_default().lines().map(str::trim);
    // What is no comment parts one item's docs from the next's.
    lines.map(|line| line.strip_prefix("///").unwrap_or("#")).collect()
}

/// The items under each `# Implementors`.
fn promises(docs: &[&str]) -> Vec<String> {
    let (mut promises, mut within): (Vec<String>, bool) = (Vec::new(), false);
    let mut open = false;
    for line in docs {
        let line = line.trim();
        if line.starts_with('#') {
            (within, open) = (line == "# Implementors", false);
        } else if within && line.starts_with("- ") {
            promises.push(line.to_owned());
            open = true;
        } else if line.is_empty() {
            open = false;
        } else if open && let Some(promise) = promises.last_mut() {
            promise.push(' ');
            promise.push_str(line);
        }
    }
    promises
}

/// The cases in brackets, several in one pair or one.
fn names(text: &str) -> BTreeSet<&str> {
    let brackets = text.split("(`").skip(1).filter_map(|rest| rest.split_once(')'));
    let words = brackets.flat_map(|(within, _)| within.split(|c: char| c != '_' && !c.is_ascii_lowercase()));
    words.filter(|word| is_name(word)).collect()
}

/// Whether it is written as a case is: a sentence.
fn is_name(word: &str) -> bool {
    word.matches('_').count() > 1 && word.chars().all(|c| c == '_' || c.is_ascii_lowercase())
}

const TRAIT: &str = "
/// A store.
///
/// # Implementors
/// It is enrolled.
///
/// - It keeps its word (`a_word_is_kept`).
pub trait Store: Debug {
    /// Takes something.
    ///
    /// # Implementors
    /// - At once, or in the
    ///   end (`it_is_taken_once`,
    ///   `it_is_not_lost`).
    ///
    /// # Errors
    /// - `Unavailable`.
    fn take(&self);
}
";

#[test]
fn a_trait_that_names_its_cases_is_no_offence() {
    let cases = ["a_word_is_kept", "it_is_taken_once", "it_is_not_lost"];
    assert_eq!(unkept("Store", TRAIT, &cases), Vec::<String>::new());
}

#[test]
fn a_case_that_no_promise_names_is_an_offence() {
    let cases = ["a_word_is_kept", "it_is_taken_once", "it_is_not_lost", "it_is_given_back"];
    assert_eq!(unkept("Store", TRAIT, &cases), ["no promise names it_is_given_back"]);
}

#[test]
fn a_name_that_is_no_case_is_an_offence() {
    let offences = unkept("Store", TRAIT, &["a_word_is_kept", "it_is_taken_once"]);
    assert_eq!(offences, ["it_is_not_lost is named and is no case"]);
}

#[test]
fn a_promise_without_a_case_is_an_offence() {
    let idle = TRAIT.replace(" (`a_word_is_kept`)", "");
    let offences = unkept("Store", &idle, &["it_is_taken_once", "it_is_not_lost"]);
    assert_eq!(offences, ["no case is named by: - It keeps its word."]);
}

const TABLE: &str = r#"
    ("a_word_is_kept", Lie::Breaks),
    ("a_word_is_kept", Lie::Bends("like_this_or_that")),
"#;

#[test]
fn a_case_without_a_liar_is_an_offence() {
    assert_eq!(without_liars(&["a_word_is_kept"], TABLE), Vec::<String>::new());
    let offences = without_liars(&["a_word_is_kept", "it_is_taken_once"], TABLE);
    assert_eq!(offences, ["it_is_taken_once has no liar"]);
}

#[test]
fn a_liar_without_a_case_is_an_offence() {
    assert_eq!(without_liars(&[], TABLE), ["a_word_is_kept has a liar and is no case"]);
}
