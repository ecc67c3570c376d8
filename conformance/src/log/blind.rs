//! What a log does not tell.

use oubliette_core::{Batch, Envelope, EventLog, Expect, StreamId, Version};

use crate::Fixture;
use crate::sample::{append, entry, event, key, sealed, stream};

/// Stands for a value that nobody but a reader of the event should see.
const CANARY: &str = "Analytical-Engine-1843";

/// No error that a log gives, and no `Debug` of it, holds a value of an event.
pub async fn an_error_tells_no_value_of_an_event<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let (name, ada) = (stream("stream"), key());
    let telling = |name: &StreamId| Envelope { open: canary(0), ..sealed(name, &[&[&ada]]) };
    append(&*log, &name, vec![telling(&name)]).await;
    let provoke = |expect, events| log.append(Batch::one(name.clone(), expect, events));
    let entries = [vec![telling(&name)], Vec::new()].map(|events| entry(&name, Expect::Any, events));
    let mut results = vec![
        provoke(Expect::New, vec![telling(&name)]).await,
        provoke(Expect::Exactly(Version(9)), vec![telling(&name)]).await,
        log.append(Batch { streams: entries.to_vec() }).await,
    ];
    // The same event again: a log may take it, or name the id, and nothing else.
    let known = telling(&name);
    append(&*log, &name, vec![known.clone()]).await;
    let again = provoke(Expect::Any, vec![known]).await.err();
    let size = log.limits().bytes_per_event;
    if size < 64 << 20 {
        results.push(provoke(Expect::Any, vec![event(canary(size))]).await);
    }
    log.scrub(&[ada.id()]).await.expect("a log can be scrubbed");
    results.push(provoke(Expect::Any, vec![telling(&name)]).await);
    let errors = results.into_iter().map(|result| result.expect_err("a log refuses what it must refuse"));
    for error in errors.chain(again) {
        let told = format!("{error} {error:?}");
        assert!(!told.contains(CANARY), "an error tells no value of an event: {:?}", error.kind());
    }
    assert!(!format!("{log:?}").contains(CANARY), "a log's `Debug` tells no value of an event");
}

fn canary(padding: usize) -> Vec<u8> {
    format!(r#"{{"type":"Registered","text":"{CANARY}{}"}}"#, "x".repeat(padding)).into_bytes()
}
