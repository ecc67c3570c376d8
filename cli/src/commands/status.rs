//! `oubliette status`

use comfy_table::{Table, presets::NOTHING};
use oubliette::erasure::StepName;
use serde_json::json;

use crate::args::Status;
use crate::dir::Dir;
use crate::exit::Exit;
use crate::output::Output;

pub(crate) async fn run(args: Status, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.dir.dir).await?;
    let (head, promise) = (dir.house.log().head().await?, dir.house.promise());
    let erasures = dir.house.erasures().await?;
    let open = erasures.iter().filter(|erasure| erasure.next().is_some()).count();
    let listed: Vec<_> = erasures
        .iter()
        .map(|erasure| {
            json!({
                "erasure": erasure.erasure,
                "step": erasure.step(),
                "requested_at": erasure.at(StepName::Requested),
                "due": erasure.request().map(|(due, _)| due),
                "purpose": erasure.request().and_then(|(_, purpose)| purpose),
                "closed_at": erasure.at(StepName::Closed),
            })
        })
        .collect();
    let status = json!({
        "dir": dir.root().display().to_string(),
        "head": head,
        "vault": dir.house.vault().id(),
        "public_key": dir.public_key(),
        "promise": promise,
        "erasures": listed,
        "open": open,
    });
    output.result(&status, || {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.add_row(["directory", &dir.root().display().to_string()]);
        table.add_row(["last position", &head.to_string()]);
        table.add_row(["vault", &dir.house.vault().id().to_string()]);
        table.add_row(["signs as", dir.public_key()]);
        let seconds = |time: Option<std::time::Duration>| {
            time.map_or_else(|| "not promised".to_owned(), |time| format!("within {} s", time.as_secs()))
        };
        table.add_row(["unreadable", &seconds(Some(promise.unreadable_within))]);
        table.add_row(["unrecoverable", &seconds(promise.unrecoverable_within)]);
        table.add_row(["bytes gone", &seconds(promise.bytes_gone)]);
        table.add_row(["erasures", &format!("{} closed, {open} open", erasures.len() - open)]);
        table.to_string()
    })
}
