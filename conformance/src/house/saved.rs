//! Law 6: a snapshot outlives none of its subjects.

use oubliette_core::{ErrorKind, Snapshot};

use super::ciphertext::Ciphertext;
use super::story::told;
use super::{Evidence, House};
use crate::sample::refused;

/// Snapshots go with each person in them, open nowhere, and the state is replayed.
pub(super) async fn a_snapshot_outlives_none_of_its_subjects(parts: House) -> Evidence {
    const PROMISE: &str = "a snapshot outlives none of the people in it";
    let story = told(parts).await;
    let (before, dying) = (story.read().await, story.dying().await);
    let old = story.in_snapshots().await;
    let is_theirs = |snapshot: &&Snapshot| snapshot.sealed.owners().iter().any(|owner| dying.contains(owner));
    let (theirs, others): (Vec<_>, Vec<_>) = old.iter().partition(is_theirs);
    assert!(
        theirs.len() > 1 && others.len() > 1,
        "void: {} of theirs, {} of others",
        theirs.len(),
        others.len()
    );
    let name = &story.cast.people[0].name;
    assert!(before.greetings[0].contains(name), "void: the state says no value openly");
    let sealed = |snapshot: &Snapshot| Ciphertext::from(snapshot.clone());
    let all: Vec<Ciphertext> = old.iter().map(sealed).collect();
    let mut ring = story.ring(&all).await;
    let opened = all.iter().filter(|it| ring.opens(it)).count();
    assert_eq!(opened, all.len(), "void: snapshots open before");

    story.erase().await;
    let store = story.parts.snapshots.open().await;
    let left = story.in_snapshots().await;
    assert_eq!(left.iter().find(is_theirs), None, "{PROMISE}: it is still there");
    for other in &others {
        assert!(left.contains(other), "the snapshots of others stay as they are");
    }
    for snapshot in &theirs {
        refused(store.save(vec![(*snapshot).clone()]).await, ErrorKind::Erased, PROMISE);
    }
    let mut ring = story.ring(&all).await;
    let open = theirs.iter().filter(|snapshot| ring.opens(&sealed(snapshot))).count();
    assert_eq!(open, 0, "{PROMISE}: an old copy opens");
    let after = story.read().await;
    assert_eq!(after.greetings[0], "Hello, ", "{PROMISE}: the state says who they were");
    assert_eq!(after.greetings[1..], before.greetings[1..], "the state of others is as it was");
    // Taken anew, without them.
    story.derive().await;
    let anew = story.in_snapshots().await;
    assert_eq!(anew.iter().find(is_theirs), None, "{PROMISE}: taken anew");
    Evidence {
        trials: ring.trials,
        found_before: theirs.len() as u64,
        found_of_others: others.len() as u64,
        ..Evidence::default()
    }
}
