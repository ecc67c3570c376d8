-- Events: written once, never updated. `open` is TEXT (readable JSON) unless it is no UTF-8.
CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    stream      TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    event_id    BLOB    NOT NULL,
    type        TEXT    NOT NULL,
    schema      INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL, -- microseconds since 1970
    parts       INTEGER NOT NULL, -- how many sealed parts it was written with
    open        ANY     NOT NULL,
    UNIQUE (stream, version)
) STRICT;

-- Sealed parts, beside the log. A scrub takes rows away here and nowhere above.
-- The id orders them by event and makes each event's parts one range.
CREATE TABLE sealed (
    id       INTEGER PRIMARY KEY,
    position INTEGER NOT NULL GENERATED ALWAYS AS (id >> 16) VIRTUAL,
    part     INTEGER NOT NULL GENERATED ALWAYS AS (id & 65535) VIRTUAL,
    bytes    BLOB    NOT NULL
) STRICT;

-- Where the key ids of a part's owners stand in its bytes, by the owner's number.
CREATE TABLE place (
    number BLOB    NOT NULL PRIMARY KEY, -- one byte, compared with the part's second
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
WITH owner (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM owner WHERE n < 255)
INSERT INTO place (number, at) SELECT unhex(printf('%02X', n)), 16 * n - 13 FROM owner;

-- Which keys a sealed part needs: one row for each owner.
CREATE VIEW owner (key, sealed) AS
    SELECT substr(sealed.bytes, place.at, 16), sealed.id
    FROM sealed CROSS JOIN place ON place.number <= substr(sealed.bytes, 2, 1);

-- The same by key, for all parts up to log.indexed. Those after it are the backlog.
CREATE TABLE sealed_key (
    key    BLOB    NOT NULL,
    sealed INTEGER NOT NULL, -- sealed.id
    PRIMARY KEY (key, sealed)
) STRICT, WITHOUT ROWID;

-- Keys that seal nothing any more.
CREATE TABLE scrubbed (
    key BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Where the versions of dropped streams go on.
CREATE TABLE dropped (
    stream  TEXT    NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row. Positions up to `floor` were given to events, some of them dropped since.
-- Parts up to the id `indexed` stand in sealed_key.
CREATE TABLE log (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    floor   INTEGER NOT NULL,
    indexed INTEGER NOT NULL
) STRICT;
INSERT INTO log (id, floor, indexed) VALUES (1, 0, 0);
