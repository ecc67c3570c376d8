CREATE TABLE projection (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text   COLLATE "C" NOT NULL UNIQUE
);

-- What one version of a view made of the log. Its row stays when its documents are gone.
-- Whoever changes documents of a build holds its row until the transaction ends.
CREATE TABLE build (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    projection   bigint NOT NULL REFERENCES projection (id),
    version      bigint NOT NULL,
    role         text   NOT NULL, -- successor, scratch
    state        text   NOT NULL, -- building, served, kept, ended
    position     bigint NOT NULL,
    begun_at     text   NOT NULL,
    served_at    text,
    ended_at     text,
    fault        text,            -- JSON: where it stands still, and why
    -- Random, and known to who called: so that a call whose answer was lost is made again
    -- without being done twice.
    begun_by     bytea  NOT NULL UNIQUE,
    committed_by bytea
);
CREATE UNIQUE INDEX served ON build (projection) WHERE state = 'served';

-- Events that were passed over knowingly.
CREATE TABLE skipped (
    build    bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (build, position)
);

-- `open` is readable JSON; what is no text stands in `raw`. `fields` says the same for filters
-- and indexes: numbers in plain digits, and U+0001 before two characters that a jsonb cannot hold
-- or that would be taken for one: U+0001 is U+0000, and U+0002 is U+0001. None when it is no JSON.
CREATE TABLE document (
    build      bigint NOT NULL,
    key        text   COLLATE "C" NOT NULL,
    projection bigint NOT NULL, -- as its build's: indexes on open fields are of one projection
    owners     bytea  NOT NULL, -- key ids of its parts and tokens, ascending
    tokens     bytea  NOT NULL,
    lost       bytea  NOT NULL, -- key ids
    open       text,
    raw        bytea,
    fields     jsonb,
    carried    bytea  NOT NULL, -- where personal values belong, and the sealed parts
    sum        bigint NOT NULL, -- CRC-32 of all that is read of the row
    PRIMARY KEY (build, key)
);

-- What documents are found by. A word is a key id (16 bytes), or a token: the hash
-- (16 bytes), a colon, and the name of the lookup.
CREATE TABLE entry (
    build bigint NOT NULL,
    word  bytea  NOT NULL,
    key   text   COLLATE "C" NOT NULL, -- document.key
    PRIMARY KEY (build, word, key)
);

-- Keys that nothing is carried under any more.
CREATE TABLE forgotten (
    key bytea PRIMARY KEY
);

-- Nothing is compressed, so that whoever looks for a byte finds it; and no statistics are made:
-- they would keep values of rows that are gone.
ALTER TABLE build
    ALTER COLUMN fault SET STORAGE EXTERNAL,
    ALTER COLUMN fault SET STATISTICS 0;
ALTER TABLE document
    ALTER COLUMN owners  SET STORAGE EXTERNAL, ALTER COLUMN owners  SET STATISTICS 0,
    ALTER COLUMN tokens  SET STORAGE EXTERNAL, ALTER COLUMN tokens  SET STATISTICS 0,
    ALTER COLUMN lost    SET STORAGE EXTERNAL, ALTER COLUMN lost    SET STATISTICS 0,
    ALTER COLUMN open    SET STORAGE EXTERNAL, ALTER COLUMN open    SET STATISTICS 0,
    ALTER COLUMN raw     SET STORAGE EXTERNAL, ALTER COLUMN raw     SET STATISTICS 0,
    ALTER COLUMN fields  SET STORAGE EXTERNAL, ALTER COLUMN fields  SET STATISTICS 0,
    ALTER COLUMN carried SET STORAGE EXTERNAL, ALTER COLUMN carried SET STATISTICS 0,
    ALTER COLUMN key     SET STORAGE EXTERNAL, ALTER COLUMN key     SET STATISTICS 0,
    ALTER COLUMN sum     SET STATISTICS 0;
ALTER TABLE entry
    ALTER COLUMN word SET STORAGE EXTERNAL, ALTER COLUMN word SET STATISTICS 0,
    ALTER COLUMN key  SET STORAGE EXTERNAL, ALTER COLUMN key  SET STATISTICS 0;
ALTER TABLE forgotten ALTER COLUMN key SET STATISTICS 0;
