//! A house that fails, in every way that a program meets.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use oubliette_core::seal::{Place, open};
use oubliette_core::{
    Changes, DocumentKey, DocumentQuery, Error, ErrorKind, Expect, Personal, ProjectionOptions, Query,
    Result, StreamId, ViewEvent,
};
use serde::Serialize;

use super::debug::personal;
use super::story::{Brought, Member, Story, Told};
use crate::sample::{self, stream};

/// An event that says openly what it also seals.
#[derive(Serialize)]
#[serde(tag = "type")]
enum Careless {
    Told { name: Personal<String>, copy: String },
}

/// Makes the house fail in every way that a program meets, with personal values at hand.
pub(super) async fn errors(story: &Story) -> Vec<(String, String)> {
    let person = &story.cast.people[0];
    let who = stream(person.id);
    let name = || personal(story);
    let mut errors = Vec::new();
    let mut push = |result: Result<()>| {
        if let Err(error) = result {
            errors.push((format!("{:?}", error.kind()), told_by(&error)));
        }
    };
    let house = &story.house;
    push(house.append(who.clone(), Expect::New, story.says_again()).await.map(drop));
    push(house.append(who.clone(), Expect::Any, story.says_again()).await.map(drop));
    let copy = format!("Dear {}", person.name);
    push(house.append(who.clone(), Expect::Any, [Careless::Told { name: name(), copy }]).await.map(drop));
    push(house.append(who.clone(), Expect::Any, Vec::<Told>::new()).await.map(drop));
    push(house.append(who.clone(), Expect::Any, [person.name.clone()]).await.map(drop));
    push(StreamId::new(format!("{}\n", person.name)).map(drop));
    push(DocumentKey::new("").map(drop));
    let events: Vec<_> = house.read(Query::stream(who)).try_collect().await.expect("events are read");
    push(events[0].data::<Vec<String>>().map(drop));
    push(events[0].data::<BTreeMap<String, u64>>().map(drop));
    let documents =
        story.projection.query(&DocumentQuery::all()).await.expect("documents are read").documents;
    push(documents[0].data::<Vec<String>>().map(drop));
    push(story.projection.find("no such lookup", &person.name, &DocumentQuery::all()).await.map(drop));
    push(house.vault().name(&story.cast.claims()).await.map(drop));
    push(careless(story).await);
    let log = house.log();
    let first =
        sample::read(&**log, Query::stream(stream(story.cast.neighbour().id)).limit(1)).await.remove(0);
    let place = Place { stream: &first.stream, event: first.envelope.id, part: 9 };
    let part = first.envelope.parts[0].clone().expect("it has a part");
    let owners: Vec<_> = part.owners().collect();
    let states = house.vault().find(&owners).await.expect("a vault can be asked");
    push(open(place, &part, &states).map(drop));
    push(log.drop_stream(&stream("never")).await.map(drop));
    if let Err(error) = serde_json::to_string(&name()) {
        errors.push(("serde".to_owned(), format!("{error} {error:?} {error:#?}")));
    }
    errors
}

/// Everything that an error tells, with what caused it.
fn told_by(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(|error| format!("{error} {error:?} {error:#?} {error:#}")).collect::<Vec<_>>().join("\n")
}

/// The error of a view that copies what it should not, and its fault as it is recorded.
async fn careless(story: &Story) -> Result<()> {
    let copy = story.cast.people[1].name.clone();
    let copying = Brought("copying", move |event: &ViewEvent<'_>, changes: &mut Changes<Member>| {
        let Told::Joined { id, name, .. } = event.data()? else { return Ok(()) };
        let copy = copy.clone();
        changes.update(id, move |member| {
            member.name = Some(name);
            member.bought.insert(copy, 1);
        })
    });
    let projection = story.house.projection(copying, ProjectionOptions::default()).await?;
    let stands = projection.catch_up().await.map(drop);
    let faults = projection.builds().await?.into_iter().filter_map(|build| build.fault);
    let faults: Vec<String> = faults.map(|fault| fault.error).collect();
    stands.map_err(|error| error.caused_by(Error::new(ErrorKind::Residue, "fault", faults.join("; "))))
}
