-- CRC-32 of all that the row says, so that damage in it is found out: SQLite itself checks no
-- content. NULL for snapshots of before.
ALTER TABLE snapshot ADD COLUMN sum INTEGER;
