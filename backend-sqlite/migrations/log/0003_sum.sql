-- CRC-32 of all that the row says, so that damage in it is found out: SQLite itself checks no
-- content. NULL for events of before.
ALTER TABLE events ADD COLUMN sum INTEGER;
