-- CRC-32 of all that is read of the row, so that damage in it is found out: SQLite itself
-- checks no content. NULL for documents of before.
ALTER TABLE document ADD COLUMN sum INTEGER;
