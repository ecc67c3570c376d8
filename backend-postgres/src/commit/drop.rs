//! Dropping streams: one in a transaction of its own, and those that a restore tells of.

use oubliette_core::{Dropped, DroppedStream, Error, ErrorKind, Result, StreamId, Version};
use sqlx::{Connection as _, PgConnection, PgPool};

use super::{Writer, signed};
use crate::error;
use crate::page::corrupt;

/// The streams that were dropped, ascending by name.
pub(crate) async fn dropped(pool: &PgPool) -> Result<Vec<DroppedStream>> {
    let rows: Vec<(String, i64)> = sqlx::query_as("SELECT stream, version FROM dropped ORDER BY stream")
        .fetch_all(pool)
        .await
        .map_err(error::of("dropped"))?;
    let streams = rows.into_iter().map(|(stream, version)| {
        let stream = StreamId::new(stream).map_err(|_| corrupt())?;
        Ok(DroppedStream { stream, version: Version(version.unsigned_abs()) })
    });
    streams.collect()
}

impl Writer {
    pub(crate) async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        let dropped = self.take_down(stream).await.map_err(error::of("drop"))?;
        dropped.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "drop", "the stream has no events").with("stream", stream)
        })
    }

    /// `None` when there is nothing to take down.
    async fn take_down(&self, stream: &StreamId) -> Result<Option<Dropped>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        self.gate.shut(&mut transaction).await?;
        let version: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM events WHERE stream = $1")
            .bind(stream.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        let Some(version) = version else { return Ok(None) };
        let events = take_events(&mut transaction, &[(stream, version.unsigned_abs())]).await?;
        transaction.commit().await?;
        Ok(Some(Dropped { events }))
    }
}

/// Notes these streams as dropped, and takes their events up to these versions away, within
/// the transaction that is open. Returns how many it took.
pub(super) async fn take_events(
    connection: &mut PgConnection,
    streams: &[(&StreamId, u64)],
) -> Result<u64, sqlx::Error> {
    let (names, versions): (Vec<_>, Vec<_>) =
        streams.iter().map(|(stream, version)| (stream.as_str(), signed(*version))).unzip();
    sqlx::query(
        "INSERT INTO dropped (stream, version) SELECT * FROM unnest($1::text[], $2::bigint[])
         ON CONFLICT (stream) DO UPDATE SET version = greatest(dropped.version, excluded.version)",
    )
    .bind(&names)
    .bind(&versions)
    .execute(&mut *connection)
    .await?;
    let events: i64 = sqlx::query_scalar(
        "WITH gone AS (
             DELETE FROM events USING unnest($1::text[], $2::bigint[]) AS asked (stream, version)
             WHERE events.stream = asked.stream AND events.version <= asked.version
             RETURNING events.position, events.tableoid),
         parts AS (
             DELETE FROM sealed USING gone WHERE sealed.position = gone.position RETURNING sealed.tableoid),
         owners AS (
             DELETE FROM co_owner WHERE (key, position, part) IN (
                 SELECT co_owner.key, co_owner.position, co_owner.part
                 FROM gone JOIN co_owner ON co_owner.position = gone.position)
             RETURNING co_owner.tableoid),
         -- Their positions stay taken, the log's last one too.
         taken AS (UPDATE log SET floor = greatest(floor, (SELECT max(position) FROM gone))),
         marked AS (
             INSERT INTO unswept (relation)
             SELECT tableoid FROM gone UNION SELECT tableoid FROM parts UNION SELECT tableoid FROM owners)
         SELECT count(*) FROM gone",
    )
    .bind(&names)
    .bind(&versions)
    .fetch_one(connection)
    .await?;
    Ok(events.unsigned_abs())
}
