//! What a certificate claims for each store.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::certificate::{Claim, Levels};
use super::sweep::LOG;
use crate::backup::BackupRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::promise::Promise;

impl Oubliette {
    /// What holds for each store: what was verified, and what its promise gives.
    pub(super) fn claims(
        &self,
        destroyed_at: Timestamp,
        verified_at: Timestamp,
        backups: &[BackupRecord],
    ) -> Result<BTreeMap<String, Levels>> {
        let after = |at: Timestamp, within: Duration| {
            at.checked_add(within)
                .map_err(|_| Error::new(ErrorKind::Unexpected, "certify", "a promise is out of range"))
        };
        let promised = |within: Option<Duration>, why: &str, never: &str| -> Result<Claim> {
            let Some(within) = within else {
                return Ok(Claim::NotClaimed { why: never.to_owned() });
            };
            let until = after(destroyed_at, within)?;
            Ok(match until <= verified_at {
                true => Claim::Holds { since: until },
                false => Claim::Pending { until, why: why.to_owned() },
            })
        };
        let unrecoverable = promised(
            self.vault.promise().unrecoverable_within,
            "until then an old copy of the vault still opens",
            "an old copy of the vault, with its master key, still opens",
        )?;
        // The bytes of a store that promises them gone at once went with the parts; those of
        // any other store go when it is swept, and no sooner, whatever time has passed.
        let levels = |d| Levels {
            a: Claim::Holds { since: verified_at },
            b: Claim::Holds { since: destroyed_at },
            c: unrecoverable.clone(),
            d,
        };
        let swept = |promise: Promise| -> Result<Levels> {
            let until = "until it is swept, dead ciphertext may stay in the store's free space";
            match promise.bytes_gone {
                Some(Duration::ZERO) => Ok(levels(Claim::Holds { since: verified_at })),
                Some(within) => {
                    Ok(levels(Claim::Pending { until: after(destroyed_at, within)?, why: until.to_owned() }))
                }
                None => Ok(levels(Claim::NotClaimed {
                    why: "dead ciphertext may stay in what the store has at rest".to_owned(),
                })),
            }
        };
        let vault = promised(
            self.vault.promise().bytes_gone,
            "until then the wrapped keys may stay in what the vault has at rest",
            "the wrapped keys may stay in what the vault has at rest",
        )?;
        let mut claims = BTreeMap::from([
            (LOG.to_owned(), swept(self.log.promise())?),
            ("vault".to_owned(), levels(vault)),
        ]);
        if let Some(documents) = &self.documents {
            claims.insert(documents.name().to_owned(), swept(documents.promise())?);
        }
        if let Some(snapshots) = &self.snapshots {
            claims.insert(snapshots.name().to_owned(), swept(snapshots.promise())?);
        }
        for projector in self.projectors.iter() {
            let why = "it says that it has forgotten, and cannot be looked into from here";
            let unseen = Claim::NotClaimed { why: why.to_owned() };
            let levels = Levels { a: unseen.clone(), b: unseen.clone(), c: unseen.clone(), d: unseen };
            claims.insert(projector.name().to_owned(), levels);
        }
        if !backups.is_empty() {
            let sealed = Claim::Holds { since: destroyed_at };
            let d = match backups.iter().map(|backup| backup.expires_at).collect::<Option<Vec<_>>>() {
                Some(ends) => Claim::Pending {
                    until: ends.into_iter().max().unwrap_or(verified_at),
                    why: "until they expire, backups from before hold dead ciphertext".to_owned(),
                },
                None => Claim::NotClaimed {
                    why: "a backup from before holds dead ciphertext, and is kept for ever".to_owned(),
                },
            };
            let levels = Levels { a: sealed.clone(), b: sealed, c: unrecoverable, d };
            claims.insert("backups".to_owned(), levels);
        }
        Ok(claims)
    }
}
