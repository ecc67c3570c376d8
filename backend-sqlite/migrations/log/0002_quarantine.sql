-- Where the restore of a log in quarantine ends. NULL for any other.
ALTER TABLE log ADD COLUMN quarantine INTEGER;
