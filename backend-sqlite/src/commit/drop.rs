//! Dropping streams: one in a transaction of its own, and those that a restore tells of.

use oubliette_core::{Dropped, DroppedStream, Error, ErrorKind, Result, StreamId, Version};
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::Committer;
use crate::error;
use crate::page::corrupt;

/// The streams that were dropped, ascending by name.
pub(crate) async fn dropped(readers: &SqlitePool) -> Result<Vec<DroppedStream>> {
    const OP: &str = "dropped";
    let rows = sqlx::query("SELECT stream, version FROM dropped ORDER BY stream")
        .fetch_all(readers)
        .await
        .map_err(error::of(OP))?;
    let streams = rows.iter().map(|row| {
        let stream: &str = row.try_get(0).map_err(error::of(OP))?;
        let version: i64 = row.try_get(1).map_err(error::of(OP))?;
        let stream = StreamId::new(stream).map_err(|_| corrupt())?;
        Ok(DroppedStream { stream, version: Version(version.unsigned_abs()) })
    });
    streams.collect()
}

impl Committer {
    pub(super) async fn drop_stream(&mut self, stream: &StreamId) -> Result<Dropped> {
        let dropped = self.take_down(stream).await;
        if !matches!(dropped, Ok(Some(_))) {
            self.roll_back().await;
        }
        self.heads.forget();
        dropped.map_err(error::of("drop"))?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "drop", "the stream has no events").with("stream", stream)
        })
    }

    /// `None` when there is nothing to take down, and then the transaction stays open.
    async fn take_down(&mut self, stream: &StreamId) -> Result<Option<Dropped>, sqlx::Error> {
        let connection = &mut self.connection;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        let version = sqlx::query("SELECT max(version) FROM events WHERE stream = ?1")
            .bind(stream.as_str())
            .fetch_one(&mut *connection)
            .await?
            .try_get::<Option<i64>, _>(0)?;
        let Some(version) = version else { return Ok(None) };
        let events = take_events(connection, &[(stream, version.unsigned_abs())]).await?;
        sqlx::query("COMMIT").execute(&mut *connection).await?;
        Ok(Some(Dropped { events }))
    }
}

/// Notes these streams as dropped, and takes their events up to these versions away, within
/// the transaction that is open. Returns how many it took.
pub(super) async fn take_events(
    connection: &mut SqliteConnection,
    streams: &[(&StreamId, u64)],
) -> Result<u64, sqlx::Error> {
    let streams = serde_json::to_string(streams).map_err(|error| sqlx::Error::Encode(error.into()))?;
    for note in [
        "INSERT INTO dropped (stream, version)
         SELECT value ->> 0, value ->> 1 FROM json_each(?1) WHERE true
         ON CONFLICT (stream) DO UPDATE SET version = max(version, excluded.version)",
        // Their positions stay taken, the log's last one too.
        "UPDATE log SET floor = max(floor, coalesce((SELECT max(position) FROM events), 0))",
        "DELETE FROM sealed_key WHERE (key, sealed) IN (
             SELECT owner.key, owner.sealed FROM json_each(?1) AS asked
                 CROSS JOIN events ON events.stream = asked.value ->> 0 AND events.version <= asked.value ->> 1
                 CROSS JOIN owner ON owner.sealed BETWEEN events.position << 16 AND events.position << 16 | 65535)",
        "DELETE FROM sealed WHERE id IN (
             SELECT sealed.id FROM json_each(?1) AS asked
                 CROSS JOIN events ON events.stream = asked.value ->> 0 AND events.version <= asked.value ->> 1
                 CROSS JOIN sealed ON sealed.id BETWEEN events.position << 16 AND events.position << 16 | 65535)",
    ] {
        sqlx::query(note).bind(streams.as_str()).execute(&mut *connection).await?;
    }
    let events = sqlx::query(
        "DELETE FROM events WHERE position IN (
             SELECT events.position FROM json_each(?1) AS asked
                 CROSS JOIN events ON events.stream = asked.value ->> 0 AND events.version <= asked.value ->> 1)",
    )
    .bind(streams.as_str())
    .execute(connection)
    .await?;
    Ok(events.rows_affected())
}
