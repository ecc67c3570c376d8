-- Positions are given out by this sequence, before a commit: a later one may be seen earlier.
-- Nobody is told of a position as long as an earlier one may still come: see `bound`.
CREATE SEQUENCE positions AS bigint;

-- Counts what makes wrong what writers remember: a key that was scrubbed, a stream that was dropped, a
-- quarantine. Whoever counts on has the gate alone: see `head`, and src/commit/gate.rs.
CREATE SEQUENCE changes AS bigint;
SELECT nextval('changes');

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
    quarantine bigint,           -- where the restore of a log in quarantine ends
    room       bigint  NOT NULL, -- there are partitions of `sealed` for positions below
    span       bigint  NOT NULL, -- positions in the next partition of `sealed`
    swept      bigint  NOT NULL  -- where the head was when a sweep began that came to its end
);
INSERT INTO log (id, floor, room, span, swept) VALUES (1, 0, 0, 1048576, 0);

-- Tables that lost rows since they were last swept: a row for each time, so that a sweep takes away what
-- it has seen, and nothing that came meanwhile.
CREATE TABLE unswept (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation oid NOT NULL
);

-- Nothing is compressed, so that whoever looks for a byte finds it; and no statistics are made:
-- they would keep values of rows that are gone.
ALTER TABLE events ALTER COLUMN open SET STORAGE EXTERNAL, ALTER COLUMN raw SET STORAGE EXTERNAL,
    ALTER COLUMN stream SET STATISTICS 0, ALTER COLUMN event_id SET STATISTICS 0,
    ALTER COLUMN type SET STATISTICS 0, ALTER COLUMN open SET STATISTICS 0, ALTER COLUMN raw SET STATISTICS 0;
ALTER TABLE sealed ALTER COLUMN bytes SET STORAGE EXTERNAL, ALTER COLUMN bytes SET STATISTICS 0;
ALTER INDEX sealed_key ALTER COLUMN 1 SET STATISTICS 0;
ALTER TABLE co_owner ALTER COLUMN key SET STATISTICS 0;
ALTER TABLE scrubbed ALTER COLUMN key SET STATISTICS 0;
ALTER TABLE dropped ALTER COLUMN stream SET STATISTICS 0;

-- Makes partitions of `sealed` for positions up to `wanted`, and says below which there are some.
-- Who appends may call it, and make no other table.
CREATE FUNCTION make_room(wanted bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    own     log;
    part    text;
    settled bigint;
BEGIN
    SELECT room INTO settled FROM log;
    IF settled > wanted THEN
        RETURN settled;
    END IF;
    SELECT * INTO own FROM log FOR UPDATE;
    WHILE own.room <= wanted LOOP
        part := 'sealed_' || own.room;
        EXECUTE format('CREATE TABLE %I (LIKE sealed INCLUDING STORAGE, PRIMARY KEY (position, part))', part);
        EXECUTE format('CREATE INDEX %I ON %I (substring(bytes FROM 3 FOR 16), position, part)',
            part || '_key', part);
        EXECUTE format('ALTER TABLE %I ALTER COLUMN bytes SET STATISTICS 0', part);
        EXECUTE format('ALTER INDEX %I ALTER COLUMN 1 SET STATISTICS 0', part || '_key');
        -- Attached, and not made as a partition: nobody who appends meanwhile has to wait.
        EXECUTE format('ALTER TABLE sealed ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            part, own.room, own.room + own.span);
        own.room := own.room + own.span;
    END LOOP;
    UPDATE log SET room = own.room;
    RETURN own.room;
END
$$;
SELECT make_room(0);

-- Where the log ends for who reads it: the last position such that nothing comes at or below it any
-- more. `seen` is the last position of all events that are there, some perhaps beyond the head.
--
-- Whoever appends takes an advisory lock before it takes its first position. The lock's number
-- is the position that was given out last before, so that its own are higher. Read in this order the
-- last position given out, then the locks, then the events leave nothing out: who holds a
-- position up to the first is among the second or in the third, or ended without a trace. Each
-- of these statements has a snapshot of its own.
CREATE FUNCTION head(OUT head bigint, OUT seen bigint)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    given bigint;
    bound bigint;
    own   log;
BEGIN
    -- Strictly: a table of one row that has none is damaged.
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO STRICT given FROM positions;
    -- Of a position the lock has the lower 32 bits; it is less than 2^31 away from `given`.
    SELECT least(given, min(given - CASE WHEN behind < 2147483648 THEN behind ELSE behind - 4294967296 END))
    INTO bound
    FROM (
        SELECT (given - objid::bigint) & 4294967295 AS behind FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 2 AND classid = 'events'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS appending;
    SELECT * INTO STRICT own FROM log;
    SELECT greatest(coalesce(max(position), 0), least(own.floor, bound)) INTO head
    FROM events WHERE position <= bound;
    SELECT greatest(coalesce(max(position), 0), own.floor) INTO seen FROM events;
END
$$;
