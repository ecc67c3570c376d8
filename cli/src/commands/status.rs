//! `oubliette status`

use std::collections::BTreeMap;

use comfy_table::{Table, presets::NOTHING};
use jiff::Timestamp;
use oubliette::erasure::certificate::Claim;
use oubliette::erasure::{Progress, StepName};
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
    let pending: Vec<Timestamp> = erasures.iter().filter_map(pending_until).collect();
    let overdue = pending.iter().filter(|until| **until < Timestamp::now()).count();
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
                "bytes_pending_until": pending_until(erasure),
            })
        })
        .collect();
    let stores = dir.config().stores();
    let places: BTreeMap<_, _> = stores
        .each()
        .into_iter()
        .map(|(store, place)| (store, stores.shown(store, place, dir.root())))
        .collect();
    let status = json!({
        "dir": dir.root().display().to_string(),
        "stores": places,
        "head": head,
        "vault": dir.house.vault().id(),
        "public_key": dir.public_key(),
        "promise": promise,
        "erasures": listed,
        "open": open,
        "unswept": pending.len(),
        "unswept_overdue": overdue,
    });
    output.result(&status, || {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.add_row(["directory", &dir.root().display().to_string()]);
        for (store, place) in &places {
            table.add_row([*store, place.as_str()]);
        }
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
        let unswept = match (pending.len(), overdue) {
            (0, _) => "nothing".to_owned(),
            (unswept, 0) => format!("{unswept} erasures: run `oubliette sweep` every night"),
            (unswept, overdue) => {
                format!("{unswept} erasures, {overdue} of them overdue: run `oubliette sweep`")
            }
        };
        table.add_row(["unswept", &unswept]);
        table.to_string()
    })
}

/// By when the bytes of an erasure are to be gone from stores that are not swept yet. What
/// backups hold expires, and is not swept.
fn pending_until(erasure: &Progress) -> Option<Timestamp> {
    let stores = &erasure.certificate()?.certificate().stores;
    let pending =
        stores.iter().filter(|(store, _)| *store != "backups").filter_map(|(_, levels)| match levels.d {
            Claim::Pending { until, .. } => Some(until),
            Claim::Holds { .. } | Claim::NotClaimed { .. } => None,
        });
    pending.min()
}
