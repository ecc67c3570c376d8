//! `oubliette snapshot`

use serde_json::json;

use crate::args::Snapshot;
use crate::dir::Dir;
use crate::exit::Exit;
use crate::output::Output;
use crate::views;

pub(crate) async fn run(args: Snapshot, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.name.dir.dir).await?;
    let projection = views::open(&dir, &args.name.projection, None).await?;
    projection.catch_up().await?;
    let position = projection.snapshot(args.keep).await?;
    let name = &args.name.projection;
    let result = json!({ "projection": name, "position": position, "kept": args.keep });
    output.result(&result, || format!("Took a snapshot of {name} at {position}."))
}
