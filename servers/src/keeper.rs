//! Who ends a server when its owner does not.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::user::{User, quiet};

/// `$1` is the folder that goes with the server, `$2` the file for what it prints, `$3` the signal that ends it; the
/// rest is the server's command line.
///
/// A shell reads orders from a pipe whose other end our process holds. However that
/// process ends, killed too, the system closes the pipe: then the shell stops the server and takes the folder away. It
/// knows the server as its own child, so that the process id is of no other, even when the server is long dead.
const SCRIPT: &str = r#"
folder=$1 log=$2 signal=$3 server=
shift 3
while read -r order limit; do
    case $order in
        start)
            (ulimit -S -f "${limit:-unlimited}" && exec "$@") >>"$log" 2>&1 </dev/null &
            server=$!; echo "$server" ;;
        wait) wait "$server" 2>/dev/null; echo "$?"; server= ;;
    esac
done
if [ -n "$server" ]; then kill -s "$signal" "$server"; wait "$server" 2>/dev/null; fi
rm -rf "$folder"
"#;

/// A server that may run, and the folder that goes with it.
#[derive(Debug)]
pub(crate) struct Keeper {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    server: Option<Pid>,
}

impl Keeper {
    /// Keeps the folder, and a server that does not run yet.
    ///
    /// The signal ends the server when we are gone. A shell has what it starts beside itself ignore `QUIT` and
    /// `INT`: only a server that listens to them by itself is ended by those.
    pub(crate) fn new(user: User, folder: &Path, log: &Path, signal: &str, server: &[&OsStr]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "keeper"]).args([folder, log]).arg(signal).args(server);
        // What ends our group, as Ctrl-C does, is not for them: they end when we have.
        shell.process_group(0).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        quiet(&mut shell);
        let mut shell = user.runs(&mut shell).spawn().expect("there is a shell");
        let orders = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().unwrap());
        Self { shell, orders, answers, server: None }
    }

    /// The server's process, as long as it was not stopped.
    pub(crate) fn server(&self) -> Option<Pid> {
        self.server
    }

    /// Starts the server. Its files may grow to so many blocks of 512 bytes, where there is a limit.
    pub(crate) fn start(&mut self, limit: Option<u64>) -> Pid {
        assert_eq!(self.server, None, "a server is started once");
        let order = limit.map_or("start".to_owned(), |blocks| format!("start {blocks}"));
        let pid = Pid::from_raw(self.ask(&order).parse().unwrap()).unwrap();
        self.server = Some(pid);
        pid
    }

    /// Sends the signal and waits for the end, if the server runs.
    pub(crate) fn stop(&mut self, signal: Signal) {
        if let Some(pid) = self.server.take() {
            // It is there until the shell has waited for it, dead or alive.
            kill_process(pid, signal).unwrap();
            self.ask("wait");
        }
    }

    fn ask(&mut self, order: &str) -> String {
        let orders = self.orders.as_mut().unwrap();
        writeln!(orders, "{order}").expect("the shell reads orders");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the shell answers");
        answer.trim_end().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        // One that has failed has left its folder behind: no reason to fail where nobody looks.
        let _ = self.shell.wait();
    }
}
