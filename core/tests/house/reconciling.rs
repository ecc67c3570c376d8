//! Restored logs and old copies: closed until the ledger has been replayed.

use std::sync::Arc;

use futures::TryStreamExt as _;
use oubliette_core::erasure::{Moment, StepName};
use oubliette_core::memory::{MemoryLedger, MemoryLog};
use oubliette_core::{
    ErrorKind, EventLog, Expect, KeyVault as _, Position, Query, Recorded, Restored, StreamId, Target,
};

use crate::support::{Customer, Parts, registered, subject};

async fn events(log: &dyn EventLog) -> Vec<Recorded> {
    log.read(Query::all()).try_concat().await.unwrap()
}

/// Restores `events` into a new log, the first `count` of them.
async fn restored(events: &[Recorded], count: usize) -> MemoryLog {
    let log = MemoryLog::new();
    let until = events.last().unwrap().position;
    log.restore(Restored { events: Vec::new(), through: Position::ZERO, until, dropped: Vec::new() })
        .await
        .unwrap();
    for event in &events[..count] {
        let page =
            Restored { events: vec![event.clone()], through: event.position, until, dropped: Vec::new() };
        log.restore(page).await.unwrap();
    }
    log
}

async fn name_of(parts: &Parts, who: &str) -> Option<String> {
    let house = parts.house().await;
    let event = house.read(Query::stream(StreamId::new(who).unwrap())).try_next().await.unwrap().unwrap();
    let Customer::Registered { name, .. } = event.data().unwrap() else { panic!("another event") };
    name.known().cloned()
}

async fn parts_with(people: &[&str]) -> Parts {
    let parts = Parts::new();
    let house = parts.house().await;
    for who in people {
        house.append(*who, Expect::New, [registered(who)]).await.unwrap();
    }
    parts
}

#[tokio::test]
async fn a_log_restored_from_before_erasures_is_reconciled_before_it_is_read() {
    let parts = parts_with(&["ada", "bob", "eve"]).await;
    let backup = events(&parts.log).await;
    let house = parts.house().await;
    house.erase(&subject("ada")).await.unwrap();
    house.erase(&subject("eve")).await.unwrap();
    // Who returns after an erasure keeps their new keys.
    house.readmit(&Target::Subject(subject("eve"))).await.unwrap();
    house.append("eve-2", Expect::New, [registered("eve")]).await.unwrap();

    let old = Parts { log: restored(&backup, backup.len()).await, ..parts.clone() };
    assert_eq!(old.log.quarantine().await.unwrap(), Some(Position(4)));
    assert_eq!(name_of(&old, "ada").await, None);
    assert_eq!(name_of(&old, "eve").await, None);
    assert_eq!(name_of(&old, "bob").await.unwrap(), "name of bob");
    assert_eq!(old.log.quarantine().await.unwrap(), None);
    // Recorded and swept, as in the log that was lost.
    let now = events(&old.log).await;
    let system: Vec<_> = now.iter().filter(|event| event.stream.is_reserved()).collect();
    assert_eq!(system.len(), 6, "the founding, the restoration, and two events an erasure");
    assert!(now[1].envelope.parts.iter().all(Option::is_none), "ada's parts are gone");
    assert!(now[2].envelope.parts.iter().all(Option::is_some), "bob's are there");
    // Restored twice, it converges; opened again, nothing more happens.
    let again = Parts { log: restored(&backup, backup.len()).await, ..parts.clone() };
    name_of(&again, "ada").await;
    let without_times = |events: Vec<Recorded>| {
        events
            .into_iter()
            .map(|event| (event.position, event.stream, event.envelope.parts))
            .collect::<Vec<_>>()
    };
    assert_eq!(without_times(events(&again.log).await), without_times(now.clone()));
    name_of(&old, "ada").await;
    assert_eq!(events(&old.log).await, now);
}

#[tokio::test]
async fn a_restore_that_was_cut_short_stays_closed_and_can_be_finished() {
    let parts = parts_with(&["ada", "bob"]).await;
    let backup = events(&parts.log).await;
    parts.house().await.erase(&subject("ada")).await.unwrap();
    for count in 0..=backup.len() {
        let old = Parts { log: restored(&backup, count).await, ..parts.clone() };
        if count < backup.len() {
            let error = old.builder().build().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Incomplete);
            assert!(format!("{error:?}").contains("run it again"), "{error:?}");
            assert_eq!(events(&old.log).await.len(), count, "nothing is written meanwhile");
            let rest = backup[count..].to_vec();
            let until = backup.last().unwrap().position;
            old.log
                .restore(Restored { events: rest, through: until, until, dropped: Vec::new() })
                .await
                .unwrap();
        }
        assert_eq!(name_of(&old, "ada").await, None);
        assert_eq!(name_of(&old, "bob").await.unwrap(), "name of bob");
    }
}

#[tokio::test]
async fn an_old_copy_of_a_log_is_found_out_without_a_quarantine() {
    let parts = parts_with(&["ada", "bob"]).await;
    // A copy of the file, put back: nothing says that it was restored.
    let copied = async |events: &[Recorded]| {
        let log = restored(events, events.len()).await;
        log.release().await.unwrap();
        Parts { log, ..parts.clone() }
    };
    let before = events(&parts.log).await;
    let house = parts.house().await;
    house.erase(&subject("ada")).await.unwrap();
    let old = copied(&before).await;
    assert_eq!(name_of(&old, "ada").await, None);
    assert!(events(&old.log).await[1].envelope.parts.iter().all(Option::is_none), "it is swept");

    // Of a moment between the record of an erasure and its sweep.
    let mut between = events(&parts.log).await;
    between[1] = before[1].clone();
    let old = copied(&between).await;
    name_of(&old, "ada").await;
    assert!(events(&old.log).await[1].envelope.parts.iter().all(Option::is_none), "it is swept");
}

#[tokio::test]
async fn a_log_is_not_opened_without_the_ledger_that_belongs_to_it() {
    let parts = parts_with(&["ada"]).await;
    let backup = events(&parts.log).await;
    parts.house().await.erase(&subject("ada")).await.unwrap();
    let old =
        Parts { log: restored(&backup, backup.len()).await, ledger: MemoryLedger::new(), ..parts.clone() };
    let error = old.builder().build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Diverged, "{error:?}");
    assert!(old.log.quarantine().await.unwrap().is_some(), "it stays in quarantine");
}

#[tokio::test]
async fn a_reconciliation_that_is_killed_anywhere_converges() {
    let parts = parts_with(&["ada", "bob", "eve"]).await;
    let backup = events(&parts.log).await;
    let house = parts.house().await;
    house.erase(&subject("ada")).await.unwrap();
    house.erase(&subject("eve")).await.unwrap();
    // Erasures that are replayed tell of no steps: what they do to the log can be cut short
    // after any number of its calls.
    let mut calls = 0;
    let ended = loop {
        calls += 1;
        assert!(calls < 100, "it never ends");
        let log = restored(&backup, backup.len()).await;
        let failing = Arc::new(Failing { log: log.clone(), calls: calls.into() });
        let (vault, ledger) = (Arc::new(parts.vault.clone()), Arc::new(parts.ledger.clone()));
        let built = oubliette_core::Oubliette::builder(failing, vault, ledger).build().await;
        let old = Parts { log, ..parts.clone() };
        if built.is_err() {
            assert!(old.log.quarantine().await.unwrap().is_some(), "after {calls} calls it serves");
        }
        assert_eq!(name_of(&old, "ada").await, None);
        assert_eq!(name_of(&old, "eve").await, None);
        assert!(name_of(&old, "bob").await.is_some());
        let now = events(&old.log).await;
        let recorded = now.iter().filter(|event| event.stream.as_str().starts_with("$erasure-"));
        assert_eq!(recorded.count(), 4, "two events an erasure");
        assert!([1, 3].iter().all(|n| now[*n].envelope.parts.iter().all(Option::is_none)));
        if built.is_ok() {
            break calls;
        }
    };
    assert!(ended > 10, "it was cut short in {ended} places only");
}

/// A log that is out of reach after so many calls.
#[derive(Debug)]
struct Failing {
    log: MemoryLog,
    calls: std::sync::atomic::AtomicUsize,
}

impl Failing {
    fn call(&self) -> oubliette_core::Result<()> {
        use std::sync::atomic::Ordering;
        let left = self.calls.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| oubliette_core::Error::new(ErrorKind::Unavailable, "test", "out of reach"))
    }
}

#[async_trait::async_trait]
impl EventLog for Failing {
    fn limits(&self) -> oubliette_core::Limits {
        self.log.limits()
    }
    fn promise(&self) -> oubliette_core::Promise {
        self.log.promise()
    }
    async fn append(&self, batch: oubliette_core::Batch) -> oubliette_core::Result<oubliette_core::Appended> {
        self.call()?;
        self.log.append(batch).await
    }
    fn read(&self, query: Query) -> oubliette_core::PageStream {
        match self.call() {
            Ok(()) => self.log.read(query),
            Err(error) => Box::pin(futures::stream::once(async { Err(error) })),
        }
    }
    async fn head(&self) -> oubliette_core::Result<Position> {
        self.call()?;
        self.log.head().await
    }
    async fn version(&self, stream: &StreamId) -> oubliette_core::Result<oubliette_core::Version> {
        self.call()?;
        self.log.version(stream).await
    }
    async fn wait_beyond(&self, position: Position) -> oubliette_core::Result<Position> {
        self.log.wait_beyond(position).await
    }
    async fn scrub(
        &self,
        keys: &[oubliette_core::KeyId],
    ) -> oubliette_core::Result<oubliette_core::Scrubbed> {
        self.call()?;
        self.log.scrub(keys).await
    }
    async fn sweep(&self) -> oubliette_core::Result<oubliette_core::Swept> {
        self.call()?;
        self.log.sweep().await
    }
    async fn drop_stream(&self, stream: &StreamId) -> oubliette_core::Result<oubliette_core::Dropped> {
        self.log.drop_stream(stream).await
    }
    async fn dropped(&self) -> oubliette_core::Result<Vec<oubliette_core::DroppedStream>> {
        self.log.dropped().await
    }
    async fn restore(&self, page: Restored) -> oubliette_core::Result<()> {
        self.log.restore(page).await
    }
    async fn quarantine(&self) -> oubliette_core::Result<Option<Position>> {
        self.call()?;
        self.log.quarantine().await
    }
    async fn release(&self) -> oubliette_core::Result<()> {
        self.call()?;
        self.log.release().await
    }
}

#[tokio::test]
async fn a_store_that_cannot_forget_is_named_the_others_forget_and_nothing_is_certified() {
    use oubliette_core::{ErasedKeys, Fault, Forgotten, Page, Projector, Result};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    #[derive(Debug)]
    struct Elsewhere(&'static str, Arc<AtomicBool>, AtomicU64);

    #[async_trait::async_trait]
    impl Projector for Elsewhere {
        fn name(&self) -> &str {
            self.0
        }
        fn version(&self) -> u32 {
            1
        }
        async fn position(&self) -> Result<Position> {
            Ok(Position::ZERO)
        }
        async fn apply(&self, _: &Page) -> Result<()> {
            Ok(())
        }
        async fn caught_up(&self) -> Result<()> {
            Ok(())
        }
        async fn note(&self, _: Option<&Fault>) -> Result<()> {
            Ok(())
        }
        async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
            if self.1.load(Ordering::SeqCst) {
                return Err(oubliette_core::Error::new(ErrorKind::Unavailable, "test", "out of reach"));
            }
            self.2.fetch_add(1, Ordering::SeqCst);
            Ok(Forgotten { records: erased.keys.len() as u64 })
        }
        async fn reset(&self) -> Result<()> {
            Ok(())
        }
    }

    let parts = parts_with(&["ada"]).await;
    let broken = Arc::new(AtomicBool::new(true));
    let mail = Arc::new(Elsewhere("mail", broken.clone(), AtomicU64::new(0)));
    let search = Arc::new(Elsewhere("search", Arc::new(AtomicBool::new(false)), AtomicU64::new(0)));
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let moments = seen.clone();
    let build = || {
        let moments = moments.clone();
        let observed =
            parts.builder().observer(move |now| moments.lock().unwrap().push((now.step, now.moment)));
        observed.projector(mail.clone()).projector(search.clone()).build()
    };
    let house = build().await.unwrap();
    let error = house.erase(&subject("ada")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    let text = format!("{error:?}");
    assert!(text.contains("forgotten") && text.contains("failed mail") && !text.contains("search"), "{text}");
    assert_eq!(search.2.load(Ordering::SeqCst), 1, "the others have forgotten");
    assert_eq!(seen.lock().unwrap().last(), Some(&(StepName::Forgotten, Moment::Begun)));
    assert!(house.erasures().await.unwrap()[0].certificate().is_none());
    assert_eq!(build().await.unwrap_err().kind(), ErrorKind::Incomplete);

    broken.store(false, Ordering::SeqCst);
    let house = build().await.unwrap();
    let erasures = house.erasures().await.unwrap();
    let certificate = erasures[0].certificate().unwrap().certificate();
    assert_eq!(certificate.forgotten["mail"], 2);
    assert!(certificate.stores.contains_key("mail") && certificate.stores.contains_key("documents"));
    // What cannot be looked into is not claimed.
    let claim = serde_json::to_string(&certificate.stores["mail"].a).unwrap();
    assert!(claim.contains("not_claimed"), "{claim}");
    assert_eq!(parts.vault.keys_of(&subject("ada")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn backups_from_before_stand_in_the_certificate_until_they_expire() {
    use oubliette_core::{BackupId, BackupRecord, BackupRegister};

    #[derive(Debug)]
    struct Register(Vec<BackupRecord>);

    #[async_trait::async_trait]
    impl BackupRegister for Register {
        async fn backups(&self) -> oubliette_core::Result<Vec<BackupRecord>> {
            Ok(self.0.clone())
        }
    }

    let now = jiff::Timestamp::now();
    let hours = |hours| jiff::SignedDuration::from_hours(hours);
    let record = |taken: i64, expires: Option<i64>| BackupRecord {
        id: BackupId::random().unwrap(),
        location: "a folder".into(),
        taken_at: now + hours(taken),
        continues: None,
        through: Position(2),
        expires_at: expires.map(|expires| now + hours(expires)),
    };
    for (backups, listed, claim) in [
        (vec![record(-2, Some(5)), record(-1, Some(9)), record(1, Some(50))], 2, "pending"),
        (vec![record(-2, Some(5)), record(-1, None)], 2, "not_claimed"),
        (vec![record(1, Some(50))], 0, ""),
    ] {
        let parts = parts_with(&["ada"]).await;
        let house = parts.builder().backups(Arc::new(Register(backups.clone()))).build().await.unwrap();
        let signed = house.erase(&subject("ada")).await.unwrap();
        let certificate = signed.certificate();
        assert_eq!(certificate.backups, backups[..listed]);
        let held = certificate.stores.get("backups");
        assert_eq!(held.is_some(), listed > 0);
        if let Some(levels) = held {
            let d = serde_json::to_string(&levels.d).unwrap();
            assert!(d.contains(claim), "{d}");
            assert_eq!(
                d.contains(&(now + hours(9)).to_string()),
                claim == "pending",
                "until the last expires"
            );
        }
    }
}

#[tokio::test]
async fn an_erasure_that_was_open_when_the_log_was_lost_is_finished_in_the_restored_one() {
    for step in StepName::ALL {
        // The erasure stops behind this step, and then the log is lost.
        let fresh = parts_with(&["ada", "bob"]).await;
        let backup = events(&fresh.log).await;
        let stop = move |now: &oubliette_core::erasure::Progressed| {
            if now.step == step && now.moment == Moment::Done {
                std::panic::panic_any("stopped");
            }
        };
        let stopping = fresh.builder().observer(move |now| stop(now)).build().await.unwrap();
        let task = tokio::spawn(async move { stopping.erase(&subject("ada")).await });
        assert!(task.await.is_err(), "it went on behind {step}");

        let old = Parts { log: restored(&backup, backup.len()).await, ..fresh.clone() };
        assert_eq!(name_of(&old, "ada").await, None, "after {step}");
        assert!(name_of(&old, "bob").await.is_some());
        let house = old.house().await;
        let erasures = house.erasures().await.unwrap();
        assert!(erasures[0].certificate().is_some(), "after {step}");
        let now = events(&old.log).await;
        assert_eq!(
            now.iter().filter(|event| event.stream.as_str().starts_with("$erasure-")).count(),
            2,
            "after {step}"
        );
        assert!(now[1].envelope.parts.iter().all(Option::is_none), "after {step}");
    }
}

#[tokio::test]
async fn stores_that_were_not_there_when_the_log_was_restored_start_anew() {
    use crate::shop::{People, key, ordered, people, shop};
    use oubliette_core::{DocumentQuery, Projector as _};

    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [crate::shop::registered("ada"), ordered("ada", "tea")]).await;
    let backup = events(&parts.log).await;
    shop(&house, [ordered("ada", "tea"), ordered("ada", "tea"), ordered("ada", "tea")]).await;
    let before = people(&house, 1).await;
    before.catch_up().await.unwrap();
    before.snapshot(2).await.unwrap();

    // Restored, and used by a program without documents until it is as long as before.
    let old = Parts { log: restored(&backup, backup.len()).await, ..parts.clone() };
    let (log, vault, ledger) = (old.log.clone(), old.vault.clone(), old.ledger.clone());
    let plain = oubliette_core::Oubliette::builder(Arc::new(log), Arc::new(vault), Arc::new(ledger))
        .build()
        .await
        .unwrap();
    for _ in 0..5 {
        shop(&plain, [ordered("ada", "coffee")]).await;
    }
    let projection: oubliette_core::Projection<People> = people(&old.house().await, 1).await;
    projection.catch_up().await.unwrap();
    assert_eq!(projection.position().await.unwrap(), old.log.head().await.unwrap());
    let ada = projection.get(&key("ada")).await.unwrap().unwrap().json().unwrap();
    assert_eq!(ada["articles"], serde_json::json!({ "coffee": 5, "tea": 1 }));
    let past = projection.as_of(oubliette_core::AsOf::Position(old.log.head().await.unwrap())).await.unwrap();
    let then = past.query(&DocumentQuery::all()).await.unwrap();
    assert_eq!(
        then.documents[0].json().unwrap()["articles"],
        ada["articles"],
        "no snapshot of before is used"
    );
    past.end().await.unwrap();
}

#[tokio::test]
async fn what_was_made_of_another_history_is_not_kept_where_both_are_as_long() {
    use crate::shop::{key, people, registered, shop};

    let parts = Parts::new();
    let house = parts.house().await;
    let early = events(&parts.log).await;
    shop(&house, [registered("ada")]).await;
    let late = events(&parts.log).await;
    // Documents follow the log that was restored from the older backup, as far as the newer goes.
    let older = Parts { log: restored(&early, early.len()).await, ..parts.clone() };
    people(&older.house().await, 1).await.catch_up().await.unwrap();
    assert_eq!(older.log.head().await.unwrap(), late.last().unwrap().position);

    let newer = Parts { log: restored(&late, late.len()).await, ..parts.clone() };
    let projection = people(&newer.house().await, 1).await;
    projection.catch_up().await.unwrap();
    assert!(projection.get(&key("ada")).await.unwrap().is_some(), "they are made of the log that is there");
}
