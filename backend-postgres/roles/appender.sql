-- Who appends to the log, and can take nothing away from it.
--
--     psql -d DATABASE -v house=oubliette -f appender.sql
--
-- as a superuser or the owner of the log, after it was opened for the first time, and again after an
-- upgrade of Oubliette that changed its schema.
\set ON_ERROR_STOP on
\set role :house _appender
\set log :house _log
SELECT format('CREATE ROLE %I LOGIN', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec

GRANT USAGE ON SCHEMA :"log" TO :"role";
GRANT INSERT ON :"log".events, :"log".sealed, :"log".co_owner TO :"role";
GRANT USAGE, SELECT ON SEQUENCE :"log".positions TO :"role";
GRANT SELECT ON SEQUENCE :"log".changes TO :"role";
-- What an append looks at: the heads of streams, and who is not let in any more.
GRANT SELECT ON :"log".events, :"log".scrubbed, :"log".dropped, :"log".log, :"log"._sqlx_migrations TO :"role";
