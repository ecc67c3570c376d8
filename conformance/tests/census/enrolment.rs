//! Parts, and the macros that they must be enrolled by.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;

/// What each trait is enrolled by. A store of documents is a projector, too: a view runs over it.
const MACROS: [(&str, &[&str]); 7] = [
    ("EventLog", &["event_log"]),
    ("KeyVault", &["key_vault"]),
    ("Documents", &["documents", "projector"]),
    ("SnapshotStore", &["snapshot_store"]),
    ("BackupTarget", &["backup_target"]),
    ("Projector", &["projector"]),
    ("Ledger", &["ledger"]),
];

/// The traits that these sources implement for a type of their own, tests aside.
pub(crate) fn implemented(sources: &[String]) -> BTreeSet<&'static str> {
    let code: Vec<String> = sources.iter().map(|source| code(source)).collect();
    let implements = |of: &str| {
        let implements = format!("{of} for ");
        code.iter().flat_map(|code| code.split(&implements).skip(1).zip(code.split(&implements))).any(
            |(after, before)| {
                let generic = before.trim_end().ends_with("impl") || before.trim_end().ends_with('>');
                generic && after.starts_with(char::is_uppercase)
            },
        )
    };
    MACROS.iter().map(|(of, _)| *of).filter(|of| implements(of)).collect()
}

/// What is missing in the tests of a crate that implements these traits.
pub(crate) fn offences(name: &str, implemented: &BTreeSet<&str>, tests: &[String]) -> Vec<String> {
    let code: Vec<String> = tests.iter().map(|test| code(test).replace(char::is_whitespace, "")).collect();
    let calls = |of: &str| code.iter().any(|code| code.contains(&format!("oubliette_conformance::{of}!(")));
    let due = MACROS.iter().filter(|(of, _)| implemented.contains(of));
    let missing = due.flat_map(|(of, macros)| macros.iter().map(move |it| (of, it)));
    let missing = missing.filter(|(_, it)| !calls(it));
    let mut offences: Vec<String> =
        missing.map(|(of, it)| format!("{name} implements {of} and is not enrolled by {it}!")).collect();
    let stores = name.starts_with("backend-") || name.starts_with("kms-");
    if stores && code.iter().any(|code| code.contains("Blob::in_memory(")) {
        offences.push(format!("{name} is a store, and says that it has nothing at rest"));
    }
    offences
}

/// The code of a file without its comments.
fn code(text: &str) -> String {
    text.parse::<TokenStream>().expect("a file of the workspace is Rust").to_string()
}

#[cfg(test)]
fn of(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

#[test]
fn what_is_implemented_is_found_and_nothing_else() {
    let source = "
        impl EventLog for Log { }
        // impl Ledger for Nobody { }
        impl<T: Send> KeyVault for Cached<T> { }
        /// A `Documents for` people.
        fn a(documents: &dyn Documents) { for _ in documents { } }
    ";
    assert_eq!(implemented(&of(source)), BTreeSet::from(["EventLog", "KeyVault"]));
}

#[test]
fn a_part_that_is_not_enrolled_is_an_offence() {
    let implemented = BTreeSet::from(["EventLog", "Documents"]);
    let tests = of("
        oubliette_conformance::event_log!(File);
        oubliette_conformance::documents!(File);
        // oubliette_conformance::projector!(Viewed<File>);
    ");
    let offences = offences("backend-x", &implemented, &tests);
    assert_eq!(offences, ["backend-x implements Documents and is not enrolled by projector!"]);
}

#[test]
fn a_store_that_calls_itself_memory_is_an_offence() {
    let tests = of("fn residue() -> Vec<Blob> { vec![Blob::in_memory(\"all\", [])] }");
    let told = offences("kms-x", &BTreeSet::new(), &tests);
    assert_eq!(told, ["kms-x is a store, and says that it has nothing at rest"]);
    assert_eq!(offences("conformance", &BTreeSet::new(), &tests), Vec::<String>::new());
}
