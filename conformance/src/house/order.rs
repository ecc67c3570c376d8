//! Law 5, erasure is an event, and law 8, nobody else changes.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use oubliette_core::{
    BuildState, Document, DocumentQuery, ErasedKeys, Fault, Forgotten, KeyId, Page, Position, Projections,
    Projector, Query, Result,
};

use super::ciphertext::Ciphertext;
use super::story::{ERASED, Reading, Story, events, told};
use super::{Evidence, House};
use crate::sample::{self, assert_same};

/// Documents that were kept up to date, and those that are made anew, are the same bytes.
pub(super) async fn a_rebuild_agrees_with_an_incremental_run(parts: House) -> Evidence {
    const PROMISE: &str = "a rebuild and an incremental run agree to the byte";
    let story = told(parts).await;
    let before = story.served().await;
    story.erase().await;
    story.goes_on_alone().await;
    story.projection.catch_up().await.expect("the projection follows");
    let incremental = story.served().await;
    assert_ne!(before, incremental, "void: nothing was forgotten");
    let check = story.projection.rebuild_checked().await.expect("a projection can be rebuilt");
    assert!(check.is_passed(), "{PROMISE}: {check:?}");
    let rebuilt = story.served().await;
    let content = |documents: &[Document]| {
        let content = documents
            .iter()
            .map(|it| (it.key.to_string(), it.open.clone(), it.carried.encode().expect("it encodes")));
        content.collect::<Vec<_>>()
    };
    assert_eq!(content(&rebuilt), content(&incremental), "{PROMISE}");
    let count = rebuilt.len() as u64;
    Evidence {
        places: 2 * count,
        found_before: before.len() as u64,
        found_of_others: count,
        ..Evidence::default()
    }
}

/// The log says that keys were destroyed, and whoever reads it forgets at that place.
pub(super) async fn the_log_says_that_keys_were_destroyed(parts: House) -> Evidence {
    const PROMISE: &str = "the log says which keys were destroyed, where it happened";
    let story = told(parts).await;
    let head = story.house.log().head().await.expect("a log has a head");
    let dying = story.dying().await;
    let certificate = story.erase().await;
    story.goes_on_alone().await;
    let certificate = certificate.certificate();
    let keys: HashSet<KeyId> = certificate.keys.iter().copied().collect();
    assert_eq!(keys, dying, "{PROMISE}: the certificate names every key of theirs");
    let recorded = sample::read(&**story.house.log(), Query::after(head)).await;
    let said: Vec<_> = recorded.iter().filter(|event| event.stream.is_reserved()).collect();
    let [asked, erased] = said.as_slice() else {
        panic!("{PROMISE}: it was asked for, and then done: {said:?}")
    };
    assert_eq!(asked.stream, erased.stream, "{PROMISE}");
    assert_eq!(erased.envelope.event_type.as_str(), ERASED, "{PROMISE}");
    let open = String::from_utf8_lossy(&erased.envelope.open);
    let named = keys.iter().filter(|key| open.contains(&key.to_string())).count();
    assert_eq!(named, keys.len(), "{PROMISE}: {open}");
    assert!(open.contains(&certificate.erasure.to_string()), "{PROMISE}: {open}");
    // Whoever follows the log is told at that position, neither earlier nor later.
    let recorder = Arc::new(Recorder::default());
    let projections = Projections::new(&story.house, [Arc::clone(&recorder) as Arc<dyn Projector>]);
    projections.catch_up().await.expect("a projector follows");
    let told = recorder.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let [(at, forgotten)] = told.as_slice() else { panic!("a projector is told once: {told:?}") };
    assert_eq!(forgotten.iter().copied().collect::<HashSet<_>>(), keys, "a projector is told of every key");
    assert!(
        *at >= erased.position,
        "a projector is told when it reaches the erasure: {at} and {}",
        erased.position
    );
    Evidence { needles: keys.len() as u64, found_before: head.0, found_of_others: 1, ..Evidence::default() }
}

/// Events, documents and snapshots of others are what they were, to the byte.
pub(super) async fn nobody_else_changes(parts: House) -> Evidence {
    const PROMISE: &str = "nobody else changes";
    let story = told(parts).await;
    let dying = story.dying().await;
    let others = |sealed: &Ciphertext| !sealed.is_under(&dying);
    let expected = events(&story.house, &dying).await.expect("a house can be read");
    assert_ne!(expected, story.read().await.events, "void: nothing will be forgotten");
    let documents = by_key(story.served().await.iter().map(|document| document.without(&dying)));
    let bytes = |all: Vec<Ciphertext>| {
        all.iter().filter(|it| others(it)).map(Ciphertext::bytes).collect::<HashSet<_>>()
    };
    let sealed = bytes(story.in_stores().await);
    let aliases = story.aliases_of_others().await;
    let reading = story.read().await;
    story.erase().await;
    for run in ["an incremental run", "a full rebuild"] {
        story.projection.catch_up().await.expect("the projection follows");
        let after = events(&story.house, &HashSet::new()).await.expect("a house can be read");
        assert_same(&after, &expected, &format!("{PROMISE}: events, after {run}"));
        let now = by_key(story.served().await);
        assert_eq!(
            now.keys().collect::<Vec<_>>(),
            documents.keys().collect::<Vec<_>>(),
            "{PROMISE}: after {run}"
        );
        for (key, document) in &now {
            let same = documents.get(key).is_some_and(|before| before.same_content(document));
            assert!(same, "{PROMISE}: the document {key}, after {run}");
        }
        // Snapshots of whoever was erased are taken anew, without them.
        let missing = sealed.difference(&bytes(story.in_stores().await)).count();
        assert_eq!(missing, 0, "{PROMISE}: {missing} of {} ciphertexts, after {run}", sealed.len());
        same_of_others(&story.read().await, &reading, PROMISE);
        assert_eq!(story.aliases_of_others().await, aliases, "{PROMISE}: aliases, after {run}");
        story.projection.rebuild().await.expect("a projection can be rebuilt");
    }
    let count = sealed.len() as u64;
    assert!(count > 0, "void: nobody else is there");
    Evidence { places: count, found_before: count, found_of_others: count, ..Evidence::default() }
}

/// Everything of a neighbour reads as before.
fn same_of_others(after: &Reading, before: &Reading, promise: &str) {
    assert_eq!(after.greetings[1..], before.greetings[1..], "{promise}: aggregates");
}

fn by_key(documents: impl IntoIterator<Item = Document>) -> BTreeMap<String, Document> {
    documents.into_iter().map(|document| (document.key.to_string(), document)).collect()
}

impl Story {
    /// What happens once somebody is gone.
    async fn goes_on_alone(&self) {
        let others = self.cast.people.iter().skip(1);
        for person in others {
            self.append(person.id, vec![self.says_of(person)]).await;
        }
    }

    /// The stored documents of the build that answers.
    pub(super) async fn served(&self) -> Vec<Document> {
        let builds = self.projection.builds().await.expect("builds can be listed");
        let build = builds.iter().find(|build| build.state == BuildState::Served).expect("one is served");
        let page = self.parts.documents.open().await.page(build.id, &DocumentQuery::all()).await;
        page.expect("a build can be read").documents
    }

    /// The aliases that only others go by, and what they stand for.
    async fn aliases_of_others(&self) -> Vec<oubliette_core::alias::Alias> {
        let theirs = [self.cast.people[0].logins.to_vec(), vec![self.cast.desk.clone()]].concat();
        let mut aliases = self.house.vault().aliases().await.expect("aliases can be listed");
        aliases.retain(|alias| !theirs.iter().any(|text| text == alias.name.text()));
        aliases.sort_by(|a, b| a.name.cmp(&b.name));
        aliases
    }
}

/// Notes when it is told to forget.
#[derive(Debug, Default)]
struct Recorder {
    position: Mutex<Position>,
    told: Mutex<Vec<(Position, Vec<KeyId>)>>,
}

#[async_trait]
impl Projector for Recorder {
    fn name(&self) -> &str {
        "recorder"
    }

    fn version(&self) -> u32 {
        1
    }

    async fn position(&self) -> Result<Position> {
        Ok(*self.position.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn apply(&self, page: &Page) -> Result<()> {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = page.through;
        Ok(())
    }

    async fn caught_up(&self) -> Result<()> {
        Ok(())
    }

    async fn note(&self, _: Option<&Fault>) -> Result<()> {
        Ok(())
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let at = self.position().await?;
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push((at, erased.keys.clone()));
        Ok(Forgotten::default())
    }

    async fn reset(&self) -> Result<()> {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = Position::ZERO;
        Ok(())
    }
}
