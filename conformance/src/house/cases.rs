//! The list of cases, and what each of them shows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A case of the house: one promise, over a whole combination of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name, a sentence.
    pub name: &'static str,
    /// What it shows.
    pub shows: Shows,
    /// What holds, in one sentence.
    pub says: &'static str,
}

/// What a case shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// A law of forgetting, 1 to 10.
    Law(u8),
    /// What a restore owes.
    Restore,
    /// An adversary, `A` to `D`, finds nothing.
    Adversary(char),
}

impl fmt::Display for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Law(number) => write!(f, "law {number}"),
            Self::Restore => f.write_str("restore"),
            Self::Adversary(level) => write!(f, "adversary {level}"),
        }
    }
}

/// Every case, once.
#[doc(hidden)]
#[macro_export]
macro_rules! __house_cases {
    ($then:ident! $arguments:tt) => {
        $crate::$then! { $arguments
            no_text_is_at_rest: Shows::Law(1),
                "No personal text is in any byte of any store, in any form: before, after, and once swept.";
            no_key_is_at_rest: Shows::Law(1),
                "No key is in any byte of any store, nor in the vault's, where it lies wrapped.";
            an_index_tells_nothing_and_forgets: Shows::Law(1),
                "What finds documents is no text and no plain hash of one, and goes with the person.";
            no_log_line_tells_a_text: Shows::Law(1),
                "Nothing that is logged at any level, while all of it happens, tells a personal text.";
            no_error_tells_a_text: Shows::Law(1),
                "No error and nothing that caused it tells a personal text.";
            no_panic_tells_a_text: Shows::Law(1),
                "No panic tells a personal text, whatever of the house is shown in it.";
            no_debug_tells_a_text: Shows::Law(1),
                "The `Debug` of no public type tells a personal text.";
            certificates_and_ledger_name_nobody: Shows::Law(1),
                "Certificates, ledger and the toolkit's own events hold no text, no id, and no hash of one.";

            a_key_is_known_before_what_it_seals: Shows::Law(2),
                "A second process finds every key of everything that is sealed in log, documents and snapshots.";
            no_process_gets_a_destroyed_key: Shows::Law(3),
                "Processes with warm caches, and new ones, get no destroyed key, and no old ciphertext opens.";
            a_replay_brings_nothing_back: Shows::Law(3),
                "Reading, following, rebuilding and looking back give nothing of an erased person.";
            nothing_is_sealed_behind_the_fence: Shows::Law(3),
                "No process mints, appends or names anything for an erased person.";
            who_returns_gets_keys_that_open_nothing_old: Shows::Law(3),
                "A person who is readmitted gets fresh keys, and nothing from before opens.";
            a_write_under_a_dead_key_is_refused: Shows::Law(3),
                "What was sealed before an erasure and comes after it is refused by log, documents and snapshots.";
            writes_that_race_an_erasure_leave_nothing: Shows::Law(3),
                "Whoever appends while a person is erased is refused in the end, and leaves no part behind.";

            a_vault_out_of_reach_is_an_error: Shows::Law(4),
                "While the vault is out of reach nothing reads as forgotten, and nothing is certified.";
            a_key_that_nobody_knows_is_an_error: Shows::Law(4),
                "A part whose key the vault has never seen is an error, in events and documents.";
            another_vault_opens_no_house: Shows::Law(4),
                "A vault that is not the log's own knows no key, and the house does not open with it.";
            a_damaged_part_is_an_error: Shows::Law(4),
                "A part that was changed is an error in events and documents; such a snapshot is replayed.";

            a_rebuild_agrees_with_an_incremental_run: Shows::Law(5),
                "Documents that were kept up to date through an erasure are those of a rebuild, to the byte.";
            the_log_says_that_keys_were_destroyed: Shows::Law(5),
                "The log names the keys at its place, and whoever follows it forgets there.";

            a_snapshot_outlives_none_of_its_subjects: Shows::Law(6),
                "Snapshots go with each person in them, open nowhere, and the state is replayed.";

            a_partial_erasure_is_not_an_erasure: Shows::Law(7),
                "Every store is tried, failures are named, nothing is certified, and resuming finishes.";
            an_erasure_that_was_stopped_is_finished_by_the_next_start: Shows::Law(7),
                "Stopped after the effect of any step, before the ledger knows, the next start finishes it.";

            nobody_else_changes: Shows::Law(8),
                "Events, documents, snapshots and aliases of others are the same, also after a rebuild.";
            an_erasure_of_one_purpose_leaves_the_rest: Shows::Law(8),
                "What is held for one purpose is forgotten everywhere, and the person's other values stay.";

            a_store_is_pending_until_it_is_swept: Shows::Law(9),
                "A store is pending until it is swept, what is in the way is named, and then no byte is left.";
            what_is_not_promised_is_not_claimed: Shows::Law(9),
                "What a part cannot promise is absent from the certificate, swept or not.";
            a_backup_from_before_stands_in_the_certificate: Shows::Law(9),
                "Backups from before stand in the certificate with their dates, and leave no byte once expired.";

            the_search_can_fail: Shows::Law(10),
                "What is planted in a store's bytes is found, in every form, also packed; and not without.";

            every_byte_and_every_live_key_open_nothing: Shows::Adversary('A'),
                "Every byte after the erasure holds no text, and every live key opens nothing of the person.";
            old_copies_and_backups_open_nothing: Shows::Adversary('B'),
                "Old copies of every store and the backups hold no text, and open with no key that lives.";
            an_old_vault_is_dead_or_not_claimed: Shows::Adversary('C'),
                "An old copy of the vault opens nothing that died, or nobody claims it; its bytes hold no key in the clear.";
            a_broken_cipher_finds_no_ciphertext: Shows::Adversary('D'),
                "Once a store says that it is swept, no nonce, tag or index entry of what died is in it.";

            a_restored_log_is_closed_until_it_has_forgotten: Shows::Restore,
                "A restored log is in quarantine, also after a restart, until every erasure was replayed in it.";
            a_house_stays_closed_without_its_ledger: Shows::Restore,
                "A ledger that is missing, truncated, older or forked keeps the house closed.";
            a_restore_cut_short_stays_closed: Shows::Restore,
                "A restore that was cut short stays closed, and can be finished.";
            restoring_twice_converges: Shows::Restore,
                "Restored twice, into one log or another, and opened several times, it is the same.";
        }
    };
}
