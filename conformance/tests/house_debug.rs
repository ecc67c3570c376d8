//! No public type is left out whose `Debug` could tell something.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use std::collections::BTreeSet;

use oubliette_conformance::house::debug::{SHOWN, WITHOUT_DATA};

/// The names that `core` exports, as others see them.
fn exported() -> BTreeSet<String> {
    let source = include_str!("../../core/src/lib.rs");
    let uses = source.split("pub use self::").skip(1).filter_map(|rest| rest.split_once(';'));
    let names = uses.flat_map(|(path, _)| {
        let (_, names) = path.split_once("::").unwrap();
        let names = names.trim_matches(['{', '}']).split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| name.rsplit(" as ").next().unwrap().to_owned()).collect::<Vec<_>>()
    });
    names.collect()
}

#[test]
fn every_exported_type_is_shown_or_holds_nothing_of_anybody() {
    let exported = exported();
    assert!(exported.len() > 100, "the exports are read: {exported:?}");
    let known: BTreeSet<String> = SHOWN.iter().chain(WITHOUT_DATA).map(ToString::to_string).collect();
    let missing: Vec<_> = exported.difference(&known).collect();
    assert_eq!(missing, Vec::<&String>::new(), "show its `Debug`, or say that it holds nothing of anybody");
    assert_eq!(known.len(), SHOWN.len() + WITHOUT_DATA.len(), "none of them stands twice");
}

#[test]
fn every_name_in_the_lists_is_exported() {
    let exported = exported();
    let of_core = SHOWN.iter().chain(WITHOUT_DATA).filter(|name| !name.contains([':', ' ']));
    let unknown: Vec<_> = of_core.filter(|name| !exported.contains(**name)).collect();
    assert_eq!(unknown, Vec::<&&str>::new(), "a name in the lists is one of `oubliette-core`");
}
