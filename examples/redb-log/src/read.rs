//! Reading, within one transaction.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oubliette_core::{
    DroppedStream, Envelope, KeyId, Position, Query, Recorded, SealedPart, Select, StreamId, Version,
};
use redb::{ReadTransaction, ReadableTable};

use crate::error::{Failure, corrupt};
use crate::schema::{DROPPED, EVENTS, HEAD, OWNERS, Owner, QUARANTINE, SEALED, STREAMS};

/// A page ends with the event that reaches so many bytes.
const PAGE_BYTES: usize = 4 << 20;

pub(crate) fn head(log: &impl ReadableTable<&'static str, u64>) -> Result<Position, Failure> {
    Ok(Position(log.get(HEAD)?.map_or(0, |head| head.value())))
}

pub(crate) fn quarantine(log: &impl ReadableTable<&'static str, u64>) -> Result<Option<Position>, Failure> {
    Ok(log.get(QUARANTINE)?.map(|until| Position(until.value())))
}

/// Where the versions of a stream go on: after its last event, or where it was dropped.
pub(crate) fn version(
    streams: &impl ReadableTable<(&'static str, u64), u64>,
    dropped: &impl ReadableTable<&'static str, u64>,
    stream: &StreamId,
) -> Result<Version, Failure> {
    let name = stream.as_str();
    let last = streams.range((name, 0)..=(name, u64::MAX))?.next_back().transpose()?;
    let dropped = dropped.get(name)?.map_or(0, |version| version.value());
    Ok(Version(last.map_or(0, |(at, _)| at.value().1).max(dropped)))
}

/// The parts that a key sealed, beyond a position.
pub(crate) fn footprint(
    owners: &impl ReadableTable<Owner, ()>,
    key: &KeyId,
    after: Position,
) -> Result<impl Iterator<Item = Result<(u64, u16), Failure>>, Failure> {
    let key = *key.as_bytes();
    let range = owners.range((key, after.0.saturating_add(1), 0)..=(key, u64::MAX, u16::MAX))?;
    Ok(range.map(|row| {
        let (_, position, number) = row?.0.value();
        Ok((position, number))
    }))
}

/// The streams that were dropped, ascending by name.
pub(crate) fn dropped(transaction: &ReadTransaction) -> Result<Vec<DroppedStream>, Failure> {
    let table = transaction.open_table(DROPPED)?;
    let rows = table.iter()?.map(|row| {
        let (stream, version) = row?;
        Ok(DroppedStream { stream: StreamId::new(stream.value())?, version: Version(version.value()) })
    });
    rows.collect()
}

/// The first events that a query asks for: one page, empty at the end.
pub(crate) fn page(transaction: &ReadTransaction, query: &Query) -> Result<Vec<Recorded>, Failure> {
    let limit = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let (mut page, mut bytes) = (Vec::new(), 0);
    for position in positions(transaction, &query.select, limit.min(query.page.max(1)))? {
        let event = event(transaction, position)?;
        let parts = event.envelope.parts.iter().flatten();
        bytes += event.envelope.open.len() + parts.map(|part| part.as_bytes().len()).sum::<usize>();
        page.push(event);
        if bytes >= PAGE_BYTES {
            break;
        }
    }
    Ok(page)
}

/// What is left to ask for after this event.
pub(crate) fn beyond(mut query: Query, last: &Recorded, read: usize) -> Query {
    query.limit = query.limit.map(|limit| limit.saturating_sub(read as u64));
    query.select = match query.select {
        Select::All(_) => Select::All(last.position),
        Select::Stream(stream, _) => Select::Stream(stream, last.version),
        Select::SealedUnder(keys, _) => Select::SealedUnder(keys, last.position),
    };
    query
}

/// The positions of the first events that are selected, ascending.
fn positions(transaction: &ReadTransaction, select: &Select, count: usize) -> Result<BTreeSet<u64>, Failure> {
    let mut found = BTreeSet::new();
    match select {
        Select::All(after) => {
            for row in transaction.open_table(EVENTS)?.range(after.0.saturating_add(1)..)?.take(count) {
                found.insert(row?.0.value());
            }
        }
        Select::Stream(stream, after) => {
            let (name, first) = (stream.as_str(), after.0.saturating_add(1));
            let streams = transaction.open_table(STREAMS)?;
            for row in streams.range((name, first)..=(name, u64::MAX))?.take(count) {
                found.insert(row?.1.value());
            }
        }
        Select::SealedUnder(keys, after) => {
            let owners = transaction.open_table(OWNERS)?;
            for key in keys {
                // The first of each key: among them are the first of all.
                let mut of_key = BTreeSet::new();
                for part in footprint(&owners, key, *after)? {
                    if of_key.len() > count {
                        break;
                    }
                    of_key.insert(part?.0);
                }
                found.append(&mut of_key);
            }
        }
    }
    Ok(found.into_iter().take(count).collect())
}

fn event(transaction: &ReadTransaction, position: u64) -> Result<Recorded, Failure> {
    let row = transaction.open_table(EVENTS)?.get(position)?.ok_or_else(corrupt)?;
    let (stream, version, recorded_at, envelope) = row.value();
    let mut envelope = Envelope::decode(envelope)?;
    for row in transaction.open_table(SEALED)?.range((position, 0)..=(position, u16::MAX))? {
        let (part, sealed) = row?;
        let place = envelope.parts.get_mut(usize::from(part.value().1)).ok_or_else(corrupt)?;
        *place = Some(SealedPart::from_bytes(sealed.value().to_vec())?);
    }
    Ok(Recorded {
        position: Position(position),
        stream: StreamId::new(stream)?,
        version: Version(version),
        recorded_at: Timestamp::from_microsecond(recorded_at).map_err(|_| corrupt())?,
        envelope,
    })
}
