//! Fuzzes every target, each for some time, from what is committed of its corpus.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Done, cargo_with, nightly, root};

/// Longer inputs find nothing that shorter ones do not, and take longer.
const MAX_LEN: usize = 8 << 10;

pub(crate) fn run(seconds: u64, targets: Vec<String>) -> Done {
    let seeds = ["test", "--package", "oubliette-fuzz", "--test", "corpus", "seeds_can_be_made"];
    cargo_with(&seeds, &[("OUBLIETTE_SEEDS", &work().join("corpus").to_string_lossy())])?;
    or_all(targets)?.iter().try_for_each(|target| {
        let run = Run::of(target);
        let dictionary = folder().join(format!("dictionaries/{target}.dict"));
        run.fuzzer(
            &[&run.found, &run.committed],
            &[
                &format!("-dict={}", dictionary.display()),
                &format!("-max_total_time={seconds}"),
                "-timeout=30",
                "-print_final_stats=1",
            ],
        )
    })
}

/// The places of one target.
pub(crate) struct Run<'a> {
    target: &'a str,
    /// What fuzzing leaves behind.
    pub(crate) work: PathBuf,
    /// What is found beside the committed corpus stays apart from it.
    pub(crate) found: PathBuf,
    pub(crate) committed: PathBuf,
}

impl<'a> Run<'a> {
    pub(crate) fn of(target: &'a str) -> Self {
        let (found, committed) = (work().join("corpus").join(target), folder().join("corpus").join(target));
        Self { target, work: work(), found, committed }
    }

    /// Runs libFuzzer over these folders.
    pub(crate) fn fuzzer(&self, folders: &[&Path], options: &[&str]) -> Done {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let (fuzz, work) = (text(&folder()), text(&self.work));
        let folders: Vec<String> = folders.iter().map(|folder| text(folder)).collect();
        let max_len = format!("-max_len={MAX_LEN}");
        let mut arguments = vec!["fuzz", "run", "--fuzz-dir", &fuzz, "--target-dir", &work, self.target];
        arguments.extend(folders.iter().map(String::as_str));
        arguments.extend(["--", &max_len]);
        arguments.extend(options);
        // Whole-program optimization takes long, and the instrumentation stands in its way.
        let quick = [("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")];
        nightly(&arguments, &quick)
    }
}

fn folder() -> PathBuf {
    root().join("fuzz")
}

fn work() -> PathBuf {
    root().join("target/fuzz")
}

/// The names of these targets, or of all.
pub(crate) fn or_all(named: Vec<String>) -> Result<Vec<String>, String> {
    if !named.is_empty() {
        return Ok(named);
    }
    let folder = folder().join("fuzz_targets");
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names = files.flatten().filter_map(|file| file.file_name().into_string().ok());
    let mut targets: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect();
    targets.sort();
    Ok(targets)
}
