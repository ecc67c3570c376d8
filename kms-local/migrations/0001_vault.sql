-- "OBVT": tells a vault from other databases.
PRAGMA application_id = 1329747540;

-- The vault itself: one row.
CREATE TABLE vault (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    id              BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    -- Sealed under the master key: opens only with the right one.
    proof           BLOB NOT NULL,
    -- How a passphrase becomes the master key (Argon2id); null for other master keys.
    salt            BLOB,
    memory_kib      INTEGER,
    passes          INTEGER,
    lanes           INTEGER,
    -- Counts fences, destructions and readmissions.
    generation      INTEGER NOT NULL DEFAULT 0,
    anchor_sequence INTEGER,
    anchor_hash     BLOB
) STRICT;

-- Every key there ever was. Rows are never taken away, so that slots are never handed
-- out twice, and `wrapped` is overwritten in place by zeros of the same length, so that
-- no page keeps an older copy.
CREATE TABLE keys (
    slot        INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE,
    subject     TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    minted_at   INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    wrapped     BLOB NOT NULL
) STRICT;
CREATE INDEX keys_by_subject ON keys (subject);

-- The one live key of each scope.
CREATE TABLE live (
    subject TEXT NOT NULL,
    purpose TEXT NOT NULL,
    slot    INTEGER NOT NULL UNIQUE REFERENCES keys (slot),
    PRIMARY KEY (subject, purpose)
) STRICT, WITHOUT ROWID;

-- What was asked to be erased. A purpose of '' is the whole subject.
CREATE TABLE erasures (
    sequence      INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,
    subject       TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    reason        TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    -- When it was settled which keys die.
    doomed_at     INTEGER,
    readmitted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX erasures_in_force ON erasures (subject, purpose) WHERE readmitted_at IS NULL;
CREATE INDEX erasures_by_subject ON erasures (subject);

-- The record of each dead key. `at` is null from when it is doomed until its slot is zeros.
CREATE TABLE deaths (
    slot    INTEGER PRIMARY KEY REFERENCES keys (slot),
    erasure INTEGER NOT NULL REFERENCES erasures (sequence),
    at      INTEGER
) STRICT;
CREATE INDEX deaths_by_erasure ON deaths (erasure);
CREATE INDEX deaths_unfinished ON deaths (slot) WHERE at IS NULL;

-- Behind a fence nothing is minted. A purpose of '' is the whole subject.
CREATE TABLE fences (
    subject TEXT NOT NULL,
    purpose TEXT NOT NULL,
    erasure INTEGER NOT NULL REFERENCES erasures (sequence),
    PRIMARY KEY (subject, purpose, erasure)
) STRICT, WITHOUT ROWID;
CREATE INDEX fences_by_erasure ON fences (erasure);

-- Each alias under its random pseudonym, its text sealed under a key of that pseudonym.
-- A dead one stays as a row of zeros.
CREATE TABLE aliases (
    id      INTEGER PRIMARY KEY,
    subject TEXT NOT NULL UNIQUE,
    kind    INTEGER NOT NULL,
    sealed  BLOB NOT NULL,
    gone    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Who goes by which alias.
CREATE TABLE claims (
    id      INTEGER PRIMARY KEY,
    alias   TEXT NOT NULL,
    subject TEXT NOT NULL,
    UNIQUE (alias, subject)
) STRICT;
CREATE INDEX claims_by_subject ON claims (subject);

-- Which aliases stand together; each link stands in both directions.
CREATE TABLE links (
    id    INTEGER PRIMARY KEY,
    alias TEXT NOT NULL,
    other TEXT NOT NULL,
    UNIQUE (alias, other)
) STRICT;
CREATE INDEX links_by_other ON links (other);
