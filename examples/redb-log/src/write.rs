//! Changes, within one transaction.

use jiff::Timestamp;
use oubliette_core::{
    Appended, Batch, Dropped, Error, ErrorKind, KeyId, Position, Recorded, Restored, Scrubbed, SealedPart,
    StreamBatch, StreamId, Version,
};
use redb::{ReadableTable, Table, WriteTransaction};

use crate::error::{Failure, corrupt};
use crate::read::{footprint, head, quarantine, version};
use crate::schema::{
    DROPPED, EVENTS, Event, FORMAT, HEAD, LOG, NEWEST, OWNERS, Owner, Part, QUARANTINE, SCRUBBED, SEALED,
    STREAMS,
};

/// All tables, open in one transaction. It makes those that are not there.
pub(crate) struct Writing<'t> {
    log: Table<'t, &'static str, u64>,
    events: Table<'t, u64, Event>,
    streams: Table<'t, (&'static str, u64), u64>,
    sealed: Table<'t, Part, &'static [u8]>,
    owners: Table<'t, Owner, ()>,
    scrubbed: Table<'t, [u8; 16], ()>,
    dropped: Table<'t, &'static str, u64>,
}

impl<'t> Writing<'t> {
    pub(crate) fn of(transaction: &'t WriteTransaction) -> Result<Self, Failure> {
        Ok(Self {
            log: transaction.open_table(LOG)?,
            events: transaction.open_table(EVENTS)?,
            streams: transaction.open_table(STREAMS)?,
            sealed: transaction.open_table(SEALED)?,
            owners: transaction.open_table(OWNERS)?,
            scrubbed: transaction.open_table(SCRUBBED)?,
            dropped: transaction.open_table(DROPPED)?,
        })
    }

    pub(crate) fn check_format(&mut self) -> Result<(), Failure> {
        let format = self.log.get(FORMAT)?.map(|format| format.value());
        match format {
            None => drop(self.log.insert(FORMAT, NEWEST)?),
            Some(format) if format > NEWEST => {
                let text = "a newer release wrote the file: upgrade this program";
                return Err(Error::new(ErrorKind::NewerFormat, "open", text).with("format", format).into());
            }
            Some(_) => {}
        }
        Ok(())
    }

    pub(crate) fn append(&mut self, batch: Batch) -> Result<Appended, Failure> {
        let refused = |kind, text| Error::new(kind, "append", text);
        let before = head(&self.log)?;
        if let Some(until) = quarantine(&self.log)? {
            Restored::check_end(before, until)?;
        }
        for entry in &batch.streams {
            let version = self.version(&entry.stream)?;
            if !entry.expect.holds(version) {
                let text = "the stream is not where it was expected to be: read it again and decide again";
                return Err(refused(ErrorKind::Conflict, text).with("version", version).into());
            }
        }
        for part in batch.events().flat_map(|event| event.parts.iter().flatten()) {
            if self.is_dead(part)? {
                let text =
                    "a part is sealed under a key that was scrubbed: nothing is stored under it any more";
                return Err(refused(ErrorKind::Erased, text).into());
            }
        }
        // A log keeps times to the microsecond.
        let recorded_at = Timestamp::from_microsecond(Timestamp::now().as_microsecond())
            .map_err(|_| refused(ErrorKind::Unexpected, "the clock is out of range"))?;
        let mut last = before;
        let mut versions = Vec::with_capacity(batch.streams.len());
        for StreamBatch { stream, events, .. } in batch.streams {
            let mut version = self.version(&stream)?;
            for envelope in events {
                last = last.plus(1);
                version = version.plus(1);
                let stream = stream.clone();
                self.insert(Recorded { position: last, stream, version, recorded_at, envelope })?;
            }
            versions.push(version);
        }
        self.log.insert(HEAD, last.0)?;
        Ok(Appended { first: before.plus(1), last, versions })
    }

    pub(crate) fn scrub(&mut self, keys: &[KeyId]) -> Result<Scrubbed, Failure> {
        let mut scrubbed = Scrubbed::default();
        for key in keys {
            self.scrubbed.insert(key.as_bytes(), ())?;
            let parts: Vec<Part> = footprint(&self.owners, key, Position::ZERO)?.collect::<Result<_, _>>()?;
            for part in parts {
                self.take_part(part)?;
                scrubbed.parts += 1;
            }
        }
        Ok(scrubbed)
    }

    pub(crate) fn drop_stream(&mut self, stream: &StreamId) -> Result<Dropped, Failure> {
        let version = self.version(stream)?;
        let events = self.take_stream(stream, version)?;
        if events == 0 {
            let text = "the stream has no events";
            return Err(Error::new(ErrorKind::NotFound, "drop", text).with("stream", stream).into());
        }
        Ok(Dropped { events })
    }

    pub(crate) fn restore(&mut self, page: Restored) -> Result<(), Failure> {
        let before = head(&self.log)?;
        page.check(before, quarantine(&self.log)?)?;
        // What is restored already is passed over.
        for event in page.events.iter().filter(|event| event.position > before && !page.drops(event)) {
            if event.version <= self.version(&event.stream)? {
                let text = "the versions of a stream are not in order";
                return Err(Error::new(ErrorKind::Invalid, "restore", text).into());
            }
            self.insert(event.clone())?;
        }
        for gone in &page.dropped {
            self.take_stream(&gone.stream, gone.version)?;
        }
        self.log.insert(QUARANTINE, page.until.0)?;
        self.log.insert(HEAD, before.max(page.through).0)?;
        Ok(())
    }

    pub(crate) fn release(&mut self) -> Result<(), Failure> {
        if let Some(until) = quarantine(&self.log)? {
            Restored::check_end(head(&self.log)?, until)?;
            self.log.remove(QUARANTINE)?;
        }
        Ok(())
    }

    fn version(&self, stream: &StreamId) -> Result<Version, Failure> {
        version(&self.streams, &self.dropped, stream)
    }

    fn is_dead(&self, part: &SealedPart) -> Result<bool, Failure> {
        for owner in part.owners() {
            if self.scrubbed.get(owner.as_bytes())?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Parts under scrubbed keys stay out: a restore may hold some.
    fn insert(&mut self, mut event: Recorded) -> Result<(), Failure> {
        let (position, stream, version) = (event.position.0, event.stream.as_str(), event.version.0);
        let scrubbed = vec![None; event.envelope.parts.len()];
        let parts = std::mem::replace(&mut event.envelope.parts, scrubbed);
        let envelope = event.envelope.encode()?;
        let row = (stream, version, event.recorded_at.as_microsecond(), envelope.as_slice());
        self.events.insert(position, row)?;
        self.streams.insert((stream, version), position)?;
        // More parts than there are numbers do not encode.
        for (number, part) in (0..=u16::MAX).zip(&parts) {
            let Some(part) = part else { continue };
            if self.is_dead(part)? {
                continue;
            }
            self.sealed.insert((position, number), part.as_bytes())?;
            for owner in part.owners() {
                self.owners.insert((*owner.as_bytes(), position, number), ())?;
            }
        }
        Ok(())
    }

    /// Takes a part away, and what says by which keys it is found.
    fn take_part(&mut self, part: Part) -> Result<(), Failure> {
        let sealed = self.sealed.remove(part)?.ok_or_else(corrupt)?.value().to_vec();
        for owner in SealedPart::from_bytes(sealed)?.owners() {
            self.owners.remove((*owner.as_bytes(), part.0, part.1))?;
        }
        Ok(())
    }

    /// Takes a stream's events up to a version away, and notes where its versions go on.
    /// Returns how many it took.
    fn take_stream(&mut self, stream: &StreamId, through: Version) -> Result<u64, Failure> {
        let name = stream.as_str();
        let rows = self.streams.range((name, 0)..=(name, through.0))?;
        let places: Vec<(u64, u64)> = rows
            .map(|row| row.map(|(at, position)| (at.value().1, position.value())))
            .collect::<Result<_, _>>()?;
        for &(version, position) in &places {
            let parts = self.sealed.range((position, 0)..=(position, u16::MAX))?;
            let parts: Vec<Part> =
                parts.map(|row| row.map(|(part, _)| part.value())).collect::<Result<_, _>>()?;
            for part in parts {
                self.take_part(part)?;
            }
            self.events.remove(position)?;
            self.streams.remove((name, version))?;
        }
        let dropped = self.dropped.get(name)?.map_or(0, |version| version.value());
        self.dropped.insert(name, through.0.max(dropped))?;
        Ok(places.len() as u64)
    }
}
