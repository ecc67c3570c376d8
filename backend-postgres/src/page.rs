//! A page's rows: events, and sealed parts beside them.

use std::collections::HashMap;

use jiff::Timestamp;
use oubliette_core::{
    Envelope, Error, ErrorKind, EventId, EventType, Position, Recorded, Result, SealedPart, StreamId,
    Version, sum,
};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::error;

const OP: &str = "read";
/// The most parts of one event: what an envelope can number.
const PARTS: usize = 1 << 16;

/// The events of a page, in the order they were read in.
pub(crate) fn decode(rows: &[PgRow]) -> Result<Vec<Recorded>> {
    let mut page = Vec::with_capacity(rows.len());
    let mut places = HashMap::with_capacity(rows.len());
    for row in rows {
        let position = position(row)?;
        match get::<Option<i32>>(row, 1)? {
            None => {
                places.insert(position, page.len());
                let event = event(row, position, page.last())?;
                page.push(event);
            }
            Some(number) => {
                let damaged = || corrupt().with("position", position);
                // The events come first. One that the page has not was left to the next.
                let Some(at) = places.get(&position) else { continue };
                let event: &mut Recorded = page.get_mut(*at).ok_or_else(damaged)?;
                let place =
                    usize::try_from(number).ok().and_then(|number| event.envelope.parts.get_mut(number));
                let bytes = get::<&[u8]>(row, 2)?.to_vec();
                let part = SealedPart::from_bytes(bytes).map_err(|error| error.with("position", position))?;
                *place.ok_or_else(damaged)? = Some(part);
            }
        }
    }
    Ok(page)
}

fn event(row: &PgRow, position: u64, before: Option<&Recorded>) -> Result<Recorded> {
    let damaged = || corrupt().with("position", position);
    let (stream, kind): (&str, &str) = (get(row, 3)?, get(row, 7)?);
    let open = match get::<Option<&str>>(row, 10)? {
        Some(text) => text.as_bytes(),
        None => get::<Option<&[u8]>>(row, 11)?.ok_or_else(damaged)?,
    };
    let parts = usize::try_from(get::<i32>(row, 9)?).ok().filter(|parts| *parts <= PARTS);
    let recorded_at = get::<i64>(row, 5)?;
    let envelope = Envelope {
        id: EventId::try_from(get::<&[u8]>(row, 6)?).map_err(|_| damaged())?,
        // Neighbours mostly share their stream and their type.
        event_type: match before {
            Some(before) if before.envelope.event_type.as_str() == kind => before.envelope.event_type.clone(),
            _ => EventType::new(kind).map_err(|_| damaged())?,
        },
        schema: u32::try_from(get::<i64>(row, 8)?).map_err(|_| damaged())?,
        open: open.to_vec(),
        parts: vec![None; parts.ok_or_else(damaged)?],
    };
    let version = get::<i64>(row, 4)?.unsigned_abs();
    let is = sum_of(stream, version, recorded_at, &envelope);
    if get::<i64>(row, 12)? != i64::from(is) {
        return Err(damaged());
    }
    Ok(Recorded {
        position: Position(position),
        stream: match before {
            Some(before) if before.stream.as_str() == stream => before.stream.clone(),
            _ => StreamId::new(stream).map_err(|_| damaged())?,
        },
        version: Version(version),
        recorded_at: Timestamp::from_microsecond(recorded_at).map_err(|_| damaged())?,
        envelope,
    })
}

fn position(row: &PgRow) -> Result<u64> {
    get::<i64>(row, 0).map(i64::unsigned_abs)
}

fn get<'r, T>(row: &'r PgRow, column: usize) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(error::of(OP))
}

/// What the row of an event sums up to. Its position is not in it: that is given by the server.
/// Sealed parts need no sum: each proves itself when it is opened.
pub(crate) fn sum_of(stream: &str, version: u64, recorded_at: i64, envelope: &Envelope) -> u32 {
    let numbers =
        [version, recorded_at.cast_unsigned(), u64::from(envelope.schema), envelope.parts.len() as u64];
    let names = (stream.as_bytes(), envelope.event_type.as_str().as_bytes());
    sum(&numbers, &[envelope.id.as_bytes(), names.0, names.1, &envelope.open])
}

pub(crate) fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt, OP, "a stored row is damaged: restore the store from a backup")
}
