//! A bucket on the test server, and what is appended to the log in it.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use oubliette_backend_s3::{S3Log, S3LogBuilder};
use oubliette_core::seal::{Nonces, Padding, Place, seal};
use oubliette_core::{Envelope, EventId, EventType, Key, Purpose, Scope, StreamId, SubjectId};
use oubliette_servers::s3_url;

/// Bytes of the part of an event that is about nobody, and of the part that is about a person.
pub(crate) const OPEN: usize = 200;
pub(crate) const SEALED: usize = 200;

/// A client of the server there.
pub(crate) fn client(url: &str) -> Client {
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .force_path_style(true);
    Client::from_conf(config.build())
}

/// A new bucket.
pub(crate) async fn bucket() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("costs-{}", COUNT.fetch_add(1, Ordering::SeqCst));
    client(&s3_url()).create_bucket().bucket(&name).send().await.unwrap();
    name
}

/// The log in it, by way of who answers there.
pub(crate) fn log(bucket: &str, url: &str) -> S3LogBuilder {
    S3Log::builder(bucket).client(client(url))
}

pub(crate) fn stream(number: usize) -> StreamId {
    StreamId::new(format!("customer-{number}")).unwrap()
}

pub(crate) fn key() -> Key {
    Key::generate(Scope::new(SubjectId::new("c-42").unwrap(), Purpose::declared("contract"))).unwrap()
}

/// An event with a part under the key, or with none.
pub(crate) fn event(stream: &StreamId, key: Option<&Key>) -> Envelope {
    let id = EventId::random().unwrap();
    let mut nonces = Nonces::of(1);
    let part = |key: &Key| {
        let place = Place { stream, event: id, part: 0 };
        Some(seal(place, std::slice::from_ref(key), &[b'x'; SEALED], Padding::None, &mut nonces).unwrap())
    };
    Envelope {
        id,
        event_type: EventType::new("Registered").unwrap(),
        schema: 1,
        open: format!("{{\"plan\":\"{}\"}}", "x".repeat(OPEN - 11)).into_bytes(),
        parts: key.map(part).into_iter().collect(),
    }
}
