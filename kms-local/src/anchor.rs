//! The anchor: how far the ledger goes, as the vault was last told.

use oubliette_core::ledger::{Hash, Head};
use oubliette_core::{Result, Sequence};

use crate::erasures::stored;
use crate::error::{corrupt, sql};
use crate::vault::Inner;

impl Inner {
    pub(crate) async fn anchor(&self) -> Result<Option<Head>> {
        let row: (Option<i64>, Option<Vec<u8>>) =
            sqlx::query_as("SELECT anchor_sequence, anchor_hash FROM vault")
                .fetch_one(&self.readers)
                .await
                .map_err(sql("anchor"))?;
        let (Some(sequence), Some(hash)) = row else { return Ok(None) };
        let damaged = || corrupt("anchor", "the ledger's anchor in vault.db is damaged: restore the vault");
        Ok(Some(Head {
            sequence: Sequence(u64::try_from(sequence).map_err(|_| damaged())?),
            hash: Hash(hash.try_into().map_err(|_| damaged())?),
        }))
    }

    pub(crate) async fn set_anchor(&self, head: &Head) -> Result<()> {
        sqlx::query(
            "UPDATE vault SET anchor_sequence = ?1, anchor_hash = ?2
             WHERE anchor_sequence IS NULL OR anchor_sequence < ?1",
        )
        .bind(stored(head.sequence))
        .bind(head.hash.0.as_slice())
        .execute(&self.writer)
        .await
        .map_err(sql("anchor"))?;
        Ok(())
    }
}
