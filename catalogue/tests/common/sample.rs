//! The events of examples/github.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use oubliette_catalogue::{AliasIndex, Catalogue, Found};
use oubliette_core::memory::{MemoryLedger, MemoryLog, MemoryVault};
use oubliette_core::{Builder, Draft, EventType, Expect, KeyVault, Oubliette, StreamDrafts, StreamId};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub struct Line {
    pub stream: StreamId,
    #[serde(rename = "type")]
    pub event_type: EventType,
    pub data: Value,
}

pub struct Sample {
    pub catalogue: Catalogue,
    pub lines: Vec<Line>,
    pub found: Vec<Found>,
    pub vault: MemoryVault,
    pub aliases: AliasIndex,
}

pub fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/github");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

impl Sample {
    /// Reads the sample, and learns every alias in it.
    pub async fn read() -> Self {
        let catalogue = Catalogue::parse("catalogue.toml", &file("catalogue.toml")).unwrap();
        let lines: Vec<Line> =
            file("events.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let found: Vec<_> =
            lines.iter().map(|line| catalogue.survey(&line.event_type, &line.data).unwrap()).collect();
        let mut seen = HashSet::new();
        let namings = found.iter().flat_map(Found::namings).filter(|naming| seen.insert(naming.clone()));
        let namings: Vec<_> = namings.collect();
        let vault = MemoryVault::new().unwrap();
        let mut aliases = AliasIndex::new();
        aliases.extend(&namings, &vault.name(&namings).await.unwrap()).unwrap();
        Self { catalogue, lines, found, vault, aliases }
    }

    pub fn drafts(&self) -> impl Iterator<Item = (&Line, Draft)> {
        self.lines.iter().zip(&self.found).map(|(line, found)| {
            let (event_type, data) = (line.event_type.clone(), line.data.clone());
            (line, self.catalogue.draft(event_type, data, found, &self.aliases).unwrap())
        })
    }

    pub fn builder(&self) -> Builder {
        let vault = Arc::new(self.vault.clone());
        Oubliette::builder(Arc::new(MemoryLog::new()), vault, Arc::new(MemoryLedger::new()))
    }

    pub async fn append(&self, house: &Oubliette) {
        for (line, draft) in self.drafts() {
            let stream =
                StreamDrafts { stream: line.stream.clone(), expect: Expect::Any, drafts: vec![draft] };
            house.append_drafts(vec![stream]).await.unwrap();
        }
    }
}
