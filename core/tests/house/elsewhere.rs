//! Projectors outside the house: they get opened values, and forget by key ids.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use oubliette_core::{
    ErasedKeys, Error, ErrorKind, Fault, Forgotten, KeyId, Page, Position, Projections, Projector, Result,
};
use tokio::sync::Notify;

use crate::shop::{Shop, registered, shop};
use crate::support::{Parts, subject};

/// A mailing list. Its first page is slow.
#[derive(Debug, Default)]
struct Mailing {
    list: Mutex<BTreeMap<String, (String, Vec<KeyId>)>>,
    position: Mutex<Position>,
    begun: Notify,
    goes_on: Notify,
}

#[async_trait]
impl Projector for Mailing {
    fn name(&self) -> &str {
        "mailing list"
    }

    fn version(&self) -> u32 {
        1
    }

    async fn position(&self) -> Result<Position> {
        Ok(*self.position.lock().unwrap())
    }

    async fn apply(&self, page: &Page) -> Result<()> {
        if page.after != *self.position.lock().unwrap() {
            return Err(Error::new(ErrorKind::Conflict, "test", "another page was first"));
        }
        if page.after == Position::ZERO {
            self.begun.notify_one();
            self.goes_on.notified().await;
        }
        for event in page.events.iter().filter(|event| !event.stream.is_system()) {
            if let Shop::Registered { id, email, .. } = event.data()?
                && let Some(email) = email.known()
            {
                self.list.lock().unwrap().insert(id, (email.clone(), event.key_ids().collect()));
            }
        }
        *self.position.lock().unwrap() = page.through;
        Ok(())
    }

    async fn caught_up(&self) -> Result<()> {
        Ok(())
    }

    async fn note(&self, _: Option<&Fault>) -> Result<()> {
        Ok(())
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let mut list = self.list.lock().unwrap();
        let before = list.len();
        list.retain(|_, (_, keys)| keys.iter().all(|key| !erased.keys.contains(key)));
        Ok(Forgotten { records: (before - list.len()) as u64 })
    }

    async fn reset(&self) -> Result<()> {
        *self.position.lock().unwrap() = Position::ZERO;
        self.list.lock().unwrap().clear();
        Ok(())
    }
}

#[tokio::test]
async fn a_page_that_was_opened_before_an_erasure_and_applied_after_it_is_forgotten_in_log_order() {
    let parts = Parts::new();
    let mailing = Arc::new(Mailing::default());
    let house = parts.builder().projector(mailing.clone()).build().await.unwrap();
    shop(&house, [registered("ada"), registered("bob")]).await;
    let projections = Projections::new(&house, [mailing.clone() as Arc<dyn Projector>]);
    let running = projections.clone();
    let task = tokio::spawn(async move { running.catch_up().await.unwrap() });
    mailing.begun.notified().await;

    let certificate = house.erase(&subject("ada")).await.unwrap();
    assert_eq!(certificate.certificate().forgotten["mailing list"], 0, "there was nothing yet");
    mailing.goes_on.notify_one();
    task.await.unwrap();
    projections.catch_up().await.unwrap();
    let left: Vec<String> = mailing.list.lock().unwrap().keys().cloned().collect();
    assert_eq!(left, ["bob"]);
}
