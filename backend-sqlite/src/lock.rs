//! Who holds a file: the processes whose locks stand on it.

use std::fs;
use std::path::{Path, PathBuf};

/// Who reads or writes the database now, by name and process id. Where the system does not
/// tell, a reader without a name.
pub(crate) fn holders(path: &Path) -> Vec<String> {
    let mut holders: Vec<String> = pids(path).into_iter().map(name).collect();
    holders.dedup();
    if holders.is_empty() {
        holders.push("an open reader or writer of the file".to_owned());
    }
    holders
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
    // This process always holds the lock that says that the file is open: it is named last,
    // unless somebody else is.
    let own = std::process::id();
    if pids.iter().any(|pid| *pid != own) {
        pids.retain(|pid| *pid != own);
    }
    pids
}

#[cfg(not(target_os = "linux"))]
fn pids(_path: &Path) -> Vec<u32> {
    Vec::new()
}

fn name(pid: u32) -> String {
    if pid == std::process::id() {
        return "a reader in this process".to_owned();
    }
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
