//! Who is in the way of a sweep, and that it is named.

use oubliette_core::EventLog as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use crate::house::{House, blocked, swept_clean};

/// Another program that has run these statements.
async fn other(url: &str, statements: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().unwrap();
    let mut other = options.application_name("reporting").connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut other).await.unwrap();
    other
}

async fn pid(other: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(other).await.unwrap()
}

/// It blocks a sweep under this name, and bytes are left; it goes, and a sweep leaves none.
async fn names_and_sweeps(house: &House, name: &str) {
    let by = blocked(house).await;
    assert_eq!(by.len(), 1, "{by:?}");
    assert!(by[0].starts_with(name), "{by:?} begins with {name}");
    assert!(house.found() > 0, "it was not swept, and says so");
}

async fn is_clean_then(house: &House) {
    swept_clean(house).await;
    assert_eq!(house.found(), 0);
}

#[tokio::test]
async fn an_old_snapshot_is_in_the_way_and_then_no_more() {
    let house = House::fresh().await;
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class";
    let mut reader = other(&house.server.url(), begin).await;
    let pid = pid(&mut reader).await;
    house.scrub().await;
    names_and_sweeps(&house, &format!("process {pid} (reporting, idle in transaction, since 2")).await;
    reader.close().await.unwrap();
    is_clean_then(&house).await;
}

#[tokio::test]
async fn who_writes_in_another_database_is_in_the_way() {
    let house = House::fresh().await;
    let url = house.server.database("another");
    let mut writer = other(&url, "BEGIN; CREATE TABLE thing (n int)").await;
    let pid = pid(&mut writer).await;
    house.scrub().await;
    names_and_sweeps(&house, &format!("process {pid} (reporting")).await;
    writer.close().await.unwrap();
    is_clean_then(&house).await;
}

#[tokio::test]
async fn who_only_reads_in_another_database_is_not() {
    let house = House::fresh().await;
    let url = house.server.database("another");
    let _reader = other(&url, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class").await;
    house.scrub().await;
    is_clean_then(&house).await;
}

#[tokio::test]
async fn a_lock_on_a_table_is_in_the_way() {
    let house = House::fresh().await;
    house.scrub().await;
    // It has a snapshot no more, and its lock still.
    let lock = "BEGIN; LOCK TABLE oubliette_log.sealed_0 IN ACCESS SHARE MODE";
    let mut holder = other(&house.server.url(), lock).await;
    let pid = pid(&mut holder).await;
    names_and_sweeps(&house, &format!("process {pid} (reporting, idle in transaction")).await;
    holder.close().await.unwrap();
    is_clean_then(&house).await;
}

#[tokio::test]
async fn a_prepared_transaction_is_in_the_way_and_named_by_its_number() {
    let house = House::fresh().await;
    house.server.sql("ALTER SYSTEM SET max_prepared_transactions = 2");
    house.crash();
    house
        .server
        .sql("CREATE TABLE thing (n int); BEGIN; INSERT INTO thing VALUES (1); PREPARE TRANSACTION 'ada'");
    let number = house.server.sql("SELECT transaction FROM pg_prepared_xacts");
    house.scrub().await;
    let by = blocked(&house).await;
    assert_eq!(by, [format!("prepared transaction {number}")]);
    assert!(house.found() > 0, "it was not swept, and says so");
    house.server.sql("ROLLBACK PREPARED 'ada'");
    is_clean_then(&house).await;
}

#[tokio::test]
async fn a_replication_slot_that_keeps_wal_is_in_the_way() {
    let house = House::fresh().await;
    house.server.sql("SELECT pg_create_physical_replication_slot('standby', true)");
    house.append("customer-2", 1).await;
    house.scrub().await;
    assert_eq!(blocked(&house).await, ["replication slot standby"]);
    assert!(house.found() > 0, "it was not swept, and says so");
    house.server.sql("SELECT pg_drop_replication_slot('standby')");
    is_clean_then(&house).await;
}

#[tokio::test]
async fn a_setting_that_keeps_wal_is_in_the_way() {
    let house = House::fresh().await;
    house.server.sql("ALTER SYSTEM SET wal_keep_size = '64MB'");
    house.server.sql("SELECT pg_reload_conf()");
    house.scrub().await;
    assert_eq!(blocked(&house).await, ["the setting wal_keep_size"]);
    assert!(house.found() > 0, "it was not swept, and says so");
    house.server.sql("ALTER SYSTEM RESET wal_keep_size");
    house.server.sql("SELECT pg_reload_conf()");
    is_clean_then(&house).await;
}

#[tokio::test]
async fn what_a_server_copies_elsewhere_lowers_the_promise() {
    let house = House::fresh().await;
    house.server.sql("SELECT pg_create_physical_replication_slot('standby')");
    let log = oubliette_backend_postgres::PostgresLog::open(&house.server.url()).await.unwrap();
    assert_eq!(log.promise().bytes_gone, None);
    let swept = log.sweep().await.unwrap().to_string();
    assert_eq!(swept, "cannot be swept: replicas have files of their own, which are not swept: slot standby");
}
