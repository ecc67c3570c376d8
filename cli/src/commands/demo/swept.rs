//! The ciphertext itself: there before, and gone once the stores are swept.

use std::path::PathBuf;

use futures::TryStreamExt as _;
use oubliette::erasure::certificate::Claim;
use oubliette::{KeyId, Query, SealedPart, Swept};

use super::proof::Proof;
use crate::commands::sweep;
use crate::dir::{Dir, cannot};
use crate::exit::Exit;

/// Nonces and tags of sealed parts, and the files in which they stand.
pub(super) struct Ciphertext {
    theirs: Vec<Vec<u8>>,
    /// The negative control: parts of everyone else.
    others: Vec<Vec<u8>>,
    files: Vec<PathBuf>,
    found_before: usize,
}

impl Ciphertext {
    pub(super) async fn find(dir: &Dir, keys: &[KeyId]) -> Result<Self, Exit> {
        let (mut theirs, mut others) = (Vec::new(), Vec::new());
        let events = dir.house.log().read(Query::all()).try_concat().await?;
        for part in events.iter().flat_map(|event| event.envelope.parts.iter().flatten()) {
            let dead = part.owners().any(|owner| keys.contains(&owner));
            if dead { &mut theirs } else { &mut others }.extend(traces(part));
        }
        let (root, config) = (dir.root(), dir.config());
        let stores = [config.log(root), config.documents(root), config.snapshots(root)];
        let files = stores.into_iter().flat_map(|path| {
            let beside = |ending: &str| path.with_extension(format!("db{ending}"));
            [beside(""), beside("-wal"), beside("-shm")]
        });
        let mut found = Self { theirs, others, files: files.collect(), found_before: 0 };
        found.found_before = found.count(&found.theirs)?;
        Ok(found)
    }

    /// Sweeps, and looks again.
    pub(super) async fn goes(self, dir: &Dir, proof: &mut Proof) -> Result<(), Exit> {
        let unswept = self.count(&self.theirs)?;
        let swept = dir.house.sweep().await?;
        sweep::keep(dir, &swept.settled)?;
        let (left, others) = (self.count(&self.theirs)?, self.count(&self.others)?);
        let erasures = dir.house.erasures().await?;
        let outcomes: Vec<_> = swept.stores.iter().map(|(store, swept)| format!("{store} {swept}")).collect();
        // Who cannot promise it must not claim it, and who claims it must have done it.
        let honest = swept.stores.iter().all(|(store, swept)| {
            let claims = erasures
                .iter()
                .filter_map(|erasure| Some(&erasure.certificate()?.certificate().stores.get(store)?.d));
            let mut claims = claims.peekable();
            let holds = |claim: &Claim| matches!(claim, Claim::Holds { .. });
            claims.peek().is_some() && claims.all(|claim| holds(claim) == (*swept == Swept::Clean))
        });
        proof.claim(
            "once the stores are swept, their ciphertext is gone too, and the certificate says so of no store \
             that was not",
            self.found_before > 0 && left == 0 && others > 0 && honest,
            format!(
                "{} nonces and tags, {} of them found before, {unswept} after the keys were gone, {left} after the \
                 sweep; {others} of others still there; {}",
                self.theirs.len(),
                self.found_before,
                outcomes.join(", ")
            ),
        );
        Ok(())
    }

    fn count(&self, traces: &[Vec<u8>]) -> Result<usize, Exit> {
        let mut files = Vec::new();
        for path in self.files.iter().filter(|path| path.exists()) {
            files.push(std::fs::read(path).map_err(|error| cannot("read", path, &error))?);
        }
        let stands = |trace: &&Vec<u8>| files.iter().any(|file| memchr::memmem::find(file, trace).is_some());
        Ok(traces.iter().filter(stands).count())
    }
}

fn traces(part: &SealedPart) -> [Vec<u8>; 2] {
    let (nonce, tag) = part.traces();
    [nonce.to_vec(), tag.to_vec()]
}
