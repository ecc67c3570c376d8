-- Who reads the house's stores, sealed as they are, and changes nothing.
--
--     psql -d DATABASE -v house=oubliette -f reader.sql
--
-- as a superuser or the owner of the stores, after they were opened for the first time, and again after
-- an upgrade of Oubliette that changed a schema.
\set ON_ERROR_STOP on
\set role :house _reader
SELECT format('CREATE ROLE %I LOGIN', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec

SELECT format('GRANT USAGE ON SCHEMA %1$I TO %2$I; GRANT SELECT ON ALL TABLES IN SCHEMA %1$I TO %2$I; '
    'GRANT SELECT ON ALL SEQUENCES IN SCHEMA %1$I TO %2$I', nspname, :'role')
FROM pg_namespace
WHERE nspname IN (:'house' || '_log', :'house' || '_documents', :'house' || '_snapshots') \gexec
