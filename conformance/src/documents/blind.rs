//! What a store of documents does not tell.

use oubliette_core::{Before, BuildId, Comparison, Document, DocumentChanges, Documents, Filter, Slot};
use serde_json::json;

use super::sample::{begin, carrying, everything, forget, named, next, save, token};
use crate::Fixture;
use crate::sample::key;

/// Stands for what nobody but a reader of the document should see.
const CANARY: &str = "Analytical-Engine-1843";

/// No error that a store gives, and no `Debug` of it, holds anything of a document.
pub async fn an_error_tells_nothing_of_a_document<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let telling = |n: u8, owner| -> Document {
        let mut document = carrying(format!("{CANARY}-{n}"), &[&[owner]]);
        document.open = format!("{{\"values\":[null],\"text\":\"{CANARY}\"}}").into_bytes();
        let (at, null) = (format!("/{CANARY}"), Some(format!("\"{CANARY}\"")));
        document.carried.slots.push(Slot { at, value: None, purpose: None, null });
        document.tokens.push(token(CANARY, [b'!'; 16], [owner.id()]));
        document
    };
    let build = begin(&*store, "orders").await;
    save(&*store, build, vec![telling(1, &ada), telling(2, &grace)]).await;
    forget(&*store, &[ada.id()]).await;
    let (late, alive) = (telling(1, &ada), telling(1, &grace));
    let mut dead = next(&*store, build, vec![alive.clone(), late], &[]).await;
    dead.remove.push(named(CANARY));
    let stale = DocumentChanges { after: dead.through, put: vec![alive], ..dead.clone() };
    let mut query = everything();
    query.token = Some((CANARY.to_owned(), [b'!'; 16]));
    query.filters = vec![Filter { at: format!("/{CANARY}"), is: Comparison::Equal, value: json!(CANARY) }];
    let absent = BuildId(99);
    let answers = [
        store.commit(build, dead.clone()).await,
        store.commit(build, stale).await,
        store.commit(absent, dead).await,
        store.page(absent, &query).await.map(|_| ()),
        store.get(absent, &[named(CANARY)]).await.map(|_| ()),
        store.serve(absent, Before::Kept).await,
    ];
    for answer in answers {
        let error = answer.expect_err("a store refuses what it must refuse");
        let told = format!("{error} {error:?}");
        assert!(!told.contains(CANARY), "an error tells nothing of a document: {:?}", error.kind());
    }
    assert!(!format!("{store:?}").contains(CANARY), "a store's `Debug` tells nothing of a document");
}
