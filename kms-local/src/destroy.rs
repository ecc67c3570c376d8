//! Destroying keys. See the crate's documentation for the order of the steps.

use std::time::{Duration, Instant};

use oubliette_core::{ErasureId, Error, ErrorKind, KeyId, Result, SubjectId};
use sqlx::sqlite::SqliteConnection;

use crate::erasures::{ALIAS, Registered, by_id, purpose, stored};
use crate::error::sql;
use crate::family::family;
use crate::fence::{raise, raise_for};
use crate::schema::now;
use crate::vault::{Inner, commit, json};

impl Inner {
    pub(crate) async fn destroy(&self, id: ErasureId) -> Result<Vec<KeyId>> {
        let mut transaction = self.begin("destroy").await?;
        let known = by_id(&mut transaction, id).await?;
        if !known.doomed && !known.readmitted {
            self.doom(&mut transaction, &known).await?;
        }
        commit("destroy", transaction).await?;
        self.slots.renew_stamp()?;
        self.finish().await?;
        self.settle().await?;
        self.destroyed_by(&known).await
    }

    /// Settles, for good, which keys die: they are fenced, and no longer handed out.
    async fn doom(&self, connection: &mut SqliteConnection, known: &Registered) -> Result<()> {
        let erasure = &known.erasure;
        let family = family(connection, erasure.target.subject()).await?;
        raise(connection, erasure, &family).await?;
        let aliases: Vec<&SubjectId> = family.iter().map(|member| &member.alias).collect();
        if erasure.target.purpose().is_none() {
            raise_for(connection, erasure, &aliases).await?;
            self.begin_anew(connection, erasure.target.subject(), &family).await?;
        }
        let subjects: Vec<&SubjectId> = aliases.into_iter().chain([erasure.target.subject()]).collect();
        let subjects = json(&subjects)?;
        for doom in [
            "INSERT INTO deaths (slot, erasure) SELECT slot, ?3 FROM live
             WHERE subject IN (SELECT value FROM json_each(?1)) AND ?2 IN ('', purpose)",
            "DELETE FROM live
             WHERE subject IN (SELECT value FROM json_each(?1)) AND ?2 IN ('', purpose)",
        ] {
            sqlx::query(doom)
                .bind(&subjects)
                .bind(purpose(&erasure.target))
                .bind(stored(erasure.sequence))
                .execute(&mut *connection)
                .await
                .map_err(sql("destroy"))?;
        }
        sqlx::query("UPDATE erasures SET doomed_at = ? WHERE sequence = ?")
            .bind(now())
            .bind(stored(erasure.sequence))
            .execute(connection)
            .await
            .map_err(sql("destroy"))?;
        Ok(())
    }

    /// Destroys what is doomed, by whichever process: overwrites the slots, on the disk,
    /// then records the deaths.
    pub(crate) async fn finish(&self) -> Result<()> {
        let mut transaction = self.begin("destroy").await?;
        let doomed: Vec<i64> = sqlx::query_scalar("SELECT slot FROM deaths WHERE at IS NULL")
            .fetch_all(&mut *transaction)
            .await
            .map_err(sql("destroy"))?;
        if doomed.is_empty() {
            return Ok(());
        }
        self.slots.destroy(&doomed)?;
        sqlx::query(
            "UPDATE keys SET wrapped = zeroblob(length(wrapped))
             WHERE slot IN (SELECT slot FROM deaths WHERE at IS NULL)",
        )
        .execute(&mut *transaction)
        .await
        .map_err(sql("destroy"))?;
        sqlx::query("UPDATE deaths SET at = ? WHERE at IS NULL")
            .bind(now())
            .execute(&mut *transaction)
            .await
            .map_err(sql("destroy"))?;
        commit("destroy", transaction).await?;
        self.cache().clear();
        self.slots.renew_stamp()
    }

    /// Writes the write-ahead log back and empties it: it still holds the rows as they were.
    async fn settle(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let (busy, _, _): (bool, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
                .fetch_one(&self.writer)
                .await
                .map_err(sql("destroy"))?;
            if !busy {
                return Ok(());
            }
            if begun.elapsed() >= self.patience {
                break;
            }
            // SQLite waits for readers, but not for another process that does the same.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "destroy",
            "the keys are destroyed, but someone reads vault.db all the while, so that older copies of its \
             rows stay in its write-ahead log: let them finish, then try again",
        ))
    }

    async fn destroyed_by(&self, known: &Registered) -> Result<Vec<KeyId>> {
        let ids: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT k.id FROM deaths AS d JOIN keys AS k ON k.slot = d.slot
             WHERE d.erasure = ? AND k.purpose <> ? ORDER BY d.slot",
        )
        .bind(stored(known.erasure.sequence))
        .bind(ALIAS.as_str())
        .fetch_all(&self.readers)
        .await
        .map_err(sql("destroy"))?;
        ids.iter().map(|id| KeyId::try_from(id.as_slice())).collect()
    }
}
