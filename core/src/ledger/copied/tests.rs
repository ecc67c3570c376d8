use std::collections::VecDeque;
use std::sync::Mutex;

use jiff::Timestamp;

use super::super::Head;
use super::*;
use crate::erasure::Step;
use crate::house::Oubliette;
use crate::ids::{ErasureId, SubjectId};
use crate::memory::{MemoryLedger, MemoryLog, MemoryVault};

/// A copy that fails as it is told: each append takes one answer, each reading looks at one.
#[derive(Clone, Debug, Default)]
struct Moody {
    ledger: MemoryLedger,
    appends: Arc<Mutex<VecDeque<Option<ErrorKind>>>>,
    reading: Arc<Mutex<Option<ErrorKind>>>,
}

impl Moody {
    fn appends(&self, answers: impl IntoIterator<Item = Option<ErrorKind>>) {
        *self.appends.lock().unwrap() = answers.into_iter().collect();
    }

    fn reading(&self, answer: Option<ErrorKind>) {
        *self.reading.lock().unwrap() = answer;
    }
}

fn answer(kind: Option<ErrorKind>) -> Result<()> {
    kind.map_or(Ok(()), |kind| Err(Error::new(kind, "ledger", "as told")))
}

#[async_trait]
impl Ledger for Moody {
    async fn append(&self, entry: &Entry) -> Result<()> {
        let told = self.appends.lock().unwrap().pop_front().flatten();
        answer(told)?;
        self.ledger.append(entry).await
    }

    async fn entries(&self) -> Result<Vec<Entry>> {
        answer(*self.reading.lock().unwrap())?;
        self.ledger.entries().await
    }
}

fn entry(head: &Head) -> Entry {
    Entry::following(head, Timestamp::now(), ErasureId::random().unwrap(), Step::Fenced).unwrap()
}

fn chain(len: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..len {
        entries.push(entry(&entries.last().map_or(Head::EMPTY, Entry::head)));
    }
    entries
}

async fn holding(entries: &[Entry]) -> MemoryLedger {
    let ledger = MemoryLedger::new();
    for entry in entries {
        ledger.append(entry).await.unwrap();
    }
    ledger
}

fn both(first: &(impl Ledger + Clone), second: &(impl Ledger + Clone)) -> CopiedLedger {
    CopiedLedger::new(Arc::new(first.clone()), Arc::new(second.clone()))
}

#[tokio::test]
async fn an_entry_stands_in_both_copies() {
    let (first, second) = (MemoryLedger::new(), MemoryLedger::new());
    let ledger = both(&first, &second);
    let entries = chain(3);
    for entry in &entries {
        ledger.append(entry).await.unwrap();
    }
    for ledger in [&ledger as &dyn Ledger, &first, &second] {
        assert_eq!(ledger.entries().await.unwrap(), entries);
    }
}

#[tokio::test]
async fn a_copy_that_ends_earlier_is_caught_up_by_a_reading() {
    let entries = chain(5);
    for (one, other) in [(4, 5), (5, 4), (1, 5), (5, 1)] {
        let (first, second) = (holding(&entries[..one]).await, holding(&entries[..other]).await);
        assert_eq!(both(&first, &second).entries().await.unwrap(), entries);
        assert_eq!(first.entries().await.unwrap(), entries);
        assert_eq!(second.entries().await.unwrap(), entries);
    }
}

#[tokio::test]
async fn a_lost_copy_is_restored_from_the_other() {
    let entries = chain(3);
    for (one, other) in [(0, 3), (3, 0)] {
        let (first, second) = (holding(&entries[..one]).await, holding(&entries[..other]).await);
        both(&first, &second).entries().await.unwrap();
        assert_eq!(first.entries().await.unwrap(), entries);
        assert_eq!(second.entries().await.unwrap(), entries);
    }
    let none = both(&MemoryLedger::new(), &MemoryLedger::new());
    assert!(none.entries().await.unwrap().is_empty());
}

#[tokio::test]
async fn copies_that_contradict_each_other_are_diverged_and_stay_as_they_are() {
    let one = chain(4);
    let mut other = one[..2].to_vec();
    for _ in 0..3 {
        other.push(entry(&other.last().unwrap().head()));
    }
    let (first, second) = (holding(&one).await, holding(&other).await);
    let ledger = both(&first, &second);
    let error = ledger.entries().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Diverged);
    let text = error.to_string();
    assert!(text.contains("from_sequence 3") && text.contains("move that one away"), "{text}");
    let next = entry(&one[3].head());
    assert_eq!(ledger.append(&next).await.unwrap_err().kind(), ErrorKind::Diverged);
    assert_eq!(second.entries().await.unwrap(), other);
}

#[tokio::test]
async fn a_longer_copy_that_is_no_chain_is_not_copied() {
    #[derive(Debug)]
    struct Forged(Vec<Entry>);
    #[async_trait]
    impl Ledger for Forged {
        async fn append(&self, _: &Entry) -> Result<()> {
            answer(Some(ErrorKind::Conflict))
        }
        async fn entries(&self) -> Result<Vec<Entry>> {
            Ok(self.0.clone())
        }
    }
    let mut entries = chain(5);
    entries[4].at = Timestamp::UNIX_EPOCH;
    let first = holding(&entries[..3]).await;
    let ledger = CopiedLedger::new(Arc::new(first.clone()), Arc::new(Forged(entries.clone())));
    let error = ledger.entries().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Diverged);
    assert!(error.to_string().contains("the second copy"), "{error}");
    assert_eq!(first.entries().await.unwrap().len(), 3);
    // One that is whole, and refuses what follows, is not asked for ever.
    let whole = chain(2);
    let stubborn = Forged(whole[..1].to_vec());
    let ledger = CopiedLedger::new(Arc::new(holding(&whole).await), Arc::new(stubborn));
    assert_eq!(ledger.entries().await.unwrap_err().kind(), ErrorKind::Unexpected);
}

#[tokio::test]
async fn a_copy_that_cannot_be_read_is_named() {
    let entries = chain(2);
    for kind in [ErrorKind::Corrupt, ErrorKind::Unavailable, ErrorKind::Denied] {
        let (first, second) = (Moody::default(), Moody::default());
        let ledger = both(&first, &second);
        for entry in &entries {
            ledger.append(entry).await.unwrap();
        }
        for (bad, name) in [(&first, "the first copy"), (&second, "the second copy")] {
            bad.reading(Some(kind));
            let error = ledger.entries().await.unwrap_err();
            assert_eq!(error.kind(), kind);
            let text = error.to_string();
            assert!(text.contains(name), "{text}");
            let lost = kind != ErrorKind::Unavailable;
            assert_eq!(text.contains("move it away"), lost, "one out of reach is there: {text}");
            bad.reading(None);
        }
        assert_eq!(ledger.entries().await.unwrap(), entries);
    }
}

#[tokio::test]
async fn an_entry_that_reaches_one_copy_alone_is_not_appended() {
    let (first, second) = (Moody::default(), Moody::default());
    let ledger = both(&first, &second);
    let entries = chain(2);
    ledger.append(&entries[0]).await.unwrap();
    for (bad, name) in [(&first, "the first copy"), (&second, "the second copy")] {
        bad.appends([Some(ErrorKind::Unavailable)]);
        let error = ledger.append(&entries[1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(first.ledger.entries().await.unwrap().len(), 2);
    assert_eq!(second.ledger.entries().await.unwrap().len(), 1);
    // The very same entry again finds itself in the first copy and goes on with the second.
    ledger.append(&entries[1]).await.unwrap();
    assert_eq!(second.ledger.entries().await.unwrap(), entries);
}

#[tokio::test]
async fn a_copy_that_stays_out_of_reach_is_told_of_until_it_is_back() {
    let (first, second) = (Moody::default(), Moody::default());
    let ledger = both(&first, &second);
    let entries = chain(3);
    ledger.append(&entries[0]).await.unwrap();
    second.reading(Some(ErrorKind::Unavailable));
    second.appends([Some(ErrorKind::Unavailable), Some(ErrorKind::Unavailable)]);
    assert_eq!(ledger.append(&entries[1]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(ledger.entries().await.unwrap_err().kind(), ErrorKind::Unavailable);
    // Readable again, not yet writable: the longer copy is not handed out alone.
    second.reading(None);
    assert_eq!(ledger.entries().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(ledger.entries().await.unwrap(), entries[..2]);
    ledger.append(&entries[2]).await.unwrap();
    assert_eq!(second.ledger.entries().await.unwrap(), entries);
}

#[tokio::test]
async fn a_copy_that_refuses_what_another_process_brought_on_is_read_again() {
    let entries = chain(3);
    let moody = async |len: usize| Moody { ledger: holding(&entries[..len]).await, ..Moody::default() };
    for (one, other) in [(1, 3), (3, 1)] {
        let (first, second) = (moody(one).await, moody(other).await);
        let behind = if one < other { &first } else { &second };
        behind.appends([Some(ErrorKind::Conflict)]);
        assert_eq!(both(&first, &second).entries().await.unwrap(), entries);
        assert_eq!(behind.ledger.entries().await.unwrap(), entries);
    }
}

#[tokio::test]
async fn an_entry_that_does_not_follow_is_a_conflict() {
    let entries = chain(3);
    let (first, second) = (holding(&entries).await, holding(&entries).await);
    let ledger = both(&first, &second);
    for wrong in [entry(&Head::EMPTY), entry(&entries[1].head())] {
        assert_eq!(ledger.append(&wrong).await.unwrap_err().kind(), ErrorKind::Conflict);
    }
    assert_eq!(first.entries().await.unwrap(), entries);
    assert_eq!(second.entries().await.unwrap(), entries);
}

#[tokio::test]
async fn a_conflict_with_a_copy_that_fell_behind_is_gone_after_a_reading() {
    let entries = chain(4);
    for (one, other) in [(1, 3), (3, 1)] {
        let (first, second) = (holding(&entries[..one]).await, holding(&entries[..other]).await);
        let ledger = both(&first, &second);
        if let Err(error) = ledger.append(&entries[3]).await {
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert_eq!(ledger.entries().await.unwrap(), entries[..3]);
            ledger.append(&entries[3]).await.unwrap();
        }
        assert_eq!(first.entries().await.unwrap(), entries);
        assert_eq!(second.entries().await.unwrap(), entries);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_append_at_once_make_one_chain() {
    let (first, second) = (MemoryLedger::new(), MemoryLedger::new());
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let ledger = both(&first, &second);
            tokio::spawn(async move {
                let mut left = 50;
                while left > 0 {
                    let head = ledger.entries().await.unwrap().last().map_or(Head::EMPTY, Entry::head);
                    tokio::task::yield_now().await;
                    match ledger.append(&entry(&head)).await {
                        Ok(()) => left -= 1,
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let entries = first.entries().await.unwrap();
    assert_eq!(entries.len(), 200);
    verify(&entries, None).unwrap();
    assert_eq!(second.entries().await.unwrap(), entries);
}

/// Whichever step of an erasure does not reach the second copy: there is no certificate
/// until it does, and then there is.
#[tokio::test]
async fn nothing_is_certified_without_both_copies() {
    let ada = SubjectId::new("c-42").unwrap();
    for reached in 0.. {
        let (first, second) = (MemoryLedger::new(), Moody::default());
        let build = || {
            Oubliette::builder(
                Arc::new(MemoryLog::new()),
                Arc::new(MemoryVault::new().unwrap()),
                Arc::new(both(&first, &second)),
            )
            .build()
        };
        let house = build().await.unwrap();
        second.appends(std::iter::repeat_n(None, reached).chain([Some(ErrorKind::Unavailable)]));
        match house.erase(&ada).await {
            Ok(_) => {
                assert!(reached >= 8, "an erasure has at least eight steps");
                return;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        }
        assert_eq!(second.ledger.entries().await.unwrap().len(), reached);
        let certificate = house.erase(&ada).await.unwrap();
        assert_eq!(certificate.certificate().keys, []);
        let entries = first.entries().await.unwrap();
        assert_eq!(second.ledger.entries().await.unwrap(), entries);
        assert!(entries.len() > reached);
    }
}
