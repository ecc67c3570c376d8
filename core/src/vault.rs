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
/// `oubliette_conformance::key_vault!`. A vault never sees an event, and lives apart from
/// every log.
///
/// - "Never seen", "destroyed" and "out of reach" are three answers, never mixed up: damage
///   is never read as an erasure (`damage_destroys_no_key`), nor is a store that is not where
///   it should be (`a_vault_that_is_gone_tells_no_state`).
/// - Key bytes are at rest only wrapped, and leave no residue once destroyed
///   (`no_key_is_at_rest_in_the_clear`).
/// - It is the same vault after a restart (`the_vault_keeps_its_identity`).
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
    /// - All or nothing (`a_mint_is_all_or_nothing`): behind a fence nothing is minted
    ///   (`nothing_is_minted_behind_the_fence`), whoever is faster
    ///   (`no_mint_slips_through_an_erasure`).
    /// - A future dropped half-way leaves one key of a scope or none
    ///   (`a_dropped_mint_leaves_one_key_at_most`).
    /// - In the order of the scopes (`a_mint_answers_in_order`), each its own
    ///   (`each_scope_has_its_own_key`).
    ///
    /// # Errors
    /// `Erased` when one of the scopes is fenced; `Unavailable`.
    async fn mint(&self, scopes: &[Scope]) -> Result<Vec<Key>>;

    /// The state of each key, in order.
    ///
    /// # Implementors
    /// - `Destroyed` only for keys of which the record of their death is there
    ///   (`an_unknown_key_is_not_a_destroyed_one`), with the key's fingerprint
    ///   (`a_destroyed_key_keeps_its_fingerprint`).
    /// - In the order of the ids (`a_find_answers_in_order`).
    ///
    /// # Errors
    /// `Unavailable` when the vault is: never a state instead.
    async fn find(&self, ids: &[KeyId]) -> Result<Vec<KeyState>>;

    /// Every key that erasing the subject would destroy, and those already destroyed:
    /// its own, and those of its aliases. It hands no key out.
    ///
    /// # Implementors
    /// - All of them (`every_key_of_a_person_is_listed`,
    ///   `keys_of_a_person_include_those_of_their_aliases`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>>;

    /// Records who goes by which alias, and gives for each naming the pseudonymous
    /// subjects that its aliases stand for, in order (see [`crate::alias`]).
    ///
    /// # Implementors
    /// - An alias keeps its pseudonym (`an_alias_keeps_its_pseudonym`), and is at rest only
    ///   sealed (`no_alias_is_at_rest_in_the_clear`).
    /// - Nothing of an erased person is recorded (`no_alias_is_recorded_for_an_erased_person`).
    ///
    /// # Errors
    /// `Erased` when a named subject is fenced, and nothing is recorded; `Unavailable`.
    async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>>;

    /// Every alias, opened (`every_alias_is_listed`). Errors and `Debug` tell none of them
    /// (`nothing_tells_an_alias`).
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` when one does not open.
    async fn aliases(&self) -> Result<Vec<Alias>>;

    /// Takes a request to erase. The same target again gives the same erasure, until the
    /// target is readmitted (`the_same_request_is_the_same_erasure`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn register(&self, target: &Target, reason: &Reason) -> Result<Erasure>;

    /// Fences the target of a registered erasure: nothing is minted for it from here on,
    /// nor for the aliases that only it claims. Safe to repeat.
    ///
    /// An alias that others claim too is fenced by [`KeyVault::destroy`], which gives the
    /// others a new pseudonym in the same act.
    ///
    /// # Implementors
    /// - Safe to repeat (`a_fence_can_be_repeated`), and only for the target
    ///   (`a_fence_for_one_purpose_leaves_the_others`).
    /// - An erasure that was never registered is none
    ///   (`an_erasure_never_registered_is_not_found`).
    ///
    /// # Errors
    /// `NotFound` for an erasure that was never registered; `Unavailable`.
    async fn fence(&self, erasure: ErasureId) -> Result<()>;

    /// Destroys every key of the target, for good, and gives their ids.
    ///
    /// # Implementors
    /// - The fence comes first (`a_destroy_fences_first`).
    /// - Gone is gone: no call, cache, restart or mint brings a key back
    ///   (`a_destroyed_key_never_comes_back`).
    /// - Idempotent: a repeated call gives the same ids (`a_destroy_can_be_repeated`), and
    ///   finishes what a dropped future began (`a_dropped_erasure_is_done_when_repeated`).
    /// - Nobody else's key changes, but for values shared with the target
    ///   (`nobody_elses_key_is_touched`, `an_erasure_of_one_purpose_takes_only_its_keys`).
    /// - Aliases die with the person (`an_alias_dies_with_the_person_who_claims_it`), linked
    ///   ones too (`a_linked_alias_dies_too`) unless somebody else claims them
    ///   (`a_linked_alias_that_another_claims_stays`); a shared one starts anew for the
    ///   others (`a_shared_alias_gets_a_new_pseudonym`); an erasure of one purpose leaves
    ///   them (`an_erasure_of_one_purpose_leaves_the_aliases`); an alias nobody claims is
    ///   erased by its pseudonym (`an_alias_can_be_erased_by_its_pseudonym`).
    ///
    /// # Errors
    /// `NotFound` for an erasure that was never registered; `Unavailable`, and then the
    /// call is repeated.
    async fn destroy(&self, erasure: ErasureId) -> Result<Vec<KeyId>>;

    /// Every registered erasure after a sequence, in order (`erasures_are_listed_in_order`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn erasures(&self, after: Sequence) -> Result<Vec<Erasure>>;

    /// Lifts the fence of a person who returns. New keys open nothing old
    /// (`a_readmitted_person_gets_a_fresh_key`, `a_readmission_needs_a_fence`), and dead aliases stay
    /// dead (`a_readmission_leaves_dead_aliases_fenced`).
    ///
    /// # Errors
    /// `NotFound` when there is no fence; `Unavailable`.
    async fn readmit(&self, target: &Target) -> Result<()>;

    /// Signs with the vault's Ed25519 key (`a_signature_verifies`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn sign(&self, message: &[u8]) -> Result<Signature>;

    /// The ledger's head as it was last anchored.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn anchor(&self) -> Result<Option<Head>>;

    /// Anchors the ledger's head, durably (`the_anchor_survives_a_restart`). A head that is
    /// not beyond the anchor changes nothing (`the_anchor_only_moves_forward`).
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
