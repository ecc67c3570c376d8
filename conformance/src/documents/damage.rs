//! Documents that were damaged at rest.

use oubliette_core::{Document, DocumentKey, Documents, ErrorKind};

use super::sample::{all, begin, carrying, everything, numbered, save};
use crate::Fixture;
use crate::damage::each_damage;
use crate::sample::{assert_same, key};

/// What was damaged is an error, or is not there: it is never read as another document. A
/// projection can be made anew.
pub async fn a_damaged_document_is_no_other_one<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let build = begin(&*store, "orders").await;
    for n in 0..15 {
        let both = carrying(format!("both-{n:02}"), &[&[&ada], &[&ada, &grace]]);
        save(&*store, build, vec![both, numbered(format!("none-{n:02}"), 1_000_000 + n)]).await;
    }
    let whole = all(&*store, build).await;
    let keys: Vec<DocumentKey> = whole.iter().map(|document| document.key.clone()).collect();
    let parts = whole.iter().flat_map(|document| &document.carried.parts);
    let parts = parts.step_by(7).map(|part| part.sealed.as_bytes().to_vec());
    let held = whole.iter().step_by(4).map(|document| document.open.clone()).chain(parts).collect::<Vec<_>>();
    drop(store);
    each_damage(&fixture, &held, async |damage, store| {
        let is_told = |kind| {
            // Where the build's own record is damaged there is no such build.
            let told = [ErrorKind::Corrupt, ErrorKind::NotFound].contains(&kind);
            assert!(told, "damage is told as such: {damage}: {kind:?}");
        };
        let same = |there: &[Document]| {
            let was = whole.iter().filter(|was| there.iter().any(|is| is.key == was.key));
            let was: Vec<_> = was.cloned().collect();
            assert_same(there, &was, &format!("a damaged document is no other one: {damage}"));
        };
        match store.get(build, &keys).await {
            Ok(there) => same(&there.into_iter().flatten().collect::<Vec<_>>()),
            Err(error) => is_told(error.kind()),
        }
        match store.page(build, &everything()).await {
            Ok(page) => same(&page.documents),
            Err(error) => is_told(error.kind()),
        }
    })
    .await;
}
