//! Segments of the write-ahead log that wait for later use.

use crate::house::{House, PARTITIONS, swept_clean};

#[tokio::test]
async fn segments_that_wait_for_later_use_are_written_through() {
    let house = House::fresh().await;
    // Enough for many segments, which a checkpoint then sets aside.
    house.append("customer-2", 50).await;
    house
        .server
        .sql("CREATE TABLE filling AS SELECT repeat('x', 800) FROM generate_series(1, 8000); CHECKPOINT");
    house.scrub().await;
    // All but the last step: the tables are written anew, and old segments are set aside.
    house.server.sql("DROP TABLE filling");
    for table in PARTITIONS {
        house.server.sql(&format!("VACUUM (FULL) oubliette_log.{table}"));
    }
    house.server.sql("SELECT pg_switch_wal()");
    house.server.sql("CHECKPOINT");
    assert!(house.found() > 0, "a checkpoint alone leaves it there");
    swept_clean(&house).await;
    assert_eq!(house.found(), 0);
}

#[tokio::test]
async fn a_server_that_sets_no_segments_aside_has_few_to_write_through() {
    let house = House::fresh().await;
    house.server.sql("ALTER SYSTEM SET wal_recycle = off");
    house.server.sql("SELECT pg_reload_conf()");
    house.scrub().await;
    let segments = |house: &House| house.server.sql("SELECT count(*) FROM pg_ls_waldir()");
    swept_clean(&house).await;
    assert_eq!(house.found(), 0);
    let first: u32 = segments(&house).parse().unwrap();
    for _ in 0..3 {
        swept_clean(&house).await;
    }
    let last: u32 = segments(&house).parse().unwrap();
    assert!(last <= first, "{first} segments became {last}");
}
