//! The import rules of ARCHITECTURE.md, and the licences and sources of dependencies.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::run::{Done, cargo_output};

/// What a crate of the workspace may import of it, for use and for tests.
const RULES: &[(&str, &[&str], &[&str])] = &[
    ("oubliette-core", &[], &[]),
    ("oubliette-conformance", &["oubliette-core", "oubliette-backup"], &[]),
    ("oubliette-servers", &[], &[]),
    ("oubliette-catalogue", &["oubliette-core"], &[]),
    ("oubliette-backend-sqlite", &["oubliette-core"], &["oubliette-conformance"]),
    (
        "oubliette-backend-postgres",
        &["oubliette-core", "oubliette-vault"],
        &["oubliette-conformance", "oubliette-servers"],
    ),
    (
        "oubliette-backend-s3",
        &["oubliette-core", "oubliette-vault"],
        &["oubliette-conformance", "oubliette-servers"],
    ),
    ("oubliette-backup", &["oubliette-core"], &["oubliette-conformance"]),
    ("oubliette-vault", &["oubliette-core"], &["oubliette-conformance"]),
    ("oubliette-kms-local", &["oubliette-core", "oubliette-vault"], &["oubliette-conformance"]),
    (
        "oubliette-kms-aws",
        &["oubliette-core", "oubliette-vault"],
        &["oubliette-conformance", "oubliette-servers"],
    ),
    (
        "oubliette",
        &[
            "oubliette-core",
            "oubliette-backend-sqlite",
            "oubliette-backend-postgres",
            "oubliette-backend-s3",
            "oubliette-backup",
            "oubliette-kms-aws",
            "oubliette-kms-local",
            "oubliette-catalogue",
        ],
        &["oubliette-conformance", "oubliette-backend-postgres", "oubliette-servers"],
    ),
    ("oubliette-cli", &["oubliette"], &["oubliette-servers"]),
    (
        "oubliette-proof",
        &[
            "oubliette-core",
            "oubliette-conformance",
            "oubliette-backend-postgres",
            "oubliette-backend-s3",
            "oubliette-backend-sqlite",
            "oubliette-backup",
            "oubliette-kms-aws",
            "oubliette-kms-local",
            "oubliette-servers",
            "oubliette-vault",
        ],
        &[],
    ),
    (
        "oubliette-fuzz",
        &["oubliette-core", "oubliette-backup", "oubliette-kms-local", "oubliette-catalogue"],
        &[],
    ),
    ("xtask", &["oubliette-servers"], &[]),
];

/// Drivers: what `core` must not import.
const DRIVERS: [&str; 4] = ["sqlx", "rusqlite", "aws-sdk-s3", "aws-sdk-kms"];

/// Licences that go with MIT OR Apache-2.0.
const LICENCES: [&str; 13] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

pub(crate) fn run() -> Done {
    let metadata = cargo_output(&["metadata", "--format-version", "1", "--all-features"])?;
    let metadata: Value = serde_json::from_slice(&metadata).map_err(|error| error.to_string())?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).ok_or("cargo metadata has no packages")?;
    let (own, foreign): (Vec<_>, Vec<_>) =
        packages.iter().partition(|package| text(package, "source").is_empty());
    let mut faults = Vec::new();
    let rules: BTreeMap<_, _> = RULES.iter().map(|(name, uses, tests)| (*name, (*uses, *tests))).collect();
    for package in &own {
        own_imports(package, &rules, &mut faults);
    }
    for package in &foreign {
        licence_and_source(package, &mut faults);
    }
    if own.len() != RULES.len() {
        faults.push(format!("{} crates and {} rules: give each crate a rule", own.len(), RULES.len()));
    }
    if faults.is_empty() {
        eprintln!(
            "-- imports of {} crates, licences and sources of {} dependencies",
            own.len(),
            foreign.len()
        );
        return Ok(());
    }
    Err(faults.join("\n       "))
}

fn own_imports(package: &Value, rules: &BTreeMap<&str, (&[&str], &[&str])>, faults: &mut Vec<String>) {
    let name = text(package, "name");
    let Some((uses, tests)) = rules.get(name) else {
        faults.push(format!("{name} has no import rule: add it to xtask/src/imports.rs"));
        return;
    };
    for dependency in package.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
        let import = text(dependency, "name");
        let is_own = import.starts_with("oubliette");
        let for_tests = text(dependency, "kind") == "dev";
        if is_own && !uses.contains(&import) && !(for_tests && tests.contains(&import)) {
            faults.push(format!("{name} may not import {import}"));
        }
        if name == "oubliette-core" && DRIVERS.contains(&import) {
            faults.push(format!("core may not import the driver {import}"));
        }
        if name == "oubliette"
            && is_own
            && !for_tests
            && import != "oubliette-core"
            && dependency.get("optional") != Some(&Value::Bool(true))
        {
            faults.push(format!("the facade imports {import} without a feature"));
        }
    }
}

fn licence_and_source(package: &Value, faults: &mut Vec<String>) {
    let name = text(package, "name");
    if !text(package, "source").starts_with("registry+") {
        faults.push(format!("{name} does not come from the registry"));
    }
    let licence = text(package, "license").replace(['(', ')'], "").replace('/', " OR ");
    // Of alternatives one must fit; of what holds together, all.
    let fits = licence.split(" OR ").any(|one| one.split(" AND ").all(|one| LICENCES.contains(&one.trim())));
    if !fits {
        faults.push(format!("{name} has licence {licence:?}"));
    }
}

/// A field of text; empty when there is none.
fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
