CREATE TABLE projection (
    id   INTEGER PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE
) STRICT;

-- What one version of a view made of the log. Its row stays when its documents are gone.
CREATE TABLE build (
    id         INTEGER PRIMARY KEY,
    projection INTEGER NOT NULL REFERENCES projection (id),
    version    INTEGER NOT NULL,
    role       TEXT    NOT NULL, -- successor, scratch
    state      TEXT    NOT NULL, -- building, served, kept, ended
    position   INTEGER NOT NULL,
    begun_at   TEXT    NOT NULL,
    served_at  TEXT,
    ended_at   TEXT,
    fault      TEXT              -- JSON: where it stands still, and why
) STRICT;
CREATE UNIQUE INDEX served ON build (projection) WHERE state = 'served';

-- Events that were passed over knowingly.
CREATE TABLE skipped (
    build    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (build, position)
) STRICT, WITHOUT ROWID;

-- `open` is TEXT (readable JSON) unless it is no UTF-8.
CREATE TABLE document (
    id         INTEGER PRIMARY KEY,
    projection INTEGER NOT NULL, -- as its build's: indexes on open fields are of one projection
    build      INTEGER NOT NULL,
    key        TEXT    NOT NULL,
    owners     BLOB    NOT NULL, -- key ids of its parts and tokens, ascending
    tokens     BLOB    NOT NULL,
    lost       BLOB    NOT NULL, -- key ids
    open       ANY     NOT NULL,
    carried    BLOB    NOT NULL, -- where personal values belong, and the sealed parts
    UNIQUE (build, key)
) STRICT;

-- What documents are found by. A word is a key id (16 bytes), or a token: the hash
-- (16 bytes), a colon, and the name of the lookup.
CREATE TABLE entry (
    build    INTEGER NOT NULL,
    word     BLOB    NOT NULL,
    document INTEGER NOT NULL, -- document.id
    PRIMARY KEY (build, word, document)
) STRICT, WITHOUT ROWID;

-- The latest of the same, in the order they came. Words are random, and so many at once
-- are moved to where they belong.
CREATE TABLE fresh (
    id       INTEGER PRIMARY KEY,
    build    INTEGER NOT NULL,
    word     BLOB    NOT NULL,
    document INTEGER NOT NULL
) STRICT;

CREATE VIEW found (build, word, document) AS
    SELECT build, word, document FROM entry UNION ALL SELECT build, word, document FROM fresh;

-- Keys that nothing is carried under any more.
CREATE TABLE forgotten (
    key BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
