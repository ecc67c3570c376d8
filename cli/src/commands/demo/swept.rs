//! The ciphertext itself: there before, and gone once the stores are swept.

use futures::TryStreamExt as _;
use oubliette::erasure::certificate::Claim;
use oubliette::{KeyId, Query, SealedPart, Swept};

use super::proof::Proof;
use super::raw;
use crate::commands::sweep;
use crate::dir::{Dir, cannot};
use crate::exit::Exit;

/// Nonces and tags of sealed parts, which are looked for in the stores.
pub(super) struct Ciphertext {
    theirs: Vec<Vec<u8>>,
    /// The negative control: parts of everyone else.
    others: Vec<Vec<u8>>,
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
        let found_before = count(dir, &theirs).await?;
        Ok(Self { theirs, others, found_before })
    }

    /// Sweeps, and looks again.
    pub(super) async fn goes(self, dir: &Dir, proof: &mut Proof) -> Result<(), Exit> {
        let unswept = count(dir, &self.theirs).await?;
        let swept = dir.house.sweep().await?;
        sweep::keep(dir, &swept.settled)?;
        let (left, others) = (count(dir, &self.theirs).await?, count(dir, &self.others).await?);
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
}

/// How many of them stand in the files of the stores, or in what a log that is no file gives back.
async fn count(dir: &Dir, traces: &[Vec<u8>]) -> Result<usize, Exit> {
    let (root, stores) = (dir.root(), dir.config().stores());
    let mut all = match stores.log.file(root) {
        Some(_) => Vec::new(),
        None => raw(dir, Query::all()).await?,
    };
    for path in stores.each().into_iter().filter_map(|(_, place)| place.file(root)) {
        for ending in ["db", "db-wal", "db-shm"] {
            let path = path.with_extension(ending);
            if path.exists() {
                all.push(std::fs::read(&path).map_err(|error| cannot("read", &path, &error))?);
            }
        }
    }
    let stands = |trace: &&Vec<u8>| all.iter().any(|bytes| memchr::memmem::find(bytes, trace).is_some());
    Ok(traces.iter().filter(stands).count())
}

fn traces(part: &SealedPart) -> [Vec<u8>; 2] {
    let (nonce, tag) = part.traces();
    [nonce.to_vec(), tag.to_vec()]
}
