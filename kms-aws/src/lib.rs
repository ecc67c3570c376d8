//! The roots of an Oubliette key vault in AWS KMS: what is erased is beyond even an old copy of the vault.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use oubliette_core::VaultId;
//! use oubliette_kms_aws::KmsRoots;
//! use oubliette_kms_aws::vault::{MemoryRecords, Options, Vault};
//!
//! # async fn of() -> oubliette_core::Result<()> {
//! let roots = KmsRoots::builder().region("eu-central-1").build().await;
//! let records = MemoryRecords::new();
//! // The policies name the vault: so its name is drawn before it is made.
//! let id: VaultId = "5f1c0e6d9b7a4e2f8c3d1a0b9e8f7d6c".parse()?;
//! let vault = Vault::create_named(id, Arc::new(records), Arc::new(roots), Options::new()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Credentials, region and endpoint are those that are usual for AWS: the environment, the profile, the container, the
//! instance. Records lie where the vault's records do (see [`vault`]): KMS holds nothing but what opens them.
//! **If the KMS key of the epoch is lost, all personal data of the vault is lost.**
//!
//! # A root
//!
//! Each epoch has a KMS key of its own: symmetric, of one region, not rotated, with material of KMS. The root is a data
//! key that KMS makes under it and gives out wrapped (`GenerateDataKeyWithoutPlaintext`, AES-256). With the records
//! stands the ARN of the key and the wrapped root; `Decrypt` opens it for each process that may, once a lease.
//!
//! The encryption context is `app`, `vault` and `epoch`, and so are the key's tags; its description says vault and epoch.
//! CloudTrail shows them in the clear: nothing else stands there. Its alias is `alias/oubliette-<vault>-<epoch>-<id of
//! the key>`, by which the keys of a vault are found without a blob.
//!
//! Two processes that roll at once make a key each. Which of the two roots counts is decided by the records alone, and
//! the other is destroyed: had they one key, that would destroy both.
//!
//! # The end of a root
//!
//! `DisableKey`, then `ScheduleKeyDeletion` with seven days, the fewest that KMS takes. The root counts as destroyed once
//! `DescribeKey` says *pending deletion* and `Decrypt` is in fact refused; until both are so it is looked again, for
//! [`KmsRootsBuilder::patience`], and then the roll goes on later. It is *pending* with the date that KMS gives, and
//! gone for good when KMS has no such key, which may take a day more than the seven: so eight days are promised.
//!
//! Until then somebody may cancel it (`CancelKeyDeletion`). Then [`Vault::status`](vault::Vault::status) shows the root
//! without a date, and what was erased since counts as recoverable again. `policies/guard.json` denies that to everybody.
//!
//! With [`KmsRootsBuilder::imported`] the material of each key is drawn here and imported, and `DeleteImportedKeyMaterial`
//! ends it at once: nothing is pending then. KMS promises less for the durability of such material.
//!
//! # What is told apart
//!
//! - A key that is not there is gone only where KMS knows other keys of the vault: an account or endpoint that has none
//!   of them is the wrong one (`WrongVault`). Another region than that of the ARN is not asked at all.
//! - A disabled key is not gone (`Unavailable`): somebody may enable it.
//! - A permission that is missing is `Denied`, and named; so are credentials that AWS does not take.
//! - Throttling, faults of KMS, no answer, and a clock that is off are `Unavailable`. The SDK tries five times; a clock it
//!   does not mend.
//! - No error holds an ARN, an account, or a credential.
//!
//! Reads go on while the lease of the root lasts, 60 seconds unless the vault's options say less, and then fail.
//!
//! # What processes that die leave behind
//!
//! A key is made before the vault has kept its root. Who dies between the two leaves a key that opens nothing and costs
//! money: [`KmsRoots::examine`] tells how many there are, [`KmsRoots::destroy_strays`] ends them. Who dies before the
//! key has its alias leaves one that is found by its tags alone.
//!
//! # What it does not promise
//!
//! - That the root was never elsewhere in the memory of this process: it comes over TLS as JSON, and buffers of the SDK
//!   are not zeroed. Only what holds it here is.
//! - Keys of several regions, which outlive their deletion in one of them: such a root is refused.
//! - Anything of custom key stores, and of other clouds.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod blob;
mod config;
mod doctor;
mod error;
mod kms;
mod material;
mod roots;

pub use aws_sdk_kms::Client;
/// The vault whose roots they are.
pub use oubliette_vault as vault;

pub use self::config::KmsRootsBuilder;
pub use self::roots::KmsRoots;
