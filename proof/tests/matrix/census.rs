//! Every backend of the workspace is in the matrix, for each part that it implements.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use oubliette_proof::parts;

/// A trait of a part, and the folders of the crates that implement it.
type Homes = [(&'static str, Vec<&'static str>); 5];

/// What `parts` lists.
fn listed() -> Homes {
    [
        ("EventLog", parts::logs().iter().map(|part| part.home).collect()),
        ("KeyVault", parts::vaults().iter().map(|part| part.home).collect()),
        ("Documents", parts::documents().iter().map(|part| part.home).collect()),
        ("SnapshotStore", parts::snapshots().iter().map(|part| part.home).collect()),
        ("BackupTarget", parts::targets().iter().map(|part| part.home).collect()),
    ]
}

#[test]
fn every_backend_is_in_the_matrix() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let found = implemented(&workspace);
    let missing: Vec<_> = found.iter().filter(|it| !is_listed(it, &listed())).collect();
    assert_eq!(missing, Vec::<&Implemented>::new(), "add it to proof/src/parts.rs");
    for (part, homes) in listed() {
        for home in homes {
            assert!(
                found.contains(&(home.to_owned(), part)),
                "{home} is listed as {part}, and this test finds it"
            );
        }
    }
}

/// The control: this test finds a backend that was forgotten.
#[test]
fn a_backend_that_is_forgotten_is_found() {
    let workspace = tempfile::tempdir().unwrap();
    let source = workspace.path().join("backend-planted/src/rooms");
    fs::create_dir_all(&source).unwrap();
    fs::write(source.join("log.rs"), "#[async_trait]\nimpl EventLog for Planted {\n").unwrap();
    fs::write(source.join("snapshots.rs"), "impl<T: Clone> oubliette_core::SnapshotStore\n    for Of<T>\n")
        .unwrap();
    fs::write(source.join("not.rs"), "// impl KeyVault for Nobody\nfn of(log: impl EventLog) {}\n").unwrap();
    fs::write(source.join("roots.rs"), "impl RootHolder for Elsewhere {\n").unwrap();
    let found = implemented(workspace.path());
    let planted = |part| ("backend-planted".to_owned(), part);
    let parts = ["EventLog", "KeyVault", "SnapshotStore"];
    assert_eq!(found, parts.map(planted).into());
    assert!(found.iter().all(|it| !is_listed(it, &listed())), "what is not in `parts` is missed");
}

/// The folder of a crate, and the trait of a part that it implements.
type Implemented = (String, &'static str);

fn is_listed((home, part): &Implemented, listed: &Homes) -> bool {
    listed.iter().any(|(known, homes)| known == part && homes.contains(&home.as_str()))
}

/// Which crates with backends implement which part.
fn implemented(workspace: &Path) -> BTreeSet<Implemented> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(workspace).unwrap() {
        let folder = entry.unwrap().file_name().into_string().unwrap();
        let holds = folder.starts_with("backend-") || folder.starts_with("kms-");
        if !holds && !["backup", "core", "vault"].contains(&folder.as_str()) {
            continue;
        }
        for file in sources(&workspace.join(&folder).join("src")) {
            let source = fs::read_to_string(file).unwrap();
            let parts = listed().map(|(part, _)| part).into_iter();
            // What holds a vault's roots makes another vault of it.
            let is_in =
                |part| implements(&source, part) || part == "KeyVault" && implements(&source, "RootHolder");
            found.extend(parts.filter(|part| is_in(part)).map(|part| (folder.clone(), part)));
        }
    }
    found
}

/// Whether a source has a block `impl PART for`, with or without generics and a path.
fn implements(source: &str, part: &str) -> bool {
    let code: Vec<_> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let words: Vec<_> = code.iter().flat_map(|line| line.split_whitespace()).collect();
    words.windows(2).enumerate().any(|(at, pair)| {
        let named = pair[0].rsplit("::").next() == Some(part) && pair[1] == "for";
        // Between `impl` and the name there is nothing but generics.
        named
            && words[..at]
                .iter()
                .rev()
                .take_while(|word| !word.ends_with(['{', '}', ';']))
                .any(|word| *word == "impl" || word.starts_with("impl<"))
    })
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.flat_map(|path| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}
