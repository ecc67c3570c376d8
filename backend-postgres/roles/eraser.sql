-- Who scrubs, drops, restores and sweeps. It owns the stores: only an owner may write a table anew.
--
--     psql -d DATABASE -v house=oubliette -f eraser.sql
--
-- as a superuser, before the house is opened for the first time; then open it as this role, and run
-- the scripts of the other roles. Run it again at any time: it changes nothing that is as it should be.
\set ON_ERROR_STOP on
\set role :house _eraser
SELECT format('CREATE ROLE %I LOGIN', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec

-- It makes the schemas of the house.
SELECT format('GRANT CREATE ON DATABASE %I TO %I', current_database(), :'role') \gexec

-- What a sweep looks at and does, beyond the tables: who is in the way, which segments of WAL and
-- which files there are; new segments, and checkpoints.
GRANT pg_monitor TO :"role";
GRANT EXECUTE ON FUNCTION pg_ls_dir(text), pg_switch_wal() TO :"role";
-- Before 15 a superuser alone may ask for a checkpoint: the log then promises less, and says so.
SELECT format('GRANT pg_checkpoint TO %I', :'role')
WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint') \gexec
