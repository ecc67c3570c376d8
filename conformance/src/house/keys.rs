//! Law 2, key before event, and law 3, gone is gone.

use std::collections::BTreeSet;

use futures::StreamExt;
use oubliette_core::{
    AsOf, DocumentQuery, ErrorKind, Expect, KeyId, KeyState, KeyVault, Personal, Position, Target,
};

use super::ciphertext::Ciphertext;
use super::story::{Account, POLICY, Reading, Story, Told, projection, read, told};
use super::trial::Ring;
use super::{Evidence, House};
use crate::run::dropped_after;
use crate::sample::{CONTRACT, find, refused, stream, subject};

/// Another process that reads the log finds every key in its vault, at any time.
pub(super) async fn a_key_is_known_before_what_it_seals(parts: House) -> Evidence {
    const PROMISE: &str = "whatever is sealed under a key is stored after the key";
    let other = parts.vault.open().await;
    let mut story = Story::begun(parts).await;
    story.happens().await;
    assert_known(&story, &*other, PROMISE).await;
    story.derive().await;
    assert_known(&story, &*other, PROMISE).await;
    story.goes_on().await;
    assert_known(&story, &*other, PROMISE).await;
    // Appends of somebody new that are given up half-way.
    for polls in 0..8 {
        let who = story.cast.people[1].clone();
        let note = Personal::new(&subject(&format!("new-{polls}")), CONTRACT, who.note.clone());
        let events = [Told::Noted { id: who.id.to_owned(), note }];
        dropped_after(polls, story.house.append(stream("dropped"), Expect::Any, events)).await;
        assert_known(&story, &*other, PROMISE).await;
    }
    story.derive().await;
    story.back_up(true).await;
    let vault = story.parts.vault.open().await;
    let known = assert_known(&story, &*vault, PROMISE).await;
    let never = KeyId::random().expect("there is randomness");
    let unknown = matches!(find(&*vault, never).await, KeyState::Unknown);
    assert!(unknown, "void: the vault knows a key that never was");
    Evidence { trials: known + 1, found_before: known, found_of_others: 1, ..Evidence::default() }
}

/// Asks a vault for every key that seals anything in log, documents and snapshots.
async fn assert_known(story: &Story, vault: &dyn KeyVault, promise: &str) -> u64 {
    let ids: BTreeSet<KeyId> = story.in_stores().await.iter().flat_map(Ciphertext::owners).collect();
    let ids: Vec<KeyId> = ids.into_iter().collect();
    assert!(!ids.is_empty(), "void: nothing is sealed");
    for (id, state) in ids.iter().zip(vault.find(&ids).await.expect("a vault can be asked")) {
        let live = matches!(state, KeyState::Live(_));
        assert!(live, "{promise}: to another process, {id} is {state:?}");
    }
    ids.len() as u64
}

/// Whoever held the keys before, in whichever process, does not get them again.
pub(super) async fn no_process_gets_a_destroyed_key(parts: House) -> Evidence {
    const PROMISE: &str = "once a key is destroyed no process gets it";
    let story = told(parts).await;
    let old = story.ciphertexts().await;
    let dead = story.dying().await;
    let ids: Vec<KeyId> = dead.iter().copied().collect();
    // Processes that have it in their caches.
    let vaults =
        [story.house.vault().clone(), story.parts.vault.open().await, story.parts.vault.open().await];
    for vault in &vaults {
        let states = vault.find(&ids).await.expect("a vault can be asked");
        let live = states.iter().all(|state| matches!(state, KeyState::Live(_)));
        assert!(live, "void: the keys were not there before");
    }
    let mut ring = story.ring(&old).await;
    let opened = old.iter().filter(|sealed| ring.opens(sealed)).count();
    assert_eq!(opened, old.len(), "void: what is sealed opens before");
    story.erase().await;
    let restarted = story.parts.vault.open().await;
    let mut evidence = Evidence { trials: ring.trials, found_before: opened as u64, ..Evidence::default() };
    for vault in vaults.iter().chain([&restarted]) {
        for (id, state) in ids.iter().zip(vault.find(&ids).await.expect("a vault can be asked")) {
            let destroyed = matches!(state, KeyState::Destroyed(_));
            assert!(destroyed, "{PROMISE}: {id} is {state:?}");
        }
        let mut ring = Ring::of(&**vault, &ids, &story.scopes()).await;
        let opened =
            old.iter().filter(|sealed| sealed.is_under(&dead)).filter(|sealed| ring.opens(sealed)).count();
        assert_eq!(opened, 0, "{PROMISE}: {opened} old ciphertexts open");
        evidence.trials += ring.trials;
        evidence.found_of_others += ring.len() as u64;
    }
    assert!(evidence.found_of_others > 0, "void: nobody else has a key");
    evidence
}

/// Reading again, following, rebuilding and looking back give nothing of an erased person.
pub(super) async fn a_replay_brings_nothing_back(parts: House) -> Evidence {
    const PROMISE: &str = "a replay brings nothing back";
    let story = told(parts).await;
    let (lost, kept) = (story.cast.lost(), story.cast.kept());
    // A process that read everything before, and one that follows.
    let running = story.again().await.build().await.expect("a house opens twice");
    let before = read(&running, &projection(&running).await, &story.cast).await.expect("a house can be read");
    let positions: Vec<_> = (1..=story.house.log().head().await.expect("a log has a head").0).collect();
    assert_tells(&before.text(), &lost, true, "void: it is read before");
    story.erase().await;
    let opened = story.again().await.build().await.expect("a house opens after an erasure");
    for house in [&story.house, &running, &opened] {
        let projection = projection(house).await;
        projection.catch_up().await.expect("the projection follows");
        let after: Reading = read(house, &projection, &story.cast).await.expect("a house can be read");
        assert_tells(&after.text(), &lost, false, PROMISE);
        assert_tells(&after.text(), &kept, true, "nobody else is forgotten");
        let all = house.follow(Position::ZERO).take(positions.len());
        let all: Vec<_> = all.map(|event| event.and_then(|event| event.json())).collect().await;
        let all: Vec<_> =
            all.into_iter().map(|json| json.expect("an event can be read").to_string()).collect();
        assert_tells(&all.join("\n"), &lost, false, PROMISE);
        for position in positions.iter().step_by(9) {
            let then = AsOf::Position(Position(*position));
            let past = projection.as_of(then).await.expect("the past can be read");
            let documents = past.query(&DocumentQuery::all()).await.expect("the past can be read").documents;
            let documents = documents.iter().map(|document| document.json().expect("JSON").to_string());
            assert_tells(&documents.collect::<Vec<_>>().join("\n"), &lost, false, PROMISE);
            past.end().await.expect("the past can be ended");
            let accounts = house.aggregates::<Account>(POLICY).expect("the house has snapshots");
            let account =
                accounts.as_of(&stream(story.cast.people[0].id), then).await.expect("the past can be read");
            assert_tells(&account.state.greeting, &lost, false, PROMISE);
        }
        projection.rebuild().await.expect("a projection can be rebuilt");
        let rebuilt = read(house, &projection, &story.cast).await.expect("a house can be read");
        assert_eq!(rebuilt, after, "{PROMISE}: a rebuild reads as before");
    }
    Evidence {
        needles: lost.len() as u64,
        found_before: lost.len() as u64,
        found_of_others: kept.len() as u64,
        ..Evidence::default()
    }
}

/// Whether a text that was read tells these texts: all of them, or none.
#[track_caller]
pub(super) fn assert_tells(read: &str, texts: &[(String, String)], all: bool, promise: &str) {
    // JSON escapes some of them.
    let read = read.replace("\\\"", "\"").replace("\\\\", "\\");
    for (name, text) in texts {
        assert_eq!(read.contains(text), all, "{promise}: {name}");
    }
}

/// No process appends anything about an erased person, and no alias of theirs is recorded.
pub(super) async fn nothing_is_sealed_behind_the_fence(parts: House) -> Evidence {
    const PROMISE: &str = "nothing is sealed for an erased person";
    let story = told(parts).await;
    let running = story.again().await.build().await.expect("a house opens twice");
    let events = || story.says_again();
    running.append(stream("before"), Expect::New, events()).await.expect("void: it can be said before");
    let namings = story.cast.claims();
    story.house.vault().name(&namings).await.expect("void: aliases are recorded before");
    story.erase().await;
    let head = story.house.log().head().await.expect("a log has a head");
    let opened = story.again().await.build().await.expect("a house opens after an erasure");
    for house in [&story.house, &running, &opened] {
        refused(house.append(stream("after"), Expect::Any, events()).await, ErrorKind::Erased, PROMISE);
        refused(house.vault().name(&namings).await, ErrorKind::Erased, PROMISE);
        for scope in story.scopes().iter().filter(|scope| scope.subject == story.cast.erased()) {
            refused(house.vault().mint(std::slice::from_ref(scope)).await, ErrorKind::Erased, PROMISE);
        }
        assert_eq!(house.log().head().await.expect("a log has a head"), head, "{PROMISE}: the log grew");
    }
    story.append("others", vec![story.says_of(&story.cast.people[1])]).await;
    Evidence { trials: 12, found_before: 1, found_of_others: 1, ..Evidence::default() }
}

/// A person who returns is told of anew, and nothing old opens.
pub(super) async fn who_returns_gets_keys_that_open_nothing_old(parts: House) -> Evidence {
    const PROMISE: &str = "who returns gets keys that open nothing old";
    let story = told(parts).await;
    let (old, dead) = (story.ciphertexts().await, story.dying().await);
    let mut before = story.ring(&old).await;
    let opened = old.iter().filter(|sealed| before.opens(sealed)).count() as u64;
    story.erase().await;
    let target = Target::Subject(story.cast.erased());
    story.house.readmit(&target).await.expect("an erased person is readmitted");
    let events = story.says_again();
    story.house.append(stream("returned"), Expect::New, events).await.expect("who returns is told of");
    let mut ring = story.ring(&[old.clone(), story.in_stores().await].concat()).await;
    let fresh = ring.keys().filter(|key| key.scope().subject == story.cast.erased());
    assert!(fresh.count() > 0, "void: who returns has no key");
    assert!(ring.keys().all(|key| !dead.contains(&key.id())), "{PROMISE}: an old key is back");
    let back = old.iter().filter(|sealed| sealed.is_under(&dead)).filter(|sealed| ring.opens(sealed)).count();
    assert_eq!(back, 0, "{PROMISE}: {back} old ciphertexts open");
    let returned: Vec<_> = story.read().await.events;
    let text = |name: &str| {
        let events = returned.iter().filter(|(stream, _)| stream == name);
        events.map(|(_, event)| event.to_string()).collect::<Vec<_>>().join("\n")
    };
    let mark = [("ada's note".to_owned(), story.cast.people[0].note.clone())];
    assert_tells(&text("returned"), &mark, true, "what is said of who returned is read");
    assert_tells(&text("ada"), &mark, false, PROMISE);
    Evidence {
        trials: ring.trials,
        found_before: opened,
        found_of_others: ring.len() as u64,
        ..Evidence::default()
    }
}
