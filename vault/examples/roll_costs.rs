//! What a roll costs among so many subjects, on this disk.
//!
//! `cargo run --release --package oubliette-vault --features sqlite --example roll_costs -- 1000000`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it is run by hand")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use oubliette_core::{KeyId, KeyVault, Purpose, Reason, Result, Scope, SubjectId, Target, VaultId};
use oubliette_vault::{
    Commit, Generation, KeyRecords, Kind, Listed, Options, Place, Records, SlotRoots, SqliteRecords, Vault,
};

/// Counts what passes.
#[derive(Debug)]
struct Counted(SqliteRecords, Counts);

#[derive(Clone, Debug, Default)]
struct Counts(Arc<[AtomicU64; 4]>);

impl Counts {
    fn add(&self, which: usize, by: u64) {
        if let Some(count) = self.0.get(which) {
            count.fetch_add(by, Relaxed);
        }
    }

    /// Tells what passed since, and how long it took.
    fn tell(&self, what: &str, begun: Instant) {
        let [reads, commits, records, bytes] = self.0.each_ref().map(|count| count.swap(0, Relaxed));
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        println!(
            "{what}: {ms:.1} ms, {reads} reads, {commits} commits, {records} records, {} KB",
            bytes / 1000
        );
    }
}

#[async_trait]
impl KeyRecords for Counted {
    fn bytes_gone(&self) -> Option<Duration> {
        self.0.bytes_gone()
    }

    async fn read(&self, places: &[Place]) -> Result<Records> {
        self.1.add(0, 1);
        self.0.read(places).await
    }

    async fn list(&self, kind: Kind, prefix: &[u8], after: &[u8], at_most: usize) -> Result<Listed> {
        self.1.add(0, 1);
        self.0.list(kind, prefix, after, at_most).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Generation> {
        self.1.add(1, 1);
        self.1.add(2, commit.put.len() as u64);
        self.1.add(3, commit.put.iter().map(|(_, bytes)| bytes.len() as u64).sum());
        self.0.commit(commit).await
    }

    async fn stamp(&self) -> Result<u64> {
        self.0.stamp().await
    }

    async fn sweep(&self) -> Result<()> {
        self.0.sweep().await
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let subjects: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let folder = tempfile::tempdir().unwrap();
    let counts = Counts::default();
    let patience = Duration::from_secs(10);
    let id = VaultId::random()?;
    let roots = Arc::new(
        SlotRoots::create([folder.path().join("roots")], id, oubliette_vault::Secret::draw()?).await?,
    );
    let records = SqliteRecords::create(folder.path().join("vault.db"), patience).await?;
    let records = Arc::new(Counted(records, counts.clone()));
    let options = || Options::new().roll_with_erasures(false);
    let vault = Vault::create_named(id, records.clone(), roots.clone(), options()).await?;

    let begun = Instant::now();
    let mut keys: Vec<KeyId> = Vec::new();
    for from in (0..subjects).step_by(10_000) {
        let scope = |n| Ok(Scope::new(SubjectId::new(format!("c-{n}"))?, Purpose::declared("contract")));
        let scopes = (from..subjects.min(from + 10_000)).map(scope).collect::<Result<Vec<_>>>()?;
        keys.extend(vault.mint(&scopes).await?.iter().map(|key| key.id()));
    }
    counts.tell(&format!("mint of {subjects} subjects, 10,000 at once"), begun);

    let begun = Instant::now();
    let vault = Vault::open(records, roots, options()).await?;
    counts.tell("open", begun);
    let page = |from: usize| keys.iter().skip(from).step_by(subjects / 1_000).copied().collect::<Vec<_>>();
    for what in ["find of 1,000 keys, ring and cache cold", "find of 1,000 others, ring warm"] {
        let begun = Instant::now();
        vault.find(&page(usize::from(what.ends_with("warm")))).await?;
        counts.tell(what, begun);
    }

    for n in 0..3 {
        erase(&vault, n, &counts).await?;
        let begun = Instant::now();
        vault.roll().await?;
        counts.tell("roll", begun);
    }
    let begun = Instant::now();
    for n in (3..subjects).step_by(1_024) {
        let target = Target::Subject(SubjectId::new(format!("c-{n}"))?);
        vault.destroy(vault.register(&target, &Reason::default()).await?.id).await?;
    }
    counts.tell("an erasure in each bucket", begun);
    let begun = Instant::now();
    vault.roll().await?;
    counts.tell("roll that renews every bucket", begun);
    Ok(())
}

async fn erase(vault: &Vault, n: usize, counts: &Counts) -> Result<()> {
    let begun = Instant::now();
    let target = Target::Subject(SubjectId::new(format!("c-{n}"))?);
    vault.destroy(vault.register(&target, &Reason::default()).await?.id).await?;
    counts.tell("erasure without its roll", begun);
    Ok(())
}
