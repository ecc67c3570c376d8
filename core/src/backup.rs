//! Backups: where they lie, and the register of what exists.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::ids::{BackupId, MAX_NAME, Position};

/// A place that keeps objects: a folder, a bucket. It is blind: what it is given is sealed.
///
/// Names of objects are relative paths of lower-case letters, digits, `-`, `.` and `/`.
///
/// # Implementors
/// Each promise is a case of the conformance suite, enrolled by
/// `oubliette_conformance::backup_target!`.
///
/// - Objects are stored to the byte (`an_object_survives_as_it_is`).
/// - A name that leads out of the place is refused (`no_object_lies_outside`).
#[async_trait]
pub trait BackupTarget: Debug + Send + Sync + 'static {
    /// Where it is, for people and for the register. No credentials in it.
    fn location(&self) -> String;

    /// Stores an object, whole and durably. Objects are never changed.
    ///
    /// # Implementors
    /// - Whole or not at all (`an_object_is_whole_or_not_there`), also over a restart
    ///   (`objects_survive_a_restart`).
    /// - The same bytes again change nothing; others are refused
    ///   (`an_object_is_never_changed`).
    ///
    /// # Errors
    /// `Conflict` when an object of this name has other bytes; `Invalid` for a name that
    /// is none; `Denied`; `Unavailable`.
    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()>;

    /// The bytes of an object.
    ///
    /// # Errors
    /// `NotFound` when there is none (`a_missing_object_is_not_found`); `Unavailable`.
    async fn get(&self, name: &str) -> Result<Vec<u8>>;

    /// The names of all whole objects that begin with `prefix`, ascending
    /// (`objects_are_listed_by_name`), never of one half written.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list(&self, prefix: &str) -> Result<Vec<String>>;

    /// Takes an object away for good. One that is not there is none to take
    /// (`an_object_that_was_taken_is_gone`).
    ///
    /// # Errors
    /// `Unavailable`; `Denied`.
    async fn take(&self, name: &str) -> Result<()>;

    /// Every byte it holds of objects half written is taken away too
    /// (`nothing_half_written_is_left`).
    ///
    /// # Errors
    /// `Unavailable`; `Denied`.
    async fn tidy(&self) -> Result<()>;
}

impl dyn BackupTarget {
    /// Checks what every target refuses in the same words: a name that is none.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check_name(name: &str) -> Result<()> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        let named = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(allowed);
        if name.len() <= MAX_NAME && name.split('/').all(named) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Invalid,
            "put",
            "the name of an object is a relative path of lower-case letters, digits, `-` and `.`",
        ))
    }
}

/// Knows which backups of a log exist. The certificate of an erasure lists those that
/// still hold what was erased, as dead ciphertext.
///
/// # Implementors
/// - `backups` gives every backup that is not known to be gone, also one that is not
///   finished, and also while the place where it lies is out of reach.
#[async_trait]
pub trait BackupRegister: Debug + Send + Sync + 'static {
    /// Every backup that exists, by the time it was taken.
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt`.
    async fn backups(&self) -> Result<Vec<BackupRecord>>;
}

/// A backup that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupRecord {
    /// Names it.
    pub id: BackupId,
    /// Where it lies.
    pub location: String,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The backup that it continues; none for a full one.
    pub continues: Option<BackupId>,
    /// The last position in it.
    pub through: Position,
    /// When it is to be taken away, itself and with it what it alone needs; none for never.
    pub expires_at: Option<Timestamp>,
}
