//! Damage at rest: flipped bits and lost ends, in whatever a store keeps.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::sleep;

use crate::fixture::{Blob, Fixture, Medium};

/// Flips in each file, beside those in what it is known to hold.
const FLIPS: usize = 16;
/// How often a store that was dropped is looked at until nothing moves in it any more.
const LOOKS: usize = 2_000;
/// After so many looks that are alike nobody is taken to have it open: half a second, in which
/// whoever closes it in the background has put its journal away.
const CLOSED: usize = 50;
/// The same, of a store whose files are replaced next: who is late keeps the old ones.
const STILL: usize = 4;
/// What refuses to open says that it is damaged, or no such store, or of another release.
const REFUSALS: [&str; 5] = ["Corrupt", "NewerFormat", "Invalid", "WrongVault", "Diverged"];

/// What was done to a store.
#[derive(Clone, Debug)]
pub(crate) struct Damage {
    place: String,
    at: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// One bit at this place is another.
    Flip,
    /// What follows this place is lost.
    Cut,
}

/// Damages a store that nobody has open in one way after the other, has each looked at, and
/// mends it again.
///
/// `held` is what the store is known to hold somewhere, readable: there it is damaged, too.
/// What refuses to open is not looked at: it hides nothing. A store that has nothing at rest
/// has nothing to damage, and says so by [`Blob::in_memory`].
pub(crate) async fn each_damage<Part: ?Sized, F: Fixture<Part>>(
    fixture: &F,
    held: &[Vec<u8>],
    look: impl AsyncFn(&Damage, Arc<Part>),
) {
    let whole = closed(fixture).await;
    assert!(!whole.is_empty(), "the fixture's residue holds every byte of the store");
    if whole.iter().all(|blob| matches!(blob.medium, Medium::Memory)) {
        return;
    }
    let damages: Vec<Damage> = whole.iter().flat_map(|blob| of(blob, held)).collect();
    assert!(
        damages.iter().any(|damage| matches!(damage.kind, Kind::Flip)),
        "the fixture says how its bytes are damaged (`Blob::files`, `Blob::written_by`), or that they are in \
         memory alone"
    );
    for damage in damages {
        damage.done_to(&whole);
        let opened = AssertUnwindSafe(fixture.open()).catch_unwind().await;
        match opened {
            Ok(part) => look(&damage, part).await,
            Err(panic) => {
                let told = panic.downcast_ref::<String>().map_or("", String::as_str);
                let named = REFUSALS.iter().any(|kind| told.contains(kind));
                assert!(
                    named,
                    "a damaged store that does not open says that it is damaged: {damage}: {told}"
                );
            }
        }
        mend(fixture, &whole).await;
    }
}

/// Takes everything away that the store has at rest; `false` for one that has nothing there.
pub(crate) async fn lost<Part: ?Sized, F: Fixture<Part>>(fixture: &F) -> bool {
    let whole = closed(fixture).await;
    assert!(!whole.is_empty(), "the fixture's residue holds every byte of the store");
    whole.iter().for_each(|blob| blob.write(None));
    !whole.iter().all(|blob| matches!(blob.medium, Medium::Memory))
}

impl Damage {
    fn done_to(&self, whole: &[Blob]) {
        for blob in whole.iter().filter(|blob| blob.name == self.place) {
            let mut bytes = blob.bytes.clone();
            match self.kind {
                Kind::Flip => bytes[self.at] ^= 1,
                Kind::Cut => bytes.truncate(self.at),
            }
            blob.write(Some(&bytes));
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, at, kind } = self;
        match kind {
            Kind::Flip => write!(f, "a bit flipped at byte {at} of {place}"),
            Kind::Cut => write!(f, "all from byte {at} lost of {place}"),
        }
    }
}

/// The ways to damage a file. That all of it is lost is none: what is not there is a new store.
fn of(blob: &Blob, held: &[Vec<u8>]) -> Vec<Damage> {
    let length = blob.bytes.len();
    if !matches!(blob.medium, Medium::Writable(_)) || length == 0 {
        return Vec::new();
    }
    let spread = (0..FLIPS).map(|n| length * (2 * n + 1) / (2 * FLIPS));
    let finds = |held: &Vec<u8>| Some(memchr::memmem::find(&blob.bytes, held)? + held.len() / 2);
    let flips = spread.chain(held.iter().filter_map(finds)).map(|at| (Kind::Flip, at));
    let cuts = [1, length / 2, length - 1].into_iter().filter(|at| *at > 0).map(|at| (Kind::Cut, at));
    let all = flips.chain(cuts);
    all.map(|(kind, at)| Damage { place: blob.name.clone(), at, kind }).collect()
}

/// Everything at rest in a store that was opened again and closed in order.
///
/// A journal that was not put away yet is not damaged: what stands in it alone may be lost, as
/// in a crash, and nobody can tell.
async fn closed<Part: ?Sized, F: Fixture<Part>>(fixture: &F) -> Vec<Blob> {
    at_rest(fixture, CLOSED).await;
    drop(fixture.open().await);
    at_rest(fixture, CLOSED).await
}

/// Everything at rest, once whoever had it open has let go of it.
async fn at_rest<Part: ?Sized, F: Fixture<Part>>(fixture: &F, still: usize) -> Vec<Blob> {
    let same = |a: &[Blob], b: &[Blob]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (&a.name, &a.bytes) == (&b.name, &b.bytes))
    };
    let mut before = fixture.residue().await;
    let mut alike = 0;
    for _ in 0..LOOKS {
        sleep(Duration::from_millis(10)).await;
        let now = fixture.residue().await;
        alike = if same(&before, &now) { alike + 1 } else { 0 };
        if alike == still {
            return now;
        }
        before = now;
    }
    panic!("a store that nobody has open is at rest");
}

async fn mend<Part: ?Sized, F: Fixture<Part>>(fixture: &F, whole: &[Blob]) {
    put_back(whole, &at_rest(fixture, STILL).await);
}

/// Makes everything at rest what it was in a copy, and takes away what came since.
pub(crate) fn put_back(copy: &[Blob], now: &[Blob]) {
    for blob in now.iter().filter(|blob| copy.iter().all(|known| known.name != blob.name)) {
        blob.write(None);
    }
    copy.iter().for_each(|blob| blob.write(Some(&blob.bytes)));
}
