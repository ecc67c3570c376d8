//! Event sourcing that can forget: the core, and behind a feature each the parts that a house is
//! built of.
//!
//! A house starts with [`Oubliette::builder`]; personal data in events is [`Personal`]. What it is,
//! what it is not, and a first program stand in the README.

#![forbid(unsafe_code)]

pub use oubliette_core::*;

/// Backups of the event log in a folder, or in any other place.
#[cfg(feature = "backup")]
pub use oubliette_backup as backup;

/// Declares which values of an event are whose personal data.
#[cfg(feature = "catalogue")]
pub use oubliette_catalogue as catalogue;

/// The roots of a key vault in AWS KMS.
#[cfg(feature = "kms-aws")]
pub use oubliette_kms_aws as aws;

/// Key vault and ledger for one machine.
#[cfg(feature = "kms-local")]
pub use oubliette_kms_local as local;

/// Event log, documents and snapshots on PostgreSQL.
#[cfg(feature = "postgres")]
pub use oubliette_backend_postgres as postgres;

/// Event log, snapshots and backups on S3.
#[cfg(feature = "s3")]
pub use oubliette_backend_s3 as s3;

/// Event log, documents and snapshots on SQLite.
#[cfg(feature = "sqlite")]
pub use oubliette_backend_sqlite as sqlite;

/// The programs in the README and in the book are tests. A published crate holds neither.
#[cfg(all(doctest, feature = "backup", feature = "catalogue", feature = "kms-local", feature = "sqlite"))]
mod book {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/first-hour.md")]
    struct FirstHour;

    #[doc = include_str!("../../docs/views.md")]
    struct Views;

    #[doc = include_str!("../../docs/snapshots-and-time-travel.md")]
    struct SnapshotsAndTimeTravel;

    #[doc = include_str!("../../docs/sweeping.md")]
    struct Sweeping;

    #[cfg(feature = "postgres")]
    #[doc = include_str!("../../docs/postgresql.md")]
    struct Postgresql;

    #[cfg(feature = "kms-aws")]
    #[doc = include_str!("../../docs/aws-kms.md")]
    struct AwsKms;

    #[cfg(feature = "s3")]
    #[doc = include_str!("../../docs/s3.md")]
    struct S3;

    #[doc = include_str!("../../docs/testing-your-application.md")]
    struct TestingYourApplication;
}
