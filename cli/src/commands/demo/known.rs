//! What is known before a person is forgotten.

use std::collections::{BTreeSet, HashSet};

use futures::TryStreamExt as _;
use oubliette::{KeyId, Query, SubjectId};

use crate::commands::read::json_line;
use crate::dir::Dir;
use crate::exit::Exit;
use crate::search::differences;

/// What is known before a person is forgotten.
pub(super) struct Known {
    /// The keys that will go.
    pub(super) keys: Vec<KeyId>,
    /// Every event, as a line.
    pub(super) lines: Vec<String>,
    /// Every event as it must read afterwards: theirs null, all else to the byte.
    pub(super) expected: Vec<String>,
    /// Their values: where the first of each stands, and the text.
    pub(super) values: Vec<(String, String)>,
}

impl Known {
    pub(super) async fn read(dir: &Dir, subject: &SubjectId) -> Result<Self, Exit> {
        let records = dir.house.vault().keys_of(subject).await?;
        let keys: Vec<KeyId> = records.iter().map(|key| key.id).collect();
        let dead: HashSet<KeyId> = keys.iter().copied().collect();
        let mut known = Self { keys, lines: Vec::new(), expected: Vec::new(), values: Vec::new() };
        let mut seen = BTreeSet::new();
        let mut events = dir.house.read(Query::all());
        while let Some(event) = events.try_next().await? {
            if event.stream.is_system() {
                continue;
            }
            let (now, then) = (event.json()?, event.json_without(&dead)?);
            let place = format!("{}", event.event_type);
            differences(&now, &then, &mut String::new(), &mut |pointer, text| {
                if seen.insert(text.to_owned()) {
                    known.values.push((format!("{place} {pointer}"), text.to_owned()));
                }
            });
            known.lines.push(json_line(&event, now)?);
            known.expected.push(json_line(&event, then)?);
        }
        Ok(known)
    }

    pub(super) fn changed(&self) -> usize {
        self.lines.iter().zip(&self.expected).filter(|(now, then)| now != then).count()
    }
}
