//! A shop, its people, and a view of them.

use std::collections::BTreeMap;

use oubliette_core::{
    Build, BuildState, Changes, DocumentKey, DocumentQuery, Documents as _, Expect, Lookup, Oubliette,
    Personal, Projection, ProjectionOptions, Result, View, ViewEvent,
};
use serde::{Deserialize, Serialize};

use crate::support::{CONTRACT, MARKETING, Parts, subject};

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Shop {
    Registered { id: String, name: Personal<String>, email: Personal<String> },
    Ordered { id: String, article: String },
    Thanked { by: String, id: String, name: Personal<String>, from: Personal<String> },
    Left { id: String },
}

pub(crate) fn registered(who: &str) -> Shop {
    Shop::Registered {
        id: who.to_owned(),
        name: Personal::new(&subject(who), CONTRACT, format!("name of {who}")),
        email: Personal::new(&subject(who), MARKETING, format!("{who}@example.org")),
    }
}

pub(crate) fn ordered(who: &str, article: &str) -> Shop {
    Shop::Ordered { id: who.to_owned(), article: article.to_owned() }
}

pub(crate) fn thanked(by: &str, who: &str) -> Shop {
    Shop::Thanked {
        by: by.to_owned(),
        id: who.to_owned(),
        name: Personal::new(&subject(who), CONTRACT, format!("dear {who}")),
        from: Personal::new(&subject(by), CONTRACT, format!("yours, {by}")),
    }
}

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) name: Option<Personal<String>>,
    pub(crate) email: Option<Personal<String>>,
    pub(crate) orders: u64,
    pub(crate) articles: BTreeMap<String, u64>,
    /// Of other people, in this person's document.
    pub(crate) thanks: Vec<Personal<String>>,
}

/// People, by id.
#[derive(Debug)]
pub(crate) struct People(pub(crate) u32);

impl View for People {
    type Document = Person;

    fn name(&self) -> &str {
        "people"
    }

    fn version(&self) -> u32 {
        self.0
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::identifier("email", "/email")]
    }

    fn start(&self) -> Person {
        Person::default()
    }

    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Person>) -> Result<()> {
        match event.data()? {
            Shop::Registered { id, name, email } => changes.update(id, move |person| {
                person.name = Some(name);
                person.email = Some(email);
            }),
            Shop::Ordered { id, article } => changes.update(id, move |person| {
                person.orders += 1;
                *person.articles.entry(article).or_default() += 1;
            }),
            Shop::Thanked { id, from, .. } => changes.update(id, move |person| person.thanks.push(from)),
            Shop::Left { id } => changes.remove(id),
        }
    }
}

pub(crate) async fn people(house: &Oubliette, version: u32) -> Projection<People> {
    house.projection(People(version), ProjectionOptions::default()).await.unwrap()
}

pub(crate) async fn shop(house: &Oubliette, events: impl IntoIterator<Item = Shop>) {
    house.append("shop", Expect::Any, events).await.unwrap();
}

pub(crate) fn key(text: &str) -> DocumentKey {
    DocumentKey::new(text).unwrap()
}

pub(crate) async fn person(projection: &Projection<People>, id: &str) -> Person {
    projection.get(&key(id)).await.unwrap().unwrap().data().unwrap()
}

/// Every stored byte of a build, but for what is no part of its content.
pub(crate) async fn stored(parts: &Parts, build: &Build) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let page = parts.documents.page(build.id, &DocumentQuery::all().limit(1000)).await.unwrap();
    let bytes = page.documents.into_iter().map(|document| {
        (document.key.to_string(), document.open.clone(), document.carried.encode().unwrap())
    });
    bytes.collect()
}

pub(crate) async fn served(projection: &Projection<impl View>) -> Build {
    let builds = projection.builds().await.unwrap();
    builds.into_iter().find(|build| build.state == BuildState::Served).unwrap()
}
