//! Which tables are written anew.

use std::time::Duration;

use oubliette_backend_postgres::PostgresLog;
use oubliette_core::{EventLog as _, Swept};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::house::{House, PARTITIONS, blocked, swept_clean};

#[tokio::test]
async fn only_what_lost_rows_is_written_anew() {
    let house = House::fresh().await;
    let files = |house: &House| PARTITIONS.map(|partition| house.file(partition));
    house.append("customer-2", 200).await;
    swept_clean(&house).await;
    let (swept, events, owners) = (files(&house), house.file("events"), house.file("co_owner"));
    swept_clean(&house).await;
    assert_eq!(files(&house), swept, "nothing was taken away, and nothing can have failed there since");

    // The parts of one event, in the second partition.
    house.server.sql(
        "WITH gone AS (DELETE FROM oubliette_log.sealed WHERE position = 1048600 RETURNING tableoid)
         INSERT INTO oubliette_log.unswept (relation) SELECT DISTINCT tableoid FROM gone",
    );
    swept_clean(&house).await;
    let after = files(&house);
    assert_eq!(after[0], swept[0]);
    assert_ne!(after[1], swept[1]);
    assert_eq!((house.file("events"), house.file("co_owner")), (events, owners), "no event was dropped");
    assert_eq!(house.server.sql("SELECT count(*) FROM oubliette_log.unswept"), "0");
}

#[tokio::test]
async fn a_mark_that_comes_during_a_sweep_is_for_the_next_one() {
    let house = House::fresh().await;
    house.scrub().await;
    let marks = |house: &House| house.server.sql("SELECT count(*) FROM oubliette_log.unswept");
    assert_eq!(marks(&house), "2", "a partition each");
    // A sweep that has seen the marks, and waits for the last partition.
    let patient = PostgresLog::builder(&house.server.url()).lock_timeout(Duration::from_secs(60));
    let patient = patient.open().await.unwrap();
    let mut holder = PgConnection::connect(&house.server.url()).await.unwrap();
    let lock = format!("BEGIN; LOCK TABLE oubliette_log.{} IN ACCESS SHARE MODE", PARTITIONS[1]);
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut holder).await.unwrap();
    let sweep = tokio::spawn(async move { patient.sweep().await.unwrap() });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'VACUUM%' AND wait_event_type = 'Lock'";
    while house.server.sql(waiting) != "1" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.server.sql(
        "WITH gone AS (DELETE FROM oubliette_log.sealed WHERE position = 1048570 RETURNING tableoid)
         INSERT INTO oubliette_log.unswept (relation) SELECT DISTINCT tableoid FROM gone",
    );
    holder.close().await.unwrap();
    assert_eq!(sweep.await.unwrap(), Swept::Clean);
    assert_eq!(marks(&house), "1");
    swept_clean(&house).await;
    assert_eq!(marks(&house), "0");
}

#[tokio::test]
async fn statistics_that_somebody_asked_for_are_taken_away() {
    let house = House::fresh().await;
    house.server.sql(
        "ALTER TABLE oubliette_log.sealed_0 ALTER bytes SET STATISTICS 100; ANALYZE oubliette_log.sealed_0;
         ALTER TABLE oubliette_log.sealed_0 ALTER bytes SET STATISTICS 0; CHECKPOINT",
    );
    let kept = "SELECT count(*) FROM pg_stats WHERE tablename = 'sealed_0' AND attname = 'bytes'";
    assert_eq!(house.server.sql(kept), "1");
    let catalogue = house.server.sql("SELECT pg_relation_filenode('pg_statistic')");
    house.scrub().await;
    swept_clean(&house).await;
    assert_eq!(house.server.sql(kept), "0");
    assert_ne!(house.server.sql("SELECT pg_relation_filenode('pg_statistic')"), catalogue);
    assert_eq!(house.found(), 0);
}

#[tokio::test]
async fn files_that_a_crash_left_are_named() {
    let house = House::fresh().await;
    // A rewrite that has written the heap and stands still in the index.
    house.server.sql(
        "CREATE FUNCTION slow(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n FROM pg_sleep(n)';
         CREATE TABLE rewritten AS SELECT 0 AS n; CREATE INDEX ON rewritten (slow(n))",
    );
    house.server.sql(
        "CREATE OR REPLACE FUNCTION slow(n int) RETURNS int LANGUAGE sql IMMUTABLE
         AS 'SELECT n FROM pg_sleep(600)'",
    );
    let mut other = PgConnection::connect(&house.server.url()).await.unwrap();
    let rewrite =
        tokio::spawn(async move { sqlx::raw_sql("VACUUM (FULL) rewritten").execute(&mut other).await });
    while house.server.sql("SELECT phase FROM pg_stat_progress_cluster") != "rebuilding index" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.crash();
    assert!(rewrite.await.unwrap().is_err(), "the server died in it");

    house.scrub().await;
    let by = blocked(&house).await;
    assert!(!by.is_empty());
    for name in by {
        let orphan =
            name.strip_prefix("the file ").unwrap().strip_suffix(", which belongs to nobody").unwrap();
        house.server.replace(&house.server.folder().join(orphan), None);
    }
    house.server.start();
    swept_clean(&house).await;
    assert_eq!(house.found(), 0);
}

#[tokio::test]
async fn who_does_not_own_the_tables_does_not_sweep_them() {
    let house = House::fresh().await;
    house.server.sql(
        "CREATE ROLE other LOGIN; GRANT USAGE ON SCHEMA oubliette_log TO other;
         GRANT ALL ON ALL TABLES IN SCHEMA oubliette_log TO other;
         GRANT ALL ON ALL SEQUENCES IN SCHEMA oubliette_log TO other; GRANT pg_monitor, pg_checkpoint TO other;
         GRANT EXECUTE ON FUNCTION pg_switch_wal(), pg_ls_dir(text) TO other",
    );
    let url = house.server.url().replace("postgres://postgres@", "postgres://other@");
    let log = PostgresLog::open(&url).await.unwrap();
    house.scrub().await;
    let swept = log.sweep().await.unwrap().to_string();
    assert!(swept.contains("the owner of oubliette_log.sealed_0, who alone may write it anew"), "{swept}");
    assert!(house.found() > 0);
}

#[tokio::test]
async fn who_may_not_see_what_is_left_promises_nothing() {
    let house = House::fresh().await;
    house.server.sql("CREATE ROLE owner LOGIN; GRANT CREATE ON DATABASE postgres TO owner");
    let url = house.server.url().replace("postgres://postgres@", "postgres://owner@");
    let log = PostgresLog::builder(&url).schema("other").open().await.unwrap();
    assert_eq!(log.promise().bytes_gone, None);
    assert!(house.log.promise().bytes_gone.is_some(), "its owner may");
    let swept = log.sweep().await.unwrap().to_string();
    assert!(swept.starts_with("cannot be swept: this user may not see who is in the way"), "{swept}");
}
