//! The `Debug` of every public type that holds or touches data, with data in it.

mod types;

use std::sync::Arc;

use futures::TryStreamExt;
use oubliette_core::aggregate::{Failure, Loaded};
use oubliette_core::ledger::Ledger;
use oubliette_core::seal::{Place, open};
use oubliette_core::{
    AsOf, Batch, Changes, DocumentChanges, DocumentQuery, Draft, EventType, Expect, Ownership, Page,
    PastState, Personal, PersonalField, Position, ProjectionOptions, Projections, Query, Restored,
    StreamDrafts, Target, View, ViewEvent,
};
use serde_json::json;

pub use self::types::{SHOWN, WITHOUT_DATA};
use super::ciphertext::Sealed;
use super::story::{Account, Brought, Member, POLICY, Story, Told};
use crate::capture::Capture;
use crate::sample::{self, CONTRACT, stream, subject};

/// Shows every one of them once, while everybody's keys live.
pub(super) async fn shown(story: &Story, capture: &Capture) {
    let person = &story.cast.people[0];
    let who = subject(person.id);
    let house = &story.house;
    let all = DocumentQuery::all();
    let recorded = sample::read(&**house.log(), Query::stream(stream(person.id))).await;
    let events: Vec<_> =
        house.read(Query::stream(stream(person.id))).try_collect().await.expect("events are read");
    let envelope = recorded[0].envelope.clone();
    let batch = Batch::one(stream("shown"), Expect::Any, vec![envelope.clone()]);
    let Told::Joined { name, .. } = events[0].data().expect("an event is read") else {
        panic!("another event")
    };
    capture.debug("Event", &events);
    capture.debug("Recorded", &recorded);
    capture.debug("Envelope", &envelope);
    capture.debug("StreamBatch", &batch.streams);
    capture.debug("Batch", &batch);
    capture.debug("Query", &Query::all());
    capture.debug("Personal", &name);
    capture.debug("Reading", &name.reading());
    capture.debug("Failure", &Failure::Refused(name.clone()));
    capture.debug("Loaded", &Loaded { state: name.clone(), version: recorded[0].version });
    let end = Position(1 << 40);
    let restored = Restored { events: recorded.clone(), through: end, until: end, dropped: Vec::new() };
    capture.debug("Restored", &restored);
    let page = Page { after: Position::ZERO, events, through: end, skipped: Vec::new() };
    capture.debug("Page", &page);
    drafts(person, capture);
    let appended = house.append(stream("shown"), Expect::New, story.says_again()).await;
    capture.debug("Appended", &appended);

    // Keys and what they seal.
    let sealed = story.in_stores().await;
    let ring = story.ring(&sealed).await;
    let keys: Vec<_> = ring.keys().collect();
    let states = house.vault().find(&[keys[0].id()]).await.expect("a vault can be asked");
    let records = house.vault().keys_of(&who).await.expect("a vault can be asked");
    capture.debug("Key", &keys);
    capture.debug("KeyState", &states);
    capture.debug("KeyRecord", &records);
    capture.debug("Fingerprint", &keys[0].fingerprint());
    capture.debug("Scope", &keys[0].scope());
    capture.debug("Ownership", &Ownership::new([who.clone()], CONTRACT));
    capture.debug("Target", &Target::Subject(who.clone()));
    for it in &sealed {
        match &it.sealed {
            Sealed::Part { stream, event, number, part } => {
                let place = Place { stream, event: *event, part: *number };
                let ids: Vec<_> = part.owners().collect();
                let states = house.vault().find(&ids).await.expect("a vault can be asked");
                capture.debug("SealedPart", part);
                capture.debug("seal::Unsealed", &open(place, part, &states));
            }
            Sealed::State { state, .. } => capture.debug("SealedState", state),
        }
    }
    let snapshots = story.in_snapshots().await;
    capture.debug("Snapshot", &snapshots);
    capture.debug("SnapshotKey", &snapshots[0].key);
    derived(story, &all, capture).await;

    // Aliases.
    capture.debug("alias::Alias", &house.vault().aliases().await.expect("aliases are listed"));
    let namings = story.cast.claims();
    capture.debug("alias::AliasName", &namings[0].aliases);
    capture.debug("alias::Naming", &namings);

    // Who runs it, and what it stands on.
    capture.debug("Oubliette", house);
    capture.debug("Builder", &story.again().await);
    let parts =
        (story.parts.log.open().await, story.parts.vault.open().await, story.parts.documents.open().await);
    let rest = (story.parts.snapshots.open().await, story.parts.target.open().await, &story.backups);
    capture.debug("the parts of the house", &(parts, rest));
}

/// What an erasure leaves behind.
pub(super) async fn shown_after(story: &Story, capture: &Capture) {
    let signed = story.erase().await;
    capture.debug("erasure::SignedCertificate", &signed);
    capture.debug("erasure::Progress", &story.house.erasures().await.expect("a ledger can be read"));
    capture.debug("ledger::Entry", &story.parts.ledger.entries().await.expect("a ledger can be read"));
    let erasures = story.house.vault().erasures(oubliette_core::Sequence::ZERO).await;
    capture.debug("Erasure", &erasures.expect("erasures are listed"));
}

fn drafts(person: &super::story::Person, capture: &Capture) {
    let field = PersonalField {
        pointer: "/name".to_owned(),
        ownership: Ownership::new([subject(person.id)], CONTRACT),
        null: json!(null),
    };
    let event = json!({ "type": "Joined", "name": person.name });
    let fields = [field];
    let event_type = EventType::new("Joined").expect("a name");
    let draft = Draft::from_json(event_type, event, &fields).expect("an event is drafted");
    capture.debug("PersonalField", &fields);
    capture.debug("Draft", &draft);
    capture.debug(
        "StreamDrafts",
        &StreamDrafts { stream: stream("shown"), expect: Expect::Any, drafts: vec![draft] },
    );
}

async fn derived(story: &Story, all: &DocumentQuery, capture: &Capture) {
    let answer = story.projection.query(all).await.expect("documents are read");
    capture.debug("DocumentView", &answer.documents[0]);
    capture.debug("Answer", &answer);
    let builds = story.projection.builds().await.expect("builds are listed");
    let served = story.served().await;
    capture.debug("Document", &served);
    capture.debug("Carried", &served[0].carried);
    capture.debug("CarriedPart", &served[0].carried.parts);
    capture.debug("Slot", &served[0].carried.slots);
    capture.debug("Token", &served[0].tokens);
    let put = served.clone();
    capture.debug("DocumentChanges", &DocumentChanges { put, ..DocumentChanges::default() });
    let store = story.parts.documents.open().await;
    capture.debug("DocumentPage", &store.page(builds[0].id, all).await);
    capture.debug("DocumentQuery", &all);
    capture.debug("Build", &builds);
    capture.debug("Projection", &story.projection);
    capture.debug("Check", &story.projection.check().await.expect("a projection is checked"));
    let past = story.projection.as_of(AsOf::Position(Position(9))).await.expect("the past is read");
    capture.debug("Past", &past);
    past.end().await.expect("the past is ended");
    let projections = Projections::new(&story.house, [Arc::new(story.projection.clone()) as _]);
    capture.debug("Standing", &projections.standings().await.expect("standings are told"));
    capture.debug("Projections", &projections);
    let accounts = story.house.aggregates::<Account>(POLICY).expect("there are snapshots");
    let id = stream(story.cast.people[0].id);
    let past = accounts.as_of(&id, AsOf::Position(Position(99))).await.expect("the past is read");
    let PastState { state, code, version, position, complete, gone } = past;
    capture.debug("PastState", &PastState { state: state.name, code, version, position, complete, gone });
    capture.debug("Aggregates", &accounts);
    capture.debug("Lookup", &View::lookups(&super::story::Members));

    // Inside a view.
    let told = capture.clone();
    let watching = Brought("watching", move |event: &ViewEvent<'_>, changes: &mut Changes<Member>| {
        if let Told::Joined { id, name, .. } = event.data()? {
            told.debug("Personal", &name);
            told.debug("Reading", &name.reading());
            changes.update(id, move |member| member.name = Some(name))?;
        }
        told.debug("ViewEvent", event);
        told.debug("Changes", changes);
        Ok(())
    });
    let watching = story.house.projection(watching, ProjectionOptions::default()).await.expect("it opens");
    watching.catch_up().await.expect("it follows");
}

/// A personal value as a program has it.
pub(super) fn personal(story: &Story) -> Personal<String> {
    Personal::new(&subject(story.cast.people[0].id), CONTRACT, story.cast.people[0].name.clone())
}
