-- One row: how many commits were made, and how many of them evict.
CREATE TABLE head (
    one        int PRIMARY KEY CHECK (one = 1),
    generation bigint NOT NULL,
    stamp      bigint NOT NULL
);
INSERT INTO head (one, generation, stamp) VALUES (1, 0, 0);

-- Names and bytes are the vault's business. Statistics would copy them.
CREATE TABLE records (
    kind  smallint NOT NULL,
    name  bytea NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (kind, name)
);
ALTER TABLE records ALTER COLUMN name SET STATISTICS 0, ALTER COLUMN bytes SET STATISTICS 0;
