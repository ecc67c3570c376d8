//! A log that was damaged at rest.

use futures::TryStreamExt;
use oubliette_core::seal::{Place, open};
use oubliette_core::{ErrorKind, EventLog, Key, KeyState, Query, Recorded, Result, SealedPart};

use crate::Fixture;
use crate::damage::each_damage;
use crate::sample::{append, key, numbers, read, sealed, stream};

/// What was damaged reads as it was, or is an error: never as another event, and never as
/// fewer of them. A sealed part may read as one that does not open: it proves itself.
pub async fn what_was_damaged_is_corrupt<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let keys = [key(), key()];
    let [ada, grace] = &keys;
    for n in 0..6 {
        let name = stream(format!("stream-{n}"));
        append(&*log, &name, numbers(10 * n..10 * n + 10)).await;
        append(&*log, &name, vec![sealed(&name, &[&[ada], &[ada, grace]])]).await;
    }
    let whole = read(&*log, Query::all()).await;
    let parts = whole.iter().flat_map(|event| event.envelope.parts.iter().flatten());
    let parts = parts.step_by(5).map(|part| part.as_bytes().to_vec());
    let held =
        whole.iter().step_by(7).map(|event| event.envelope.open.clone()).chain(parts).collect::<Vec<_>>();
    drop(log);
    each_damage(&fixture, &held, async |damage, log| {
        let (there, ended) = read_on(&*log).await;
        for (is, was) in there.iter().zip(&whole) {
            assert!(is_as_it_was(is, was, &keys), "what was damaged never reads as another event: {damage}");
        }
        assert!(there.len() <= whole.len(), "what was damaged never reads as more events: {damage}");
        match ended {
            Ok(()) => assert_eq!(there.len(), whole.len(), "no event is missing unsaid: {damage}"),
            Err(error) => {
                let kind = error.kind();
                assert_eq!(kind, ErrorKind::Corrupt, "a damaged log says that it is: {damage}: {error:?}");
            }
        }
    })
    .await;
}

/// All that can be read, and how that ends.
async fn read_on(log: &dyn EventLog) -> (Vec<Recorded>, Result<()>) {
    let mut pages = log.read(Query::all().page(13));
    let mut there = Vec::new();
    loop {
        match pages.try_next().await {
            Ok(Some(page)) => there.extend(page),
            Ok(None) => return (there, Ok(())),
            Err(error) => return (there, Err(error)),
        }
    }
}

/// Whether it is the same event, but for parts that do not open.
fn is_as_it_was(is: &Recorded, was: &Recorded, keys: &[Key]) -> bool {
    let mut like = is.clone();
    like.envelope.parts.clone_from(&was.envelope.parts);
    let parts = is.envelope.parts.iter().zip(&was.envelope.parts);
    let each = (0..).zip(parts).all(|(part, (is_part, was_part))| match (is_part, was_part) {
        (Some(changed), Some(was_part)) if changed != was_part => {
            !opens(Place { stream: &was.stream, event: was.envelope.id, part }, changed, keys)
        }
        (is_part, was_part) => is_part.is_some() == was_part.is_some(),
    });
    like == *was && is.envelope.parts.len() == was.envelope.parts.len() && each
}

fn opens(place: Place<'_>, part: &SealedPart, keys: &[Key]) -> bool {
    let state = |owner| keys.iter().find(|key| key.id() == owner).cloned().map(KeyState::Live);
    let states: Vec<KeyState> =
        part.owners().map(|owner| state(owner).unwrap_or(KeyState::Unknown)).collect();
    open(place, part, &states).is_ok()
}
