//! Several projections at once: one that fails stands still, and the others go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oubliette_core::{
    Changes, ErrorKind, Lookup, Position, ProjectionOptions, Projections, Result, View, ViewEvent,
};

use crate::shop::*;
use crate::support::Parts;

/// A view that cannot apply some events, or panics at them.
struct Fragile {
    name: &'static str,
    broken: Arc<AtomicBool>,
}

impl View for Fragile {
    type Document = u64;
    fn name(&self) -> &str {
        self.name
    }
    fn version(&self) -> u32 {
        1
    }
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
    fn start(&self) -> u64 {
        0
    }
    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<u64>) -> Result<()> {
        if let Shop::Left { id } = event.data()?
            && self.broken.load(Ordering::SeqCst)
        {
            assert_ne!(id, "panic", "a view may panic");
            return Err(oubliette_core::Error::new(ErrorKind::Invalid, "test", "nobody leaves"));
        }
        changes.update("all", |count| *count += 1)
    }
}

#[tokio::test]
async fn a_projection_that_fails_stands_still_and_the_others_go_on() {
    let parts = Parts::new();
    let house = parts.house().await;
    let broken = Arc::new(AtomicBool::new(true));
    for leaver in ["error", "panic"] {
        shop(&house, [ordered("ada", "tea"), Shop::Left { id: leaver.into() }, ordered("ada", "tea")]).await;
    }
    let fragile = Fragile { name: "fragile", broken: broken.clone() };
    let fragile = house.projection(fragile, ProjectionOptions::default()).await.unwrap();
    let sound = people(&house, 1).await;
    let both: [Arc<dyn oubliette_core::Projector>; 2] = [Arc::new(fragile.clone()), Arc::new(sound.clone())];
    let projections = Projections::new(&house, both);
    let head = house.log().head().await.unwrap();

    let count = async || fragile.get(&key("all")).await.unwrap().unwrap().json().unwrap();
    let standings = projections.catch_up().await.unwrap();
    let (stands, runs) = (&standings[0], &standings[1]);
    assert_eq!((runs.position, runs.fault.as_ref()), (head, None));
    let fault = stands.fault.clone().unwrap();
    // The founding event and one order come before it.
    assert_eq!((stands.position, fault.position), (Position(2), Position(3)));
    assert!(fault.error.contains("nobody leaves"), "{}", fault.error);
    assert_eq!(count().await, 1, "what comes before it is applied");
    assert_eq!(served(&fragile).await.fault.unwrap().position, Position(3), "others see it too");

    // Resumed, it fails again; only that event can be skipped.
    projections.resume("fragile").await.unwrap();
    assert!(projections.catch_up().await.unwrap()[0].fault.is_some());
    assert_eq!(projections.skip("fragile", Position(4)).await.unwrap_err().kind(), ErrorKind::Conflict);
    projections.skip("fragile", Position(3)).await.unwrap();
    let stands = projections.catch_up().await.unwrap()[0].clone();
    assert_eq!((stands.position, stands.fault.unwrap().position), (Position(5), Position(6)), "it panicked");
    assert_eq!(served(&fragile).await.skipped, [Position(3)], "that it was skipped is recorded");

    // Mended, it goes on by itself.
    broken.store(false, Ordering::SeqCst);
    projections.resume("fragile").await.unwrap();
    let stands = projections.catch_up().await.unwrap()[0].clone();
    assert_eq!((stands.position, stands.fault), (head, None));
    assert_eq!(count().await, 5);
    assert!(served(&fragile).await.fault.is_none());

    // A rebuild by the same version passes over the same event, and so the check passes.
    assert_eq!(projections.resume("nobody").await.unwrap_err().kind(), ErrorKind::NotFound);
    broken.store(true, Ordering::SeqCst);
    assert_eq!(fragile.check().await.unwrap_err().kind(), ErrorKind::Incomplete);
    broken.store(false, Ordering::SeqCst);
    assert_eq!(fragile.check().await.unwrap().differences.len(), 1, "the event is not passed over any more");
}

#[tokio::test]
async fn projections_follow_the_log() {
    let parts = Parts::new();
    let house = parts.house().await;
    let sound = people(&house, 1).await;
    let projections =
        Projections::new(&house, [Arc::new(sound.clone()) as Arc<dyn oubliette_core::Projector>]);
    let following = projections.clone();
    let task = tokio::spawn(async move { following.follow().await });
    for n in 0..20 {
        shop(&house, [ordered("ada", "tea")]).await;
        if n % 5 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let caught_up = async {
        while projections.standings().await.unwrap()[0].position < house.log().head().await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), caught_up).await.unwrap();
    assert_eq!(person(&sound, "ada").await.orders, 20);
    task.abort();
}

#[tokio::test]
async fn two_processes_that_feed_one_projection_apply_each_event_once() {
    let parts = Parts::new();
    let house = parts.house().await;
    let (one, two) = (people(&house, 1).await, people(&parts.house().await, 1).await);
    for _ in 0..50 {
        shop(&house, [ordered("ada", "tea")]).await;
        let (a, b) = tokio::join!(one.catch_up(), two.catch_up());
        a.unwrap();
        b.unwrap();
    }
    assert_eq!(person(&one, "ada").await.orders, 50);
}
