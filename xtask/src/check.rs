//! What is checked beside the tests.

use crate::run::{Done, cargo, cargo_with};
use crate::{examples, excerpts, imports};

/// Features of the facade: each stands alone.
const FEATURES: [&str; 7] = ["sqlite", "postgres", "s3", "kms-local", "kms-aws", "catalogue", "backup"];

pub(crate) fn run() -> Done {
    cargo(&["fmt", "--all", "--check"])?;
    imports::run()?;
    excerpts::run()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    cargo_with(&["doc", "--workspace", "--no-deps", "--all-features"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    cargo(&["check", "--package", "oubliette", "--no-default-features"])?;
    for feature in FEATURES {
        cargo(&["check", "--package", "oubliette", "--no-default-features", "--features", feature])?;
    }
    examples::check()?;
    // What is published can be packed: no crate waits for one that waits for it.
    let unpublished =
        ["--exclude", "oubliette-proof", "--exclude", "oubliette-servers", "--exclude", "xtask"];
    cargo(
        &[&["package", "--workspace", "--no-verify", "--allow-dirty", "--quiet"], &unpublished[..]].concat(),
    )
}
