//! Law 3, gone is gone, for what comes late; and law 8, for an erasure of one purpose.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oubliette_core::{Batch, BuildState, DocumentChanges, ErrorKind, Expect, KeyId, KeyState};

use super::ciphertext::Ciphertext;
use super::keys::assert_tells;
use super::story::told;
use super::{Evidence, House};
use crate::sample::{self, CONTRACT, MARKETING, refused, scope, stream};

/// What was sealed before the erasure, and reaches a store after it, is refused.
pub(super) async fn a_write_under_a_dead_key_is_refused(parts: House) -> Evidence {
    const PROMISE: &str = "what was sealed before an erasure is refused after it";
    let story = told(parts).await;
    let vault = story.house.vault();
    let theirs = sample::mint(&**vault, &scope(story.cast.people[0].id, CONTRACT)).await;
    let other = sample::mint(&**vault, &scope(story.cast.neighbour().id, CONTRACT)).await;
    let late = stream("late");
    let sealed = |name: &str| {
        let owners: &[&[&_]] = if name == "alone" { &[&[&theirs]] } else { &[&[&theirs, &other]] };
        Batch::one(late.clone(), Expect::Any, vec![sample::sealed(&late, owners)])
    };
    let (log, running) = (story.parts.log.open().await, story.house.log().clone());
    running.append(sealed("alone")).await.expect("void: it is taken before");
    let dying = story.dying().await;
    let documents = story.served().await;
    let dead: Vec<_> =
        documents.into_iter().filter(|it| it.owners().iter().any(|key| dying.contains(key))).collect();
    let snapshots = story.in_snapshots().await;
    let saved = snapshots.into_iter().find(|it| it.sealed.owners().iter().any(|key| dying.contains(key)));
    let saved = saved.expect("void: no snapshot is theirs");
    assert!(!dead.is_empty(), "void: no document is theirs");
    story.erase().await;
    let reopened = story.parts.log.open().await;
    for log in [&log, &running, &reopened] {
        for name in ["alone", "together"] {
            refused(log.append(sealed(name)).await, ErrorKind::Erased, PROMISE);
        }
    }
    let store = story.parts.documents.open().await;
    let builds = store.builds().await.expect("builds can be listed");
    let build = builds.iter().find(|build| build.state == BuildState::Served).expect("one is served");
    for document in &dead {
        let (at, put) = (build.position, vec![document.clone()]);
        let changes = DocumentChanges { after: at, through: at, put, ..Default::default() };
        refused(store.commit(build.id, changes).await, ErrorKind::Erased, PROMISE);
    }
    let snapshots = story.parts.snapshots.open().await;
    refused(snapshots.save(vec![saved]).await, ErrorKind::Erased, PROMISE);
    let left = story.in_stores().await.iter().filter(|it| it.is_under(&dying)).count();
    assert_eq!(left, 0, "{PROMISE}: {left} of them are there");
    // Others go on.
    let theirs = Batch::one(late.clone(), Expect::Any, vec![sample::sealed(&late, &[&[&other]])]);
    running.append(theirs).await.expect("what others seal is taken");
    Evidence { trials: 7 + dead.len() as u64, found_before: 1, found_of_others: 1, ..Evidence::default() }
}

/// Two processes append about a person who is being erased, until they are refused.
pub(super) async fn writes_that_race_an_erasure_leave_nothing(parts: House) -> Evidence {
    const PROMISE: &str = "whoever appends while a person is erased leaves nothing of them";
    let story = Arc::new(told(parts).await);
    let running = story.again().await.build().await.expect("a house opens twice");
    let erased = Arc::new(AtomicBool::new(false));
    let racing = [story.house.clone(), running].into_iter().enumerate().map(|(n, house)| {
        let (story, erased) = (Arc::clone(&story), Arc::clone(&erased));
        tokio::spawn(async move {
            let stream = stream(format!("racing-{n}"));
            let mut taken = 0_u64;
            loop {
                // One that begins after the certificate was signed is refused.
                let over = erased.load(Ordering::SeqCst);
                match house.append(stream.clone(), Expect::Any, story.says_again()).await {
                    Err(error) => break (taken, Some(error.kind())),
                    Ok(_) if over => break (taken, None),
                    Ok(_) => taken += 1,
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let racing: Vec<_> = racing.collect();
    while story.house.log().version(&stream("racing-0")).await.expect("a log can be asked").0 == 0 {
        tokio::task::yield_now().await;
    }
    story.erase().await;
    erased.store(true, Ordering::SeqCst);
    let mut evidence = Evidence::default();
    for task in racing {
        let (taken, refused) = task.await.expect("an append ends");
        assert_eq!(refused, Some(ErrorKind::Erased), "{PROMISE}: it is refused");
        evidence.found_before += taken;
        evidence.trials += taken + 1;
    }
    assert!(evidence.found_before > 0, "void: nobody appended");
    // Whoever was refused by the log, in the middle of an append, is refused by the vault now.
    let after = story.house.append(stream("racing-0"), Expect::Any, story.says_again()).await;
    refused(after, ErrorKind::Erased, PROMISE);
    let keys: HashSet<KeyId> = story.dying().await;
    let ids: Vec<KeyId> = keys.iter().copied().collect();
    let states = story.parts.vault.open().await.find(&ids).await.expect("a vault can be asked");
    let live = states.iter().filter(|state| !matches!(state, KeyState::Destroyed(_))).count();
    assert_eq!(live, 0, "{PROMISE}: {live} of their keys live");
    let now = story.in_stores().await;
    let left = now.iter().filter(|it| it.is_under(&keys)).count();
    assert_eq!(left, 0, "{PROMISE}: {left} parts are there");
    evidence.found_of_others = now.len() as u64;
    evidence
}

/// One purpose goes, in every store, and what else is held about the person stays.
pub(super) async fn an_erasure_of_one_purpose_leaves_the_rest(parts: House) -> Evidence {
    const PROMISE: &str = "an erasure of one purpose takes what is held for it, and nothing else";
    let story = told(parts).await;
    let before = story.read().await;
    let all = [story.cast.lost(), story.cast.kept()].concat();
    let (gone, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| name == "ada's email");
    assert_tells(&before.text(), &gone, true, "void: it is read before");
    let records = story.house.vault().keys_of(&story.cast.erased()).await.expect("a vault can be asked");
    let of_purpose = |marketing: bool| {
        let keys = records.iter().filter(move |key| (key.purpose == MARKETING) == marketing);
        keys.map(|key| key.id).collect::<HashSet<KeyId>>()
    };
    let (dying, living) = (of_purpose(true), of_purpose(false));
    let old = story.ciphertexts().await;
    let signed =
        story.house.erase_purpose(&story.cast.erased(), MARKETING).await.expect("a purpose is erased");
    assert_eq!(signed.certificate().purpose, Some(MARKETING), "{PROMISE}: the certificate says which");
    for run in ["the erasure", "a rebuild"] {
        let after = story.read().await;
        assert_tells(&after.text(), &gone, false, &format!("{PROMISE}, after {run}"));
        assert_tells(&after.text(), &kept, true, &format!("{PROMISE}, after {run}"));
        assert_eq!(after.greetings, before.greetings, "{PROMISE}: the state of aggregates, after {run}");
        story.projection.rebuild().await.expect("a projection can be rebuilt");
    }
    let mut ring = story.ring(&old).await;
    let dead = |it: &&Ciphertext| it.is_under(&dying);
    let open = old.iter().filter(dead).filter(|it| ring.opens(it)).count();
    assert_eq!(open, 0, "{PROMISE}: {open} of its ciphertexts open");
    let others: Vec<_> = old.iter().filter(|it| !dead(it) && it.is_under(&living)).collect();
    let opened = others.iter().filter(|it| ring.opens(it)).count();
    assert_eq!(opened, others.len(), "{PROMISE}: what is held for another purpose opens");
    assert!(opened > 0, "void: nothing is held for another purpose");
    Evidence {
        trials: ring.trials,
        found_before: old.iter().filter(dead).count() as u64,
        found_of_others: opened as u64,
        ..Evidence::default()
    }
}
