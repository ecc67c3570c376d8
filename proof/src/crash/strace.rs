//! Every system call by which a process writes, told and stopped by strace.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use super::child::{Child, Command, copy_of};

/// What changes a file or a folder.
const WRITING: &str = "write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,ftruncate,fallocate,\
                       unlink,unlinkat,rename,renameat,renameat2,link,linkat,mkdir,mkdirat";

/// A system call in a run.
#[derive(Clone, PartialEq, Eq)]
pub struct SystemCall {
    /// Its name.
    pub name: String,
    /// The file in the house's folder; none for one whose name is another in each run.
    pub file: Option<PathBuf>,
    /// Which of those of this name, on this file, that one thread makes: from 1.
    pub nth: usize,
}

/// What becomes of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// The process is killed before it.
    Killed,
    /// It fails, and all such after it: the disk is full.
    Full,
}

impl SystemCall {
    /// Every system call by which an undisturbed run writes.
    ///
    /// # Panics
    /// When strace is not there, or cannot trace.
    pub fn all(child: Child<'_>, before: &Path) -> Vec<Self> {
        let folder = copy_of(before);
        let told = tempfile::NamedTempFile::new().unwrap();
        let mut strace = Process::new("strace");
        strace.args(["-f", "-qq", "-y", "-s", "300", "-e"]).arg(format!("trace={WRITING}"));
        strace.arg("-o").arg(told.path());
        let output = with(strace, child, folder.path()).output();
        let output = output.unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => {
                panic!("strace is needed for this proof: install the Debian package `strace`")
            }
            _ => panic!("strace cannot be run: {error}"),
        });
        assert!(output.status.success(), "strace: {}", String::from_utf8_lossy(&output.stderr));
        let told = String::from_utf8_lossy(&fs::read(told.path()).unwrap()).into_owned();
        // How often each thread makes each of them.
        let mut counts: BTreeMap<(&str, Option<PathBuf>), BTreeMap<&str, usize>> = BTreeMap::new();
        for line in told.lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            let Some((name, arguments)) = call.trim_start().split_once('(') else { continue };
            // A folder that is there already is not made.
            if arguments.contains(" = -1 E") {
                continue;
            }
            let Some(file) = file_in(arguments, folder.path()) else { continue };
            *counts.entry((name, file)).or_default().entry(thread).or_default() += 1;
        }
        let calls = counts.into_iter().flat_map(|((name, file), threads)| {
            let most = threads.into_values().max().unwrap_or_default();
            (1..=most).map(move |nth| Self { name: name.to_owned(), file: file.clone(), nth })
        });
        calls.collect()
    }

    /// The process to which this happens instead of the system call.
    pub fn process(&self, instead: Instead, child: Child<'_>, folder: &Path) -> Process {
        let Self { name, file, nth } = self;
        let inject = match instead {
            Instead::Killed => format!("inject={name}:signal=KILL:when={nth}"),
            Instead::Full => format!("inject={name}:error=ENOSPC:when={nth}+"),
        };
        let mut strace = Process::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={name}"));
        strace.arg("-e").arg(inject);
        if let Some(file) = file {
            // The folder itself has no slash behind it.
            strace.arg("-P").arg(folder.join(file).components().collect::<PathBuf>());
        }
        with(strace, child, folder)
    }
}

/// A run of the child under strace.
fn with(mut strace: Process, child: Child<'_>, folder: &Path) -> Process {
    let run = child.process(Command::Run, folder);
    strace.arg(run.get_program()).args(run.get_args());
    strace
}

/// The file of a folder that a system call is about, if it is about one, and its name is the same
/// in each run. The index of a write-ahead log is none: whoever opens the database first makes it
/// anew.
fn file_in(arguments: &str, folder: &Path) -> Option<Option<PathBuf>> {
    let folder = folder.to_str()?;
    // Behind a descriptor, which strace tells as `7</folder/file>`, stands what is written.
    let described = arguments.starts_with(|first: char| first.is_ascii_digit());
    let names = match described {
        true => arguments.split('>').next().unwrap_or_default(),
        false => arguments,
    };
    let inside = names.match_indices(folder).map(|(at, _)| {
        let path = &names[at + folder.len()..];
        path[..path.find('"').unwrap_or(path.len())].trim_start_matches('/')
    });
    let files: Vec<&str> = inside.filter(|file| !file.ends_with("-shm")).collect();
    let random = |file: &str| file.contains('~') || file.starts_with("backups/backups/");
    match files.iter().find(|file| !random(file)) {
        Some(file) => Some(Some(PathBuf::from(file))),
        None => files.first().map(|_| None),
    }
}

impl fmt::Debug for SystemCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_deref().unwrap_or(Path::new("any file"));
        write!(f, "{} {} of {}", self.name, self.nth, file.display())
    }
}
