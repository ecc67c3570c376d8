-- All of it, if nobody has written since generation $1: of two that try, one waits for the row of
-- the other, and finds another generation in it.
WITH next AS (
    UPDATE head SET generation = generation + 1, stamp = stamp + $2
    WHERE one = 1 AND generation = $1
    RETURNING generation
), gone AS (
    DELETE FROM records AS r
    USING next, unnest($3::int2[], $4::bytea[]) AS g (kind, name)
    WHERE r.kind = g.kind AND r.name = g.name
), put AS (
    INSERT INTO records (kind, name, bytes)
    SELECT p.kind, p.name, p.bytes
    FROM next, unnest($5::int2[], $6::bytea[], $7::bytea[]) AS p (kind, name, bytes)
    ON CONFLICT (kind, name) DO UPDATE SET bytes = excluded.bytes
)
SELECT generation FROM next
