-- Snapshots that one version of some code made.
CREATE TABLE series (
    id   INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL, -- 1 aggregate, 2 document
    name TEXT    NOT NULL,
    code INTEGER NOT NULL,
    UNIQUE (kind, name, code)
) STRICT;

CREATE TABLE snapshot (
    id       INTEGER PRIMARY KEY,
    series   INTEGER NOT NULL REFERENCES series (id),
    of       TEXT    NOT NULL, -- the stream or the document
    position INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    at       TEXT    NOT NULL,
    sealed   BLOB    NOT NULL,
    UNIQUE (series, of, position)
) STRICT;
CREATE INDEX snapshot_at ON snapshot (series, position, of);

-- Which keys a snapshot needs: one row for each owner.
CREATE TABLE owner (
    key      BLOB    NOT NULL,
    snapshot INTEGER NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
    PRIMARY KEY (key, snapshot)
) STRICT, WITHOUT ROWID;
CREATE INDEX owner_of ON owner (snapshot);

-- Keys that nothing is sealed under any more.
CREATE TABLE forgotten (
    key BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
