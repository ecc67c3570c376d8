//! Whole objects: none is ever there in part, and nothing of a part stays.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oubliette_core::{BackupTarget, ErrorKind};
use tokio::time::sleep;

use super::objects::put;
use crate::Fixture;
use crate::fixture::found;
use crate::run::dropped_after;

/// How long what was dropped half-way may go on behind the back of who dropped it.
const LATE: Duration = Duration::from_secs(5);
/// Large enough to be seen half written.
const SIZE: usize = 1 << 20;

/// Whoever looks while an object is stored finds all of it or nothing.
pub async fn an_object_is_whole_or_not_there<F: Fixture<dyn BackupTarget>>(fixture: F) {
    let (target, reader) = (fixture.open().await, fixture.open().await);
    let names: Vec<String> = (0..20).map(|n| format!("a/object-{n}")).collect();
    let writer = {
        let (target, names) = (Arc::clone(&target), names.clone());
        tokio::spawn(async move {
            for name in &names {
                put(&*target, name, &bytes_of(name)).await;
            }
        })
    };
    loop {
        let written = writer.is_finished();
        for name in &names {
            assert_whole(&*reader, name).await;
        }
        for name in reader.list("").await.expect("a target can be listed") {
            let there = reader.get(&name).await.expect("an object that is listed is there");
            assert!(there == bytes_of(&name), "an object that is listed is whole");
        }
        if written {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.await.expect("a target takes an object");
    for polls in 0..12 {
        let name = format!("dropped/{polls}");
        dropped_after(polls, target.put(&name, &bytes_of(&name))).await;
        assert_whole(&*reader, &name).await;
        put(&*target, &name, &bytes_of(&name)).await;
        assert_whole(&*reader, &name).await;
    }
}

/// What was stored is there after a restart.
pub async fn objects_survive_a_restart<F: Fixture<dyn BackupTarget>>(fixture: F) {
    let target = fixture.open().await;
    for name in ["one", "a/two"] {
        put(&*target, name, name.as_bytes()).await;
    }
    drop(target);
    let target = fixture.open().await;
    assert_eq!(target.list("").await.unwrap(), ["a/two", "one"], "objects survive a restart");
    for name in ["one", "a/two"] {
        assert_eq!(target.get(name).await.unwrap(), name.as_bytes(), "objects survive a restart");
    }
}

/// Of what was stored half-way and given up, a tidy place holds nothing.
pub async fn nothing_half_written_is_left<F: Fixture<dyn BackupTarget>>(fixture: F) {
    let target = fixture.open().await;
    put(&*target, "a/whole", b"a whole object").await;
    let names: Vec<String> = (0..12).map(|n| format!("a/dropped-{n}")).collect();
    for (polls, name) in (0..).zip(&names) {
        dropped_after(polls, target.put(name, &bytes_of(name))).await;
    }
    let dropped = Instant::now();
    drop(target);
    let target = fixture.open().await;
    let left = loop {
        target.tidy().await.expect("a place can be tidied");
        let residue = fixture.residue().await;
        let listed = target.list("").await.unwrap();
        let mut halves = names.iter().filter(|name| !listed.contains(name));
        let left = halves.find(|name| found(&residue, trace(name).as_bytes()).is_some()).cloned();
        if left.is_none() || dropped.elapsed() > LATE {
            break left;
        }
        sleep(LATE / 50).await;
    };
    assert_eq!(left, None, "a tidy place holds no byte of an object half written");
    assert_eq!(target.get("a/whole").await.unwrap(), b"a whole object", "a whole object stays");
}

async fn assert_whole(target: &dyn BackupTarget, name: &str) {
    match target.get(name).await {
        Ok(there) => assert!(there == bytes_of(name), "an object is whole or not there"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "an object is whole or not there"),
    }
}

/// What stands in every piece of an object.
fn trace(name: &str) -> String {
    format!("[{name}]")
}

fn bytes_of(name: &str) -> Vec<u8> {
    let mut bytes = trace(name).into_bytes().repeat(SIZE / (name.len() + 2));
    bytes.extend_from_slice(b"the end");
    bytes
}
