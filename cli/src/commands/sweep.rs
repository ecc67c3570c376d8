//! `oubliette sweep`

use comfy_table::{Table, presets::NOTHING};
use oubliette::Swept;
use oubliette::erasure::{SignedCertificate, Sweep};
use serde_json::{Value, json};

use crate::args::Sweep as Args;
use crate::dir::Dir;
use crate::exit::{Exit, INCOMPLETE};
use crate::output::Output;

pub(crate) async fn run(args: Args, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.dir.dir).await?;
    let sweep = dir.house.sweep().await?;
    keep(&dir, &sweep.settled)?;
    let stores: serde_json::Map<String, Value> =
        sweep.stores.iter().map(|(store, swept)| (store.clone(), outcome(swept))).collect();
    let result = json!({ "stores": stores, "certificates_settled": sweep.settled.len() });
    output.result(&result, || {
        let mut table = Table::new();
        table.load_style(NOTHING);
        for (store, swept) in &sweep.stores {
            table.add_row([store.as_str(), &swept.to_string()]);
        }
        table.add_row(["certificates", &format!("{} signed anew", sweep.settled.len())]);
        table.to_string()
    })?;
    unless_blocked(&sweep)
}

/// Keeps the certificates that were signed anew.
pub(crate) fn keep(dir: &Dir, settled: &[SignedCertificate]) -> Result<(), Exit> {
    settled.iter().try_for_each(|certificate| dir.keep(certificate).map(drop))
}

/// An error that names what is in the way.
pub(crate) fn unless_blocked(sweep: &Sweep) -> Result<(), Exit> {
    let blocked = sweep.stores.iter().filter(|(_, swept)| matches!(swept, Swept::Blocked { .. }));
    let blocked: Vec<String> = blocked.map(|(store, swept)| format!("{store}: {swept}")).collect();
    if blocked.is_empty() {
        return Ok(());
    }
    Err(Exit::new(INCOMPLETE, "dead bytes stay where something was in the way of the sweep")
        .details(blocked)
        .next("let it end, and sweep again: oubliette sweep --dir DIR"))
}

fn outcome(swept: &Swept) -> Value {
    match swept {
        Swept::Clean => json!({ "swept": true }),
        Swept::Blocked { by } => json!({ "swept": false, "blocked_by": by }),
        Swept::Unsure { why } => json!({ "swept": false, "why": why }),
    }
}
