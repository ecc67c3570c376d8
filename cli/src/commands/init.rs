//! `oubliette init`

use serde_json::json;

use crate::args::Init;
use crate::dir::Dir;
use crate::exit::Exit;
use crate::output::Output;

pub(crate) async fn run(args: Init, output: &Output) -> Result<(), Exit> {
    let Init { dir, master_key, stores, ledger_copy, roots } = args;
    let dir = Dir::create(&dir.dir, master_key, stores, ledger_copy.as_deref(), roots).await?;
    let root = dir.root().display();
    let made = json!({ "dir": root.to_string(), "public_key": dir.public_key() });
    output.result(&made, || {
        format!(
            "Made an oubliette in {root}.\n\
             Certificates are signed by {}: publish this key, so that others can check them.\n\
             Keep the master key safe and apart: without it nothing personal can be read again.",
            dir.public_key()
        )
    })
}
