//! Keeps of a corpus the few inputs that lead through most of the code.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::fuzz::{Run, or_all};
use crate::run::Done;

/// How many inputs of each target are committed, at most.
const FILES: usize = 40;
/// And how many bytes of them.
const BYTES: u64 = 36 << 10;

pub(crate) fn run(targets: Vec<String>) -> Done {
    or_all(targets)?.iter().try_for_each(|target| keep(target))
}

fn keep(target: &str) -> Done {
    let run = Run::of(target);
    let (measured, merged) = (run.work.join("merge.txt"), run.work.join("merged"));
    let fault = |error: std::io::Error| format!("{target}: {error}");
    for path in [&measured, &merged] {
        _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
    }
    fs::create_dir_all(&merged).map_err(fault)?;
    run.fuzzer(
        &[&merged, &run.found, &run.committed],
        // Each edge counts once, and every input that leads over it is listed with it.
        &["-set_cover_merge=1", "-use_counters=0", &format!("-merge_control_file={}", measured.display())],
    )?;
    let measured = fs::read_to_string(&measured).map_err(fault)?;
    let inputs =
        inputs(&measured).ok_or_else(|| format!("{target}: what libFuzzer measured cannot be read"))?;
    let mut kept = Vec::new();
    for input in fewest(inputs)? {
        kept.push((input.file_name().unwrap_or_default().to_owned(), fs::read(&input).map_err(fault)?));
    }
    fs::remove_dir_all(&run.committed).and_then(|()| fs::create_dir(&run.committed)).map_err(fault)?;
    for (name, bytes) in &kept {
        fs::write(run.committed.join(name), bytes).map_err(fault)?;
    }
    eprintln!("-- {target}: {} inputs are kept", kept.len());
    Ok(())
}

/// Each input and the numbers of the edges that it leads over, as the control file of a merge
/// has them: two counts, the names, and for each a line `FT <number> <edge>..`.
fn inputs(measured: &str) -> Option<Vec<(PathBuf, HashSet<u64>)>> {
    let mut lines = measured.lines();
    let count: usize = lines.next()?.parse().ok()?;
    let names: Vec<&str> = lines.by_ref().skip(1).take(count).collect();
    let mut edges: BTreeMap<usize, HashSet<u64>> = BTreeMap::new();
    for line in lines {
        let mut words = line.split(' ');
        if words.next() == Some("FT") {
            let number = words.next()?.parse().ok()?;
            edges.insert(number, words.filter_map(|edge| edge.parse().ok()).collect());
        }
    }
    Some(
        names
            .iter()
            .enumerate()
            .map(|(n, name)| (name.into(), edges.remove(&n).unwrap_or_default()))
            .collect(),
    )
}

/// Takes again and again the input that leads over the most edges that none before it did.
fn fewest(mut inputs: Vec<(PathBuf, HashSet<u64>)>) -> Result<Vec<PathBuf>, String> {
    let (mut kept, mut left) = (Vec::new(), BYTES);
    while kept.len() < FILES {
        inputs.retain(|(_, edges)| !edges.is_empty());
        let news = |n: &usize| inputs.get(*n).map(|(_, edges)| edges.len());
        let Some(best) = (0..inputs.len()).max_by_key(news) else { break };
        let (path, seen) = inputs.swap_remove(best);
        let bytes = size(&path)?;
        if bytes <= left {
            left -= bytes;
            kept.push(path);
            inputs.iter_mut().for_each(|(_, edges)| edges.retain(|edge| !seen.contains(edge)));
        }
    }
    Ok(kept)
}

fn size(path: &Path) -> Result<u64, String> {
    fs::metadata(path).map(|it| it.len()).map_err(|error| format!("{}: {error}", path.display()))
}
