//! Examples that are crates of their own, outside the workspace, as those of its users are.

use crate::run::{Done, cargo_with};

const CRATES: [&str; 1] = ["examples/redb-log/Cargo.toml"];

pub(crate) fn test() -> Done {
    CRATES.iter().try_for_each(|manifest| apart(&["test", "--manifest-path", manifest]))
}

pub(crate) fn check() -> Done {
    for manifest in CRATES {
        apart(&["fmt", "--check", "--manifest-path", manifest])?;
        let strict = ["--all-targets", "--", "-D", "warnings"];
        apart(&[&["clippy", "--manifest-path", manifest], &strict[..]].concat())?;
    }
    Ok(())
}

/// What is built for them goes under the workspace's `target`, and the tree stays clean.
fn apart(arguments: &[&str]) -> Done {
    cargo_with(arguments, &[("CARGO_TARGET_DIR", "target/examples")])
}
