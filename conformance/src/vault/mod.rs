//! The promises of a key vault.

mod alias;
mod damage;
mod erase;
mod keys;
mod proof;
mod race;
mod secret;
mod shared;

use oubliette_core::KeyVault;

pub use self::alias::*;
pub use self::damage::*;
pub use self::erase::*;
pub use self::keys::*;
pub use self::proof::*;
pub use self::race::*;
pub use self::secret::*;
pub use self::shared::*;
use crate::Fixture;

/// Every case, once.
#[doc(hidden)]
#[macro_export]
macro_rules! __vault_cases {
    ($then:ident! $arguments:tt) => {
        $crate::$then! { $arguments
            a_minted_key_survives_a_restart
            two_mints_of_a_scope_give_one_key
            each_scope_has_its_own_key
            a_mint_answers_in_order
            a_find_answers_in_order
            an_unknown_key_is_not_a_destroyed_one
            every_key_of_a_person_is_listed

            nothing_is_minted_behind_the_fence
            a_mint_is_all_or_nothing
            a_fence_can_be_repeated
            a_fence_for_one_purpose_leaves_the_others
            a_destroy_fences_first
            a_destroyed_key_never_comes_back
            a_destroyed_key_keeps_its_fingerprint
            a_destroy_can_be_repeated
            nobody_elses_key_is_touched
            an_erasure_of_one_purpose_takes_only_its_keys
            an_erasure_never_registered_is_not_found
            the_same_request_is_the_same_erasure
            erasures_are_listed_in_order
            a_readmitted_person_gets_a_fresh_key
            a_readmission_needs_a_fence

            no_mint_slips_through_an_erasure
            a_dropped_erasure_is_done_when_repeated
            a_dropped_mint_leaves_one_key_at_most
            damage_destroys_no_key
            a_vault_that_is_gone_tells_no_state

            an_alias_keeps_its_pseudonym
            every_alias_is_listed
            keys_of_a_person_include_those_of_their_aliases
            an_alias_dies_with_the_person_who_claims_it
            an_alias_can_be_erased_by_its_pseudonym
            an_erasure_of_one_purpose_leaves_the_aliases
            no_alias_is_recorded_for_an_erased_person
            a_readmission_leaves_dead_aliases_fenced

            a_linked_alias_dies_too
            a_linked_alias_that_another_claims_stays
            a_shared_alias_gets_a_new_pseudonym

            a_signature_verifies
            the_vault_keeps_its_identity
            the_anchor_only_moves_forward
            the_anchor_survives_a_restart

            no_key_is_at_rest_in_the_clear
            no_alias_is_at_rest_in_the_clear
            nothing_tells_an_alias
        }
    };
}

/// The names of all cases.
pub const CASES: &[&str] = crate::__vault_cases!(__names!());

/// Runs the case of this name.
///
/// # Panics
/// When the promise is broken, or when there is no such case.
pub async fn case<F: Fixture<dyn KeyVault>>(name: &str, fixture: F) {
    crate::__vault_cases!(__by_name!(name, fixture))
}
