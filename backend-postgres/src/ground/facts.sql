-- What a server tells of itself to this user, by name. $1: roles that exist on managed services.
SELECT 'version', version()
UNION ALL
SELECT name, setting FROM pg_settings
WHERE name IN ('server_version_num', 'archive_mode', 'log_statement', 'log_min_duration_statement',
    'log_min_duration_sample', 'log_transaction_sample_rate', 'log_parameter_max_length',
    'log_parameter_max_length_on_error', 'log_error_verbosity', 'auto_explain.log_min_duration',
    'auto_explain.log_parameter_max_length', 'data_checksums', 'fsync', 'full_page_writes',
    'synchronous_commit', 'wal_keep_size', 'wal_recycle', 'wal_segment_size', 'max_wal_size',
    'shared_preload_libraries')
UNION ALL
(SELECT 'provider', rolname FROM pg_roles WHERE rolname = ANY ($1) LIMIT 1)
UNION ALL
SELECT rolname, 'true' FROM pg_roles WHERE rolname = 'pg_read_all_stats' AND pg_has_role(oid, 'usage')
UNION ALL
(SELECT 'checkpoint', 'true' FROM pg_roles
WHERE rolname = 'pg_checkpoint' AND pg_has_role(oid, 'usage') OR rolname = current_user AND rolsuper LIMIT 1)
UNION ALL
SELECT name, 'true' FROM (VALUES
    ('pg_switch_wal', '()'), ('pg_ls_waldir', '()'), ('pg_ls_tmpdir', '()'), ('pg_ls_dir', '(text)'),
    ('pg_logical_emit_message', '(boolean, text, text)')) AS needed (name, takes)
WHERE has_function_privilege(to_regprocedure('pg_catalog.' || name || takes)::oid, 'execute')
UNION ALL
-- A standby that is away has its slot still. A backup that is being taken is none.
SELECT 'replicas', string_agg(name, ', ' ORDER BY name) FROM (
    SELECT coalesce(nullif(application_name, ''), 'process ' || pid) FROM pg_stat_replication
    WHERE state IS DISTINCT FROM 'backup'
    UNION
    SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE slot_type = 'physical') AS replica (name)
HAVING count(*) > 0
