//! Inserting a plan: one statement, and so one round trip and one transaction.

use oubliette_core::Recorded;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use sqlx::{Postgres, Row as _};

use super::gate::{Gate, gate};
use super::plan::{EventRow, PartRow, Plan};
use crate::page::sum_of;

/// The columns of events, but for their positions.
///
/// Arrays are unnested side by side in what is selected: each one in `FROM` is written to a store of
/// its own first, and for one event that may take as long as all else.
macro_rules! columns {
    () => {
        "unnest($1::text[]) AS stream, unnest($2::bigint[]) AS version, unnest($3::bigint[]) AS recorded_at,
            unnest($4::bytea[]) AS event_id, unnest($5::text[]) AS type, unnest($6::bigint[]) AS schema,
            unnest($7::int[]) AS parts, unnest($8::bigint[]) AS size, unnest($9::text[]) AS open,
            unnest($10::bytea[]) AS raw, unnest($11::bigint[]) AS sum"
    };
}

/// Inserts the events that are selected.
macro_rules! insert_events {
    () => {
        "kept AS (
            INSERT INTO events (position, stream, version, recorded_at, event_id, type, schema, parts, size,
                open, raw, sum)
            "
    };
}

/// Inserts the events that are selected, their parts, and the further owners of these. Positions
/// ascend as the events do: so a part's event is found by its place in the array of them all.
macro_rules! insert {
    ($($events:tt)+) => {
        concat!(
            insert_events!(),
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

/// Many events. Positions are given behind the gate. Nobody comes through, and nothing is inserted,
/// when the log was changed since it was planned.
const MANY: &str = concat!(
    "WITH gate AS MATERIALIZED (SELECT ",
    gate!("$18", "$19", "$20"),
    " AS open), ",
    insert!("SELECT nextval('positions'), e.* FROM gate, (SELECT ", columns!(), ") AS e WHERE gate.open")
);

/// One event with at most one part, of one owner: as most appends are. Arrays of one, and a statement
/// that can hold more, take half as long again.
const ONE: &str = concat!(
    "WITH ",
    insert_events!(),
    "SELECT nextval('positions'), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE ",
    gate!("$14", "$15", "$16"),
    " RETURNING position),
    sealed_part AS (
        INSERT INTO sealed (position, part, bytes) SELECT position, $12, $13 FROM kept WHERE $13 IS NOT NULL)
    SELECT ARRAY[position] FROM kept"
);

/// Events go back to the positions that they had.
const RESTORE: &str = concat!("WITH ", insert!("SELECT unnest($18::bigint[]), ", columns!()));

/// Appends what is planned. The positions of its events in their order; none when the plan is
/// out of date, and then nothing was appended.
pub(super) async fn append(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    changes: i64,
    gate: Gate,
) -> Result<Option<Vec<u64>>, sqlx::Error> {
    let statement = match (&plan.events[..], &plan.parts[..]) {
        ([event], []) => one(event, None),
        ([event], [part]) if part.sealed.owners().nth(1).is_none() => one(event, Some(part)),
        _ => rows(MANY, plan),
    };
    let behind = statement.bind(gate.log).bind(changes).bind(gate.events);
    let Some(row) = behind.fetch_optional(connection).await? else { return Ok(None) };
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
    rows(RESTORE, plan).bind(positions).execute(connection).await.map(drop)
}

/// A statement, and what was bound to it so far.
type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// Binds one event, and its part.
fn one<'q>(row: &'q EventRow<'_>, part: Option<&'q PartRow<'_>>) -> Statement<'q> {
    let (open, raw) = text_or_raw(&row.envelope.open);
    sqlx::query(ONE)
        .bind(row.stream.as_str())
        .bind(signed(row.version))
        .bind(row.recorded_at)
        .bind(row.envelope.id.as_bytes().as_slice())
        .bind(row.envelope.event_type.as_str())
        .bind(i64::from(row.envelope.schema))
        .bind(number(row.envelope.parts.len()))
        .bind(signed(size(row)))
        .bind(open)
        .bind(raw)
        .bind(i64::from(row.sum()))
        .bind(part.map(|part| number(part.number)))
        .bind(part.map(|part| part.sealed.as_bytes()))
}

/// Binds a plan's rows: a column of all rows is one value.
fn rows<'q>(statement: &'static str, plan: &Plan<'_>) -> Statement<'q> {
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
    sqlx::query(statement)
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
        .bind(column(|row| i64::from(row.sum())))
        .bind(part_events)
        .bind(part_numbers)
        .bind(sealed)
        .bind(owners.0)
        .bind(owners.1)
        .bind(owners.2)
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
