//! The key vault: holds the keys, and destroys them.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alias::{Alias, Naming};
use crate::error::Result;
use crate::ids::{ErasureId, KeyId, Purpose, Sequence, SubjectId, VaultId};
use crate::key::{Key, KeyRecord, KeyState, Scope};
use crate::ledger::Head;
use crate::promise::Promise;

/// Holds the keys of people and purposes. `destroy` is its reason to exist.
///
/// # Implementors
/// Each promise is a case of the conformance suite, enrolled by
/// `oubliette_conformance::key_vault!`.
///
/// - A vault never sees an event, and lives apart from every log.
/// - "Never seen", "destroyed" and "out of reach" are three answers, never mixed up.
/// - Key bytes are at rest only wrapped, and leave no residue once destroyed.
#[async_trait]
pub trait KeyVault: Debug + Send + Sync + 'static {
    /// The vault's own random name.
    fn id(&self) -> VaultId;

    /// How fast a destroyed key is out of reach.
    fn promise(&self) -> Promise;

    /// The live key of each scope, in order, minted where there is none.
    ///
    /// # Implementors
    /// - Durable before it returns (`a_minted_key_survives_a_restart`).
    /// - One live key a scope, also when minted at once from two sides
    ///   (`two_mints_of_a_scope_give_one_key`).
    /// - All or nothing: behind a fence nothing is minted
    ///   (`nothing_is_minted_behind_the_fence`).
    ///
    /// # Errors
    /// `Erased` when one of the scopes is fenced; `Unavailable`.
    async fn mint(&self, scopes: &[Scope]) -> Result<Vec<Key>>;

    /// The state of each key, in order.
    ///
    /// # Implementors
    /// - `Destroyed` only for keys of which the record of their death is there
    ///   (`an_unknown_key_is_not_a_destroyed_one`).
    ///
    /// # Errors
    /// `Unavailable` when the vault is: never a state instead.
    async fn find(&self, ids: &[KeyId]) -> Result<Vec<KeyState>>;

    /// Every key that erasing the subject would destroy, and those already destroyed:
    /// its own, and those of its aliases. It hands no key out.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>>;

    /// Records who goes by which alias, and gives for each naming the pseudonymous
    /// subjects that its aliases stand for, in order (see [`crate::alias`]).
    ///
    /// # Errors
    /// `Erased` when a named subject is fenced, and nothing is recorded; `Unavailable`.
    async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>>;

    /// Every alias, opened.
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` when one does not open.
    async fn aliases(&self) -> Result<Vec<Alias>>;

    /// Takes a request to erase. The same target again gives the same erasure, until the
    /// target is readmitted.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn register(&self, target: &Target, reason: &Reason) -> Result<Erasure>;

    /// Fences the target of a registered erasure: nothing is minted for it from here on,
    /// nor for the aliases that die with it. Safe to repeat.
    ///
    /// # Errors
    /// `NotFound` for an erasure that was never registered; `Unavailable`.
    async fn fence(&self, erasure: ErasureId) -> Result<()>;

    /// Destroys every key of the target, for good, and gives their ids. Fences first.
    ///
    /// # Implementors
    /// - Gone is gone: no call, cache, restart or mint brings a key back
    ///   (`a_destroyed_key_never_comes_back`).
    /// - Idempotent: a repeated call gives the same ids (`a_destroy_can_be_repeated`).
    /// - Nobody else's key changes, but for values shared with the target
    ///   (`nobody_elses_key_is_touched`).
    ///
    /// # Errors
    /// `NotFound` for an erasure that was never registered; `Unavailable`, and then the
    /// call is repeated.
    async fn destroy(&self, erasure: ErasureId) -> Result<Vec<KeyId>>;

    /// Every registered erasure after a sequence, in order.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn erasures(&self, after: Sequence) -> Result<Vec<Erasure>>;

    /// Lifts the fence of a person who returns. New keys open nothing old.
    ///
    /// # Errors
    /// `NotFound` when there is no fence; `Unavailable`.
    async fn readmit(&self, target: &Target) -> Result<()>;

    /// Signs with the vault's Ed25519 key.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn sign(&self, message: &[u8]) -> Result<Signature>;

    /// The ledger's head as it was last anchored.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn anchor(&self) -> Result<Option<Head>>;

    /// Anchors the ledger's head. A head that is not beyond the anchor changes nothing.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn set_anchor(&self, head: &Head) -> Result<()>;
}

/// What to erase. The whole person is the usual one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Everything about a person.
    Subject(SubjectId),
    /// What is held about a person for one purpose.
    Purpose(Scope),
}

impl Target {
    /// The person.
    pub fn subject(&self) -> &SubjectId {
        match self {
            Self::Subject(subject) => subject,
            Self::Purpose(scope) => &scope.subject,
        }
    }

    /// The one purpose, if the target is not the whole person.
    pub fn purpose(&self) -> Option<&Purpose> {
        match self {
            Self::Subject(_) => None,
            Self::Purpose(scope) => Some(&scope.purpose),
        }
    }

    /// Whether what is held for `purpose` goes with this target.
    pub fn takes(&self, purpose: &Purpose) -> bool {
        self.purpose().is_none_or(|only| only == purpose)
    }
}

/// Why something is erased. It is recorded beside dead keys: no personal data in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason(pub String);

impl Default for Reason {
    fn default() -> Self {
        Self("requested by the subject (GDPR Art. 17)".to_owned())
    }
}

/// An erasure as the vault knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Names the erasure.
    pub id: ErasureId,
    /// Its place among the vault's erasures.
    pub sequence: Sequence,
    /// What is erased.
    pub target: Target,
    /// Why.
    pub reason: Reason,
    /// When it was registered.
    pub at: Timestamp,
}

/// An Ed25519 signature and the key to check it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// 32 bytes.
    pub public_key: [u8; 32],
    /// 64 bytes.
    pub signature: [u8; 64],
}
