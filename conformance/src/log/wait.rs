//! The head, and waiting for it.

use std::sync::Arc;
use std::time::Duration;

use oubliette_core::{EventLog, Position, Query};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Fixture;
use crate::sample::{append, assert_same, numbered, numbers, read, stream};

/// How late a waiter may wake. Not a measure of speed: hanging is what it finds.
const LATE: Duration = Duration::from_secs(5);

/// The head is the position of the last event, after a restart too.
pub async fn the_head_is_the_last_position<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    assert_eq!(log.head().await.unwrap(), Position::ZERO, "an empty log's head is 0");
    for n in 1..4 {
        let appended = append(&*log, &stream("stream"), numbers(0..n)).await;
        assert_eq!(log.head().await.unwrap(), appended.last, "the head is the last position");
        assert_eq!(fixture.open().await.head().await.unwrap(), appended.last, "the head survives a restart");
    }
}

/// A wait ends when an event comes, by whatever instance, or at once when it is there.
pub async fn a_wait_ends_when_the_head_moves<F: Fixture<dyn EventLog>>(fixture: F) {
    let (log, other) = (fixture.open().await, fixture.open().await);
    let mut last = Position::ZERO;
    for writer in [&log, &other] {
        let waiting = waiter(&log, last);
        sleep(Duration::from_millis(50)).await;
        assert!(!waiting.is_finished(), "a wait does not end before the head is beyond");
        let appended = append(&**writer, &stream("stream"), vec![numbered(0)]).await;
        let head = timeout(LATE, waiting).await.expect("a wait ends when the head moves, whoever appends");
        assert_eq!(head.unwrap(), appended.last, "a wait gives the head");
        let at_once = timeout(LATE, log.wait_beyond(last)).await;
        let at_once = at_once.expect("a wait for what is there ends at once").unwrap();
        assert_eq!(at_once, appended.last, "a wait for what is there gives the head");
        last = appended.last;
    }
}

/// A wait that is dropped takes nothing from those that wait on.
pub async fn a_wait_can_be_cancelled<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let patient = waiter(&log, Position::ZERO);
    for _ in 0..100 {
        let impatient = timeout(Duration::from_millis(1), log.wait_beyond(Position::ZERO)).await;
        assert!(impatient.is_err(), "a wait does not end before the head is beyond");
    }
    let appended = append(&*log, &stream("stream"), vec![numbered(0)]).await;
    for waiting in [patient, waiter(&log, Position::ZERO)] {
        let head = timeout(LATE, waiting).await.expect("a cancelled wait leaves other waits alone");
        assert_eq!(head.unwrap(), appended.last, "a wait gives the head");
    }
}

/// Who waits for the head and then reads on sees each event once, in order, while several
/// write: none is missed between the reading and the waiting.
pub async fn a_follower_sees_each_event_once<F: Fixture<dyn EventLog>>(fixture: F) {
    const WRITERS: u64 = 3;
    const APPENDS: u64 = 20;
    let instances = [fixture.open().await, fixture.open().await];
    let mut followers = JoinSet::new();
    for log in &instances {
        let log = Arc::clone(log);
        followers.spawn(async move {
            let (mut followed, mut last) = (Vec::new(), Position::ZERO);
            while followed.len() < (WRITERS * APPENDS) as usize {
                let head = log.wait_beyond(last).await.expect("a wait does not fail");
                assert!(head > last, "a wait ends when the head is beyond");
                let events = read(&*log, Query::after(last).page(3)).await;
                last = events.last().map(|event| event.position).expect("what a wait promised is there");
                assert!(last >= head, "what is at or below the head can be read");
                followed.extend(events);
            }
            followed
        });
    }
    let mut writers = JoinSet::new();
    for (n, log) in (0..WRITERS).zip(instances.iter().cycle().cloned()) {
        writers.spawn(async move {
            for round in 0..APPENDS {
                append(&*log, &stream(format!("writer-{n}")), vec![numbered(round)]).await;
                sleep(Duration::from_micros(300 * (n + round % 5))).await;
            }
        });
    }
    writers.join_all().await;
    let all = read(&*instances[0], Query::all()).await;
    let followed = timeout(LATE, followers.join_all()).await;
    for followed in followed.expect("a follower is woken for every event") {
        assert_same(&followed, &all, "a follower sees each event once, in order");
    }
}

fn waiter(log: &Arc<dyn EventLog>, position: Position) -> tokio::task::JoinHandle<Position> {
    let log = Arc::clone(log);
    tokio::spawn(async move { log.wait_beyond(position).await.expect("a wait does not fail") })
}
