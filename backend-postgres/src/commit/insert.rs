//! Inserting a plan: one statement, and so one round trip and one transaction.

use oubliette_core::{Position, Recorded};
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use sqlx::{Postgres, Row as _};

use super::plan::{EventRow, Plan};
use crate::page::sum_of;

/// The columns of events, but for their positions.
///
/// Arrays are unnested side by side in what is selected: each one in `FROM` is written to a store of
/// its own first, and for one event that may take as long as all else.
macro_rules! columns {
    () => {
        "unnest($2::text[]) AS stream, unnest($3::bigint[]) AS version, unnest($4::bigint[]) AS recorded_at,
            unnest($5::bytea[]) AS event_id, unnest($6::text[]) AS type, unnest($7::bigint[]) AS schema,
            unnest($8::int[]) AS parts, unnest($9::bigint[]) AS size, unnest($10::text[]) AS open,
            unnest($11::bytea[]) AS raw, unnest($18::bigint[]) AS sum"
    };
}

/// Inserts the events that are selected, their parts, and the further owners of these. Positions
/// ascend as the events do: so a part's event is found by its place in the array of them all.
macro_rules! insert {
    ($($events:tt)+) => {
        concat!(
            "kept AS (
                INSERT INTO events (position, stream, version, recorded_at, event_id, type, schema, parts, size,
                    open, raw, sum)
                ",
            $($events)+,
            " RETURNING position),
            given AS MATERIALIZED (SELECT array_agg(position ORDER BY position) AS positions FROM kept),
            sealed_parts AS (
                INSERT INTO sealed (position, part, bytes)
                SELECT given.positions[event], part, bytes
                FROM given, (SELECT unnest($12::int[]) AS event, unnest($13::int[]) AS part,
                    unnest($14::bytea[]) AS bytes) AS sealed
                WHERE given.positions IS NOT NULL),
            co_owners AS (
                INSERT INTO co_owner (key, position, part)
                SELECT key, given.positions[event], part
                FROM given, (SELECT unnest($15::int[]) AS event, unnest($16::int[]) AS part,
                    unnest($17::bytea[]) AS key) AS owner
                WHERE given.positions IS NOT NULL)
            SELECT positions FROM given"
        )
    };
}

/// Positions are given behind a gate. It locks the last one that was given out before: see the
/// function `head`. Nobody comes through, and nothing is inserted, when what was planned with is
/// no longer true: the log is in quarantine, a stream was dropped beyond the planned version, or a
/// key was scrubbed. To read `scrubbed` keeps a scrub waiting that would miss these parts.
const APPEND: &str = concat!(
    "WITH gate AS MATERIALIZED (
        SELECT pg_advisory_xact_lock_shared(
            $22, (CASE WHEN is_called THEN last_value ELSE 0 END)::bit(32)::int) AS entered
        FROM positions
        WHERE (SELECT quarantine FROM log) IS NOT DISTINCT FROM $1
        AND NOT EXISTS (
            SELECT FROM (SELECT unnest($19::text[]) AS stream, unnest($20::bigint[]) AS version) AS planned
            JOIN dropped ON dropped.stream = planned.stream AND dropped.version >= planned.version)
        AND NOT EXISTS (SELECT FROM scrubbed WHERE key = ANY($21::bytea[]))),
    ",
    insert!(
        "SELECT nextval('positions'), e.* FROM gate, (SELECT ",
        columns!(),
        ") AS e WHERE gate.entered IS NOT NULL"
    )
);

/// Events go back to the positions that they had.
const RESTORE: &str = concat!("WITH ", insert!("SELECT unnest($1::bigint[]), ", columns!()));

/// Appends what is planned. The positions of its events in their order; none when the plan is
/// out of date, and then nothing was appended.
pub(super) async fn append(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    quarantine: Option<Position>,
    class: i32,
) -> Result<Option<Vec<u64>>, sqlx::Error> {
    let (streams, firsts): (Vec<_>, Vec<_>) =
        plan.firsts().map(|(stream, first)| (stream.as_str(), signed(first))).unzip();
    let owners: Vec<_> = plan.owners().into_iter().map(|key| *key.as_bytes()).collect();
    let owners: Vec<_> = owners.iter().map(<[u8; 16]>::as_slice).collect();
    let head = sqlx::query(APPEND).bind(quarantine.map(|until| signed(until.0)));
    let row =
        rows(head, plan).bind(streams).bind(firsts).bind(owners).bind(class).fetch_one(connection).await?;
    let positions: Option<Vec<i64>> = row.try_get(0)?;
    Ok(positions.map(|positions| positions.into_iter().map(i64::unsigned_abs).collect()))
}

/// Inserts events at the positions that they were recorded at.
pub(super) async fn restore(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    events: &[&Recorded],
) -> Result<(), sqlx::Error> {
    let positions: Vec<_> = events.iter().map(|event| signed(event.position.0)).collect();
    rows(sqlx::query(RESTORE).bind(positions), plan).execute(connection).await.map(drop)
}

/// Binds a plan's rows: a column of all rows is one value.
fn rows<'q>(query: Query<'q, Postgres, PgArguments>, plan: &Plan<'_>) -> Query<'q, Postgres, PgArguments> {
    let column = |of: fn(&EventRow<'_>) -> i64| plan.events.iter().map(of).collect::<Vec<_>>();
    let ids: Vec<_> = plan.events.iter().map(|row| row.envelope.id.as_bytes().as_slice()).collect();
    let streams: Vec<_> = plan.events.iter().map(|row| row.stream.as_str()).collect();
    let types: Vec<_> = plan.events.iter().map(|row| row.envelope.event_type.as_str()).collect();
    let parts: Vec<_> = plan.events.iter().map(|row| number(row.envelope.parts.len())).collect();
    let (open, raw): (Vec<_>, Vec<_>) = plan.events.iter().map(|row| text_or_raw(&row.envelope.open)).unzip();
    let sealed: Vec<_> = plan.parts.iter().map(|part| part.sealed.as_bytes()).collect();
    let of_parts = plan.parts.iter().map(|part| (number(part.event + 1), number(part.number)));
    let (part_events, part_numbers): (Vec<_>, Vec<_>) = of_parts.unzip();
    let mut owners = (Vec::new(), Vec::new(), Vec::new());
    for part in &plan.parts {
        for owner in part.sealed.owners().skip(1) {
            owners.0.push(number(part.event + 1));
            owners.1.push(number(part.number));
            owners.2.push(owner.as_bytes().to_vec());
        }
    }
    query
        .bind(streams)
        .bind(column(|row| signed(row.version)))
        .bind(column(|row| row.recorded_at))
        .bind(ids)
        .bind(types)
        .bind(column(|row| i64::from(row.envelope.schema)))
        .bind(parts)
        .bind(column(|row| signed(size(row))))
        .bind(open)
        .bind(raw)
        .bind(part_events)
        .bind(part_numbers)
        .bind(sealed)
        .bind(owners.0)
        .bind(owners.1)
        .bind(owners.2)
        .bind(column(|row| i64::from(row.sum())))
}

/// JSON as text that SQL can read, or as bytes when it is none. A text of PostgreSQL has no NUL.
pub(crate) fn text_or_raw(open: &[u8]) -> (Option<&str>, Option<&[u8]>) {
    match std::str::from_utf8(open) {
        Ok(text) if !open.contains(&0) => (Some(text), None),
        _ => (None, Some(open)),
    }
}

fn size(row: &EventRow<'_>) -> u64 {
    let sealed: usize = row.envelope.parts.iter().flatten().map(|part| part.as_bytes().len()).sum();
    (row.envelope.open.len() + sealed) as u64
}

impl EventRow<'_> {
    fn sum(&self) -> u32 {
        sum_of(self.stream.as_str(), self.version, self.recorded_at, self.envelope)
    }
}

/// A number as PostgreSQL holds it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The positions of what is planned, if it is there already.
pub(super) async fn landed(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
) -> Result<Option<Vec<u64>>, sqlx::Error> {
    let streams: Vec<_> = plan.events.iter().map(|row| row.stream.as_str()).collect();
    let versions: Vec<_> = plan.events.iter().map(|row| signed(row.version)).collect();
    let ids: Vec<_> = plan.events.iter().map(|row| row.envelope.id.as_bytes().as_slice()).collect();
    let positions: Vec<i64> = sqlx::query_scalar(
        "SELECT events.position
         FROM unnest($1::text[], $2::bigint[], $3::bytea[]) WITH ORDINALITY AS planned (stream, version, id, n)
         JOIN events ON events.stream = planned.stream AND events.version = planned.version
             AND events.event_id = planned.id
         ORDER BY planned.n",
    )
    .bind(streams)
    .bind(versions)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let all = !positions.is_empty() && positions.len() == plan.events.len();
    Ok(all.then(|| positions.into_iter().map(i64::unsigned_abs).collect()))
}
