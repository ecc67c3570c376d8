//! Who holds a file: the processes whose locks stand on it.

use std::fs;
use std::path::{Path, PathBuf};

/// Who may be in the way of a sweep. Where the system tells of nobody else, it is a reader
/// in this process, which has the file open itself.
pub(crate) fn holders(path: &Path) -> Vec<String> {
    let others = others(path);
    if others.is_empty() { vec!["an open reader in this process".to_owned()] } else { others }
}

/// The other processes that hold a lock on the database, by process id and name.
pub(crate) fn others(path: &Path) -> Vec<String> {
    let own = std::process::id();
    pids(path).into_iter().filter(|pid| *pid != own).map(name).collect()
}

#[cfg(target_os = "linux")]
fn pids(path: &Path) -> Vec<u32> {
    use std::os::unix::fs::MetadataExt as _;

    // In write-ahead mode the locks of readers and writers are on the file of shared memory.
    let inodes: Vec<String> = [beside(path, "-shm"), path.to_owned()]
        .iter()
        .filter_map(|file| Some(fs::metadata(file).ok()?.ino().to_string()))
        .collect();
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    // `1: POSIX  ADVISORY  READ  4242 fe:00:1234 123 123`, proc_locks(5).
    let mut pids: Vec<u32> = locks
        .lines()
        .filter_map(|line| {
            let mut words =
                line.split_whitespace().skip_while(|word| *word != "READ" && *word != "WRITE").skip(1);
            let pid = words.next()?.parse().ok()?;
            let inode = words.next()?.rsplit(':').next()?;
            inodes.iter().any(|known| known == inode).then_some(pid)
        })
        .collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

#[cfg(not(target_os = "linux"))]
fn pids(_path: &Path) -> Vec<u32> {
    Vec::new()
}

fn name(pid: u32) -> String {
    let program = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    match program.trim() {
        "" => format!("process {pid}"),
        program => format!("process {pid} ({program})"),
    }
}

/// A file of SQLite's own beside the database.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
