-- Snapshots that one version of some code made.
CREATE TABLE series (
    id   bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind smallint NOT NULL, -- 1 aggregate, 2 document
    name text     COLLATE "C" NOT NULL,
    code bigint   NOT NULL,
    UNIQUE (kind, name, code)
);

CREATE TABLE snapshot (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    series   bigint NOT NULL REFERENCES series (id),
    of       text   COLLATE "C" NOT NULL, -- the stream or the document
    position bigint NOT NULL,
    version  bigint NOT NULL,
    at       text   NOT NULL,
    sealed   bytea  NOT NULL,
    sum      bigint NOT NULL, -- CRC-32 of all that the row says
    UNIQUE (series, of, position)
);
CREATE INDEX snapshot_at ON snapshot (series, position, of);

-- Which keys a snapshot needs: one row for each owner.
CREATE TABLE owner (
    key      bytea  NOT NULL,
    snapshot bigint NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
    PRIMARY KEY (key, snapshot)
);
CREATE INDEX owner_of ON owner (snapshot);

-- Keys that nothing is sealed under any more.
CREATE TABLE forgotten (
    key bytea PRIMARY KEY
);

-- Nothing is compressed, so that whoever looks for a byte finds it; and no statistics are made:
-- they would keep values of rows that are gone.
ALTER TABLE snapshot
    ALTER COLUMN of     SET STORAGE EXTERNAL, ALTER COLUMN of     SET STATISTICS 0,
    ALTER COLUMN sealed SET STORAGE EXTERNAL, ALTER COLUMN sealed SET STATISTICS 0,
    ALTER COLUMN at     SET STATISTICS 0,
    ALTER COLUMN sum    SET STATISTICS 0;
ALTER TABLE owner     ALTER COLUMN key SET STATISTICS 0;
ALTER TABLE forgotten ALTER COLUMN key SET STATISTICS 0;
