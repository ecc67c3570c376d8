//! The tables.

use redb::TableDefinition;

/// What [`FORMAT`] says in files that this release writes.
pub(crate) const NEWEST: u64 = 1;

/// Numbers about the whole log, by these names. One that is missing was never set.
pub(crate) const LOG: TableDefinition<&str, u64> = TableDefinition::new("log");
pub(crate) const FORMAT: &str = "format";
pub(crate) const HEAD: &str = "head";
pub(crate) const QUARANTINE: &str = "quarantine";

/// Position -> stream, version, microseconds since 1970, the envelope with all parts scrubbed.
pub(crate) type Event = (&'static str, u64, i64, &'static [u8]);
pub(crate) const EVENTS: TableDefinition<u64, Event> = TableDefinition::new("events");

/// Stream and version -> position.
pub(crate) const STREAMS: TableDefinition<(&str, u64), u64> = TableDefinition::new("streams");

/// Position and number of a part -> its bytes.
pub(crate) const SEALED: TableDefinition<Part, &[u8]> = TableDefinition::new("sealed");
pub(crate) type Part = (u64, u16);

/// Key, position, number of a part: it takes this key to open that part.
pub(crate) const OWNERS: TableDefinition<Owner, ()> = TableDefinition::new("owners");
pub(crate) type Owner = ([u8; 16], u64, u16);

/// Keys under which nothing is stored any more.
pub(crate) const SCRUBBED: TableDefinition<[u8; 16], ()> = TableDefinition::new("scrubbed");

/// Stream -> its last version that was dropped.
pub(crate) const DROPPED: TableDefinition<&str, u64> = TableDefinition::new("dropped");
