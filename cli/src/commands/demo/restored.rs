//! The backup from before the erasure, restored elsewhere.

use oubliette::Query;
use oubliette::backup::Options;

use super::elsewhere::stores_beside;
use super::known::Known;
use super::lines;
use super::proof::Proof;
use crate::commands::backup::{backups, restore_log};
use crate::dir::Dir;
use crate::exit::{CLOSED, Exit};
use crate::output::Output;

const BACKUPS: &str = "backups";

/// Takes a backup of the log.
pub(super) async fn back_up(dir: &Dir) -> Result<(), Exit> {
    let backups = backups(&dir.root().join(BACKUPS), dir.config().register(dir.root())).await?;
    backups.create(dir.house.log(), dir.house.vault(), &Options::new(), &|_| {}).await?;
    Ok(())
}

/// Restores it: without the ledger it stays closed, with it the erasure is replayed before
/// anything is read.
pub(super) async fn forgets(
    dir: &Dir,
    before: &Known,
    proof: &mut Proof,
    output: &Output,
) -> Result<(), Exit> {
    let root = dir.root().join("restored");
    let config = dir.config().beside(dir.root(), stores_beside(&dir.config().stores()))?;
    // A ledger from before the erasure: there was none yet.
    let old = config.with_ledger(root.join("old-ledger.jsonl"));
    Dir::create_beside(&root, &old, dir.root())?;
    restore_log(&root, &old, &dir.root().join(BACKUPS), None, output).await?;
    let closed = match Dir::open(&root).await {
        Ok(_) => "it opened".to_owned(),
        Err(exit) if exit.code == CLOSED => exit.error,
        Err(exit) => return Err(exit),
    };
    proof.claim(
        "a backup from before the erasure, restored beside a ledger from before it, stays closed",
        closed.contains("anchored"),
        closed,
    );
    config.write(&root)?;
    let restored = Dir::open(&root).await?;
    let after = lines(restored.house.read(Query::all())).await?;
    let wrong = after.iter().zip(&before.expected).filter(|(is, should)| is != should).count();
    let left = restored.house.log().read(Query::sealed_under(before.keys.clone()));
    let left = futures::TryStreamExt::try_collect::<Vec<_>>(left).await?.concat().len();
    proof.claim(
        "beside the right ledger it is reconciled, swept, and has forgotten as well",
        wrong == 0 && after.len() == before.expected.len() && left == 0,
        format!(
            "{} events of the backup read, {wrong} not as expected, {left} hold a dead part",
            after.len()
        ),
    );
    Ok(())
}
