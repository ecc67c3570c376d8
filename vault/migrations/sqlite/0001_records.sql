-- "OBVT": tells a vault from other databases.
PRAGMA application_id = 1329747540;

-- One row: how many commits were made.
CREATE TABLE head (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL
) STRICT;
INSERT INTO head (one, generation) VALUES (1, 0);

CREATE TABLE records (
    kind  INTEGER NOT NULL,
    name  BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- Of these no older copy may be left. Rows are put at the end, never taken away, and overwritten
-- in place by as many bytes: so no page that splits or merges keeps a copy of one.
CREATE TABLE sealed (
    id    INTEGER PRIMARY KEY,
    kind  INTEGER NOT NULL,
    name  BLOB NOT NULL,
    bytes BLOB NOT NULL,
    gone  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX sealed_by_name ON sealed (kind, name) WHERE gone = 0;
