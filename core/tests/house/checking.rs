//! Versions of a view, and rebuilds that are compared with what is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use oubliette_core::memory::MemoryDocuments;
use oubliette_core::{
    BuildState, Changes, DocumentQuery, Documents as _, ErrorKind, KeyVault as _, Lookup, Position,
    ProjectionOptions, Result, View, ViewEvent,
};

use crate::shop::*;
use crate::support::{Parts, subject};

#[tokio::test]
async fn a_new_version_is_built_beside_the_old_one_and_switched_to() {
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), ordered("ada", "tea")]).await;
    let old = people(&house, 1).await;
    old.catch_up().await.unwrap();

    let new = house.projection(People(2), ProjectionOptions::default().keep()).await.unwrap();
    let all = DocumentQuery::all();
    assert_eq!(new.query(&all).await.unwrap().version, 1, "the old one answers until the new has caught up");
    new.catch_up().await.unwrap();
    assert_eq!(new.query(&all).await.unwrap().version, 2);
    let past = new.query_version(1, &all).await.unwrap();
    assert_eq!((past.version, past.documents.len()), (1, 1), "the old one is kept");
    assert_eq!(new.query_version(3, &all).await.unwrap_err().kind(), ErrorKind::NotFound);

    // A kept build forgets like any other.
    house.erase(&subject("ada")).await.unwrap();
    let kept: Person = new.query_version(1, &all).await.unwrap().documents[0].data().unwrap();
    assert!(kept.name.unwrap().is_forgotten());
    let recorded: Vec<_> =
        new.builds().await.unwrap().iter().map(|b| (b.version, b.state, b.position)).collect();
    assert_eq!(recorded[0], (1, BuildState::Kept, Position(3)));
    assert_eq!(recorded[1], (2, BuildState::Served, Position(3)));
}

/// A view that depends on something other than the events.
#[derive(Debug)]
struct Fickle(Arc<AtomicU64>);

impl View for Fickle {
    type Document = Person;
    fn name(&self) -> &str {
        "people"
    }
    fn version(&self) -> u32 {
        1
    }
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
    fn start(&self) -> Person {
        Person::default()
    }
    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Person>) -> Result<()> {
        let surplus = self.0.load(Ordering::SeqCst);
        match event.data()? {
            Shop::Registered { id, name, .. } => changes.update(id, move |person| person.name = Some(name)),
            Shop::Ordered { id, .. } => changes.update(id, move |person| person.orders += 1 + surplus),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_check_names_each_document_that_a_rebuild_makes_otherwise_and_the_switch_is_refused() {
    let parts = Parts::new();
    let house = parts.house().await;
    let surplus = Arc::new(AtomicU64::new(0));
    let projection = house.projection(Fickle(surplus.clone()), ProjectionOptions::default()).await.unwrap();
    shop(&house, [registered("ada"), ordered("ada", "tea"), ordered("bob", "tea"), registered("eve")]).await;
    projection.catch_up().await.unwrap();
    assert!(projection.check().await.unwrap().differences.is_empty());
    surplus.store(1, Ordering::SeqCst);
    house.erase(&subject("eve")).await.unwrap();
    projection.catch_up().await.unwrap();

    let check = projection.check().await.unwrap();
    let named: Vec<_> = check.differences.iter().map(|d| d.document.as_str()).collect();
    assert_eq!((named, check.is_passed()), (vec!["ada", "bob"], false));
    let before = served(&projection).await;
    assert_eq!(projection.rebuild_checked().await.unwrap(), check);
    assert_eq!(served(&projection).await.id, before.id, "it was not switched");

    surplus.store(0, Ordering::SeqCst);
    assert!(projection.rebuild_checked().await.unwrap().is_passed());
    assert_ne!(served(&projection).await.id, before.id);
    let open = projection.builds().await.unwrap().iter().filter(|b| b.state != BuildState::Ended).count();
    assert_eq!(open, 1, "nothing is left of the shadows");
}

#[tokio::test]
async fn after_an_erasure_only_documents_that_the_person_owned_a_part_of_may_differ() {
    let parts = Parts::new();
    // A store of documents that nobody told of the erasure: another program's, or a copy.
    let apart = Parts { documents: MemoryDocuments::new(), ..parts.clone() };
    let (house, other) = (parts.house().await, apart.house().await);
    shop(&house, [registered("ada"), registered("bob"), thanked("bob", "ada"), registered("eve")]).await;
    let projection = people(&other, 1).await;
    projection.catch_up().await.unwrap();
    let erasure = house.erase(&subject("bob")).await.unwrap().certificate().erasure;

    let check = projection.check().await.unwrap();
    let named: Vec<_> =
        check.differences.iter().map(|d| (d.document.as_str(), d.erasures.as_slice())).collect();
    assert_eq!(named, [("ada", &[erasure][..]), ("bob", &[erasure])]);
    assert!(check.is_passed() && check.compared == 3);
    assert!(projection.rebuild_checked().await.unwrap().is_passed(), "explained differences are switched to");
    assert!(projection.check().await.unwrap().differences.is_empty());
}

#[tokio::test]
async fn a_copy_of_the_documents_from_before_an_erasure_is_reminded_when_the_house_opens() {
    let parts = Parts::new();
    let apart = Parts { documents: MemoryDocuments::new(), ..parts.clone() };
    let house = parts.house().await;
    shop(&house, [registered("ada"), registered("bob")]).await;
    people(&apart.house().await, 1).await.catch_up().await.unwrap();
    house.erase(&subject("bob")).await.unwrap();
    let keys: Vec<_> = parts.vault.keys_of(&subject("bob")).await.unwrap().iter().map(|key| key.id).collect();
    assert_eq!(apart.documents.held_under(&keys).await.unwrap(), 1);
    let reopened = apart.house().await;
    assert_eq!(apart.documents.held_under(&keys).await.unwrap(), 0);
    assert!(person(&people(&reopened, 1).await, "bob").await.name.unwrap().is_forgotten());
}
