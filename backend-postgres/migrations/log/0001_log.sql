-- Positions are given out by this sequence, before a commit: a later one may be seen earlier.
-- Nobody is told of a position as long as an earlier one may still come: see `bound`.
CREATE SEQUENCE positions AS bigint;

-- Events: written once, never updated. `open` is readable JSON; what is no text stands in `raw`.
CREATE TABLE events (
    position    bigint  PRIMARY KEY,
    stream      text    COLLATE "C" NOT NULL,
    version     bigint  NOT NULL,
    recorded_at bigint  NOT NULL, -- microseconds since 1970
    event_id    bytea   NOT NULL,
    type        text    COLLATE "C" NOT NULL,
    schema      bigint  NOT NULL,
    parts       integer NOT NULL, -- how many sealed parts it was written with
    size        bigint  NOT NULL, -- bytes that it was written with, open and sealed
    open        text,
    raw         bytea,
    sum         bigint  NOT NULL, -- CRC-32 of all that the row says, but for its position
    UNIQUE (stream, version)
);

-- Sealed parts, beside the log. A scrub takes rows away here and nowhere above. They lie in
-- partitions by position, so that a sweep writes those anew that lost any, and no others.
CREATE TABLE sealed (
    position bigint  NOT NULL,
    part     integer NOT NULL,
    bytes    bytea   NOT NULL,
    PRIMARY KEY (position, part)
) PARTITION BY RANGE (position);

-- The footprint of a key is one range: its id stands in the bytes of the parts that it is the first
-- owner of, from their third byte on.
CREATE INDEX sealed_key ON sealed (substring(bytes FROM 3 FOR 16), position, part);

-- Further owners of parts that have several.
CREATE TABLE co_owner (
    key      bytea   NOT NULL,
    position bigint  NOT NULL,
    part     integer NOT NULL,
    PRIMARY KEY (key, position, part)
);
CREATE INDEX co_owner_of ON co_owner (position, part);

-- Keys that seal nothing any more.
CREATE TABLE scrubbed (
    key bytea PRIMARY KEY
);

-- Where the versions of dropped streams go on.
CREATE TABLE dropped (
    stream  text   COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL
);

-- One row. Positions up to `floor` were given to events, some of them dropped since.
CREATE TABLE log (
    id         integer PRIMARY KEY CHECK (id = 1),
    floor      bigint  NOT NULL,
    quarantine bigint, -- where the restore of a log in quarantine ends
    span       bigint  NOT NULL -- positions in a partition of `sealed`
);
INSERT INTO log (id, floor, span) VALUES (1, 0, 1048576);

-- Nothing is compressed, so that whoever looks for a byte finds it; and no statistics are made:
-- they would keep values of rows that are gone.
ALTER TABLE events ALTER COLUMN open SET STORAGE EXTERNAL;
ALTER TABLE events ALTER COLUMN raw SET STORAGE EXTERNAL;
ALTER TABLE sealed ALTER COLUMN bytes SET STORAGE EXTERNAL;
