//! What a program reads in a house: events, documents, and aggregates.

use std::collections::HashSet;

use futures::TryStreamExt;
use oubliette_core::{DocumentQuery, KeyId, Oubliette, Projection, Query, Result};
use serde_json::Value;

use super::{Account, Cast, Members, POLICY, Story};
use crate::sample::stream;

/// Everything that a program reads, in the order in which it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    /// The events of the story, each with its stream.
    pub(crate) events: Vec<(String, Value)>,
    /// The documents, each with its key.
    pub(crate) documents: Vec<(String, Value)>,
    /// The aggregates: what they openly say of somebody.
    pub(crate) greetings: Vec<String>,
}

impl Reading {
    /// Everything as one text.
    pub(crate) fn text(&self) -> String {
        let events = self.events.iter().chain(&self.documents).map(|(name, value)| (name, strings(value)));
        let lines = events.map(|(name, strings)| format!("{name}: {}", strings.join("\n")));
        lines.chain(self.greetings.iter().cloned()).collect::<Vec<_>>().join("\n")
    }
}

impl Story {
    /// What a program reads that was running all the time.
    pub(crate) async fn read(&self) -> Reading {
        read(&self.house, &self.projection, &self.cast).await.expect("a house can be read")
    }
}

/// What a program reads in a house, of the people of the story.
pub(crate) async fn read(
    house: &Oubliette,
    projection: &Projection<Members>,
    cast: &Cast,
) -> Result<Reading> {
    let documents = projection.query(&DocumentQuery::all()).await?.documents;
    let documents = documents.iter().map(|document| Ok((document.key.to_string(), document.json()?)));
    let accounts = house.aggregates::<Account>(POLICY)?;
    let mut greetings = Vec::new();
    for person in &cast.people {
        greetings.push(accounts.load(&stream(person.id)).await?.state.greeting);
    }
    Ok(Reading {
        events: events(house, &HashSet::new()).await?,
        documents: documents.collect::<Result<_>>()?,
        greetings,
    })
}

/// The events of the story as they read once these keys are destroyed, in pages of a few.
pub(crate) async fn events(house: &Oubliette, dead: &HashSet<KeyId>) -> Result<Vec<(String, Value)>> {
    let events: Vec<_> = house.read(Query::all().page(7)).try_collect().await?;
    let told = events.iter().filter(|event| !event.stream.is_system());
    told.map(|event| Ok((event.stream.to_string(), event.json_without(dead)?))).collect()
}

/// Every text in a value, names of fields too.
pub(crate) fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| [vec![name.as_str()], strings(value)].concat());
            fields.flatten().collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
