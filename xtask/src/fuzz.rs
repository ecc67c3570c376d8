//! Fuzzes every target, each for some time, from what is committed of its corpus.

use std::fs;

use crate::run::{Done, cargo_with, nightly, root};

/// Longer inputs find nothing that shorter ones do not, and take longer.
const MAX_LEN: usize = 8 << 10;

pub(crate) fn run(seconds: u64) -> Done {
    let folder = root().join("fuzz");
    // What is found beside the committed corpus stays apart from it.
    let work = root().join("target/fuzz");
    let found = work.join("corpus");
    let found = found.to_string_lossy();
    let seeds = ["test", "--package", "oubliette-fuzz", "--test", "corpus", "seeds_can_be_made"];
    cargo_with(&seeds, &[("OUBLIETTE_SEEDS", &found)])?;
    for target in targets()? {
        nightly(
            &[
                "fuzz",
                "run",
                "--fuzz-dir",
                &folder.to_string_lossy(),
                "--target-dir",
                &work.to_string_lossy(),
                &target,
                &format!("{found}/{target}"),
                &folder.join("corpus").join(&target).to_string_lossy(),
                "--",
                &format!("-dict={}", folder.join(format!("dictionaries/{target}.dict")).display()),
                &format!("-max_total_time={seconds}"),
                &format!("-max_len={MAX_LEN}"),
                "-timeout=30",
                "-print_final_stats=1",
            ],
            // Whole-program optimization takes long, and the instrumentation stands in its way.
            &[("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")],
        )?;
    }
    Ok(())
}

/// The names of all targets.
fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names = files.flatten().filter_map(|file| file.file_name().into_string().ok());
    let mut targets: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect();
    targets.sort();
    Ok(targets)
}
