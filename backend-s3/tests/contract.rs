//! `S3Log` keeps every promise of `EventLog`, in buckets that keep versions and in those that do not.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod fixture;

use self::fixture::{Bucket, Versioned};

mod plain {
    use super::Bucket;
    oubliette_conformance::event_log!(Bucket);
}

mod versioned {
    use super::Versioned;
    oubliette_conformance::event_log!(Versioned);
}
