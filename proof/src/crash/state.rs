//! What a house holds, in words that are the same for every run: no random name, no time.

use std::collections::{BTreeMap, HashMap};

use futures::TryStreamExt as _;
use oubliette_backup::Presence;
use oubliette_core::erasure::certificate::{Claim, Levels};
use oubliette_core::erasure::{Progress, SignedCertificate, Step, StepName};
use oubliette_core::{
    BuildState, DocumentQuery, Envelope, ErasureId, ErrorKind, KeyState, Oubliette, Position, Query,
    Recorded, Result, Series, SnapshotKey, SnapshotKind, Snapshotted,
};
use serde_json::{Value, json};

use super::desk::Account;
use super::place::Parts;
use super::scenario::{PEOPLE, STREAMS, desks, subject};

/// Describes everything that a house holds.
///
/// It is silent about what may differ after a stop: numbers of a step that was run again
/// (`parts_swept`, `forgotten`: what *that* call took away), how often a restored log was noted
/// as such, builds that were begun and never served, and backups that hold no event.
///
/// # Errors
/// Those of the parts.
pub async fn describe(parts: &Parts) -> Result<Value> {
    let house = parts.house().await?;
    let erasures = house.erasures().await?;
    let names = (1..).zip(&erasures).map(|(n, progress)| (progress.erasure, n)).collect();
    Ok(json!({
        "events": events(&house, &names).await?,
        "keys": keys(parts).await?,
        "documents": documents(parts, &house).await?,
        "snapshots": snapshots(parts).await?,
        "erasures": erasures.iter().map(erasure).collect::<Vec<_>>(),
        "ledger": ledger(parts, &names).await?,
        "backups": backups(parts).await?,
    }))
}

type Names = HashMap<ErasureId, usize>;

async fn events(house: &Oubliette, names: &Names) -> Result<Vec<Value>> {
    let sealed: Vec<Vec<Recorded>> = house.log().read(Query::all()).try_collect().await?;
    let opened: Vec<_> = house.read(Query::all()).try_collect().await?;
    let mut events = Vec::new();
    for (sealed, opened) in sealed.iter().flatten().zip(&opened) {
        let mut stream = opened.stream.to_string();
        for (erasure, n) in names {
            stream = stream.replace(&erasure.to_string(), &n.to_string());
        }
        // What the toolkit writes names what is random.
        let json = if opened.stream.is_reserved() { Value::Null } else { opened.json()? };
        events.push(json!({
            "stream": stream,
            "version": opened.version,
            "type": opened.event_type.as_str(),
            "json": json,
            "complete": opened.is_complete(),
            "parts": parts_of(&sealed.envelope),
        }));
    }
    let mut noted = false;
    events.retain(|event| event["type"] != "Restored" || !std::mem::replace(&mut noted, true));
    Ok(events)
}

/// Under how many keys each part is sealed; none where it was scrubbed.
fn parts_of(envelope: &Envelope) -> Vec<Option<usize>> {
    envelope.parts.iter().map(|part| part.as_ref().map(|part| part.owners().count())).collect()
}

async fn keys(parts: &Parts) -> Result<BTreeMap<&'static str, Vec<String>>> {
    let mut keys = BTreeMap::new();
    for who in PEOPLE {
        let records = parts.vault.keys_of(&subject(who)).await?;
        let life = |dead: bool| if dead { "destroyed" } else { "live" };
        let mut states: Vec<_> =
            records.iter().map(|key| format!("{} {}", key.purpose, life(key.destroyed.is_some()))).collect();
        states.sort();
        keys.insert(who, states);
    }
    Ok(keys)
}

async fn documents(parts: &Parts, house: &Oubliette) -> Result<Vec<Value>> {
    let head = house.log().head().await?;
    let mut described = Vec::new();
    for build in parts.documents.builds().await? {
        if !matches!(build.state, BuildState::Served | BuildState::Kept) {
            continue;
        }
        let carried = parts.documents.page(build.id, &DocumentQuery::all()).await?.documents;
        let opened = desks(house, build.version).await?.query(&DocumentQuery::all()).await?.documents;
        let documents = carried.iter().zip(opened).map(|(carried, opened)| {
            Ok(json!({
                "key": carried.key,
                "parts": carried.carried.parts.len(),
                "tokens": carried.tokens.len(),
                "json": opened.json()?,
            }))
        });
        described.push(json!({
            "version": build.version,
            "state": build.state,
            "behind": head.0 - build.position.0,
            "documents": documents.collect::<Result<Vec<_>>>()?,
        }));
    }
    Ok(described)
}

/// Every snapshot: how many events are in it, and whether all of its keys are there.
async fn snapshots(parts: &Parts) -> Result<BTreeMap<String, Vec<Value>>> {
    let aggregates = Series { kind: SnapshotKind::Aggregate, name: Account::NAME.to_owned(), code: 1 };
    let projected = Series { kind: SnapshotKind::Document, name: "desks".to_owned(), code: 1 };
    let keys = STREAMS.iter().map(|id| SnapshotKey { series: aggregates.clone(), id: (*id).to_owned() });
    let documents = STREAMS.iter().chain(&[""]);
    let documents = documents.map(|id| SnapshotKey { series: projected.clone(), id: (*id).to_owned() });
    let mut described = BTreeMap::new();
    for key in keys.chain(documents) {
        let (mut found, mut at_most) = (Vec::new(), Position(u64::MAX));
        while let Some(snapshot) = parts.snapshots.load(&key, at_most).await? {
            let owners = snapshot.sealed.owners();
            let states = parts.vault.find(&owners).await?;
            let opens = states.iter().all(|state| matches!(state, KeyState::Live(_)));
            found.push(json!({ "version": snapshot.version, "keys": owners.len(), "opens": opens }));
            at_most = Position(snapshot.position.0 - 1);
        }
        described.insert(format!("{:?} {}", key.series.kind, key.id), found);
    }
    Ok(described)
}

fn erasure(progress: &Progress) -> Value {
    let done = StepName::ALL.into_iter().filter(|step| progress.at(*step).is_some());
    json!({
        "done": done.map(|step| step.to_string()).collect::<Vec<_>>(),
        "planned": progress.plan(),
        "certificate": progress.certificate().map(certificate),
    })
}

fn certificate(signed: &SignedCertificate) -> Value {
    let certificate = signed.certificate();
    let stores = certificate.stores.iter();
    json!({
        "purpose": certificate.purpose,
        "keys": certificate.keys.len(),
        "verification": certificate.verification,
        "stores": stores.map(|(store, levels)| (store, claims(levels))).collect::<BTreeMap<_, _>>(),
        "backups": certificate.backups.len(),
        "promise": certificate.promise,
    })
}

fn claims(Levels { a, b, c, d }: &Levels) -> [&'static str; 4] {
    [a, b, c, d].map(|claim| match claim {
        Claim::Holds { .. } => "holds",
        Claim::Pending { .. } => "pending",
        Claim::NotClaimed { .. } => "not claimed",
    })
}

/// The steps in the ledger, of each erasure. A certificate that was signed anew for some of the
/// stores, before it was signed for all, does not count: one that says nothing new does.
async fn ledger(parts: &Parts, names: &Names) -> Result<BTreeMap<usize, Vec<String>>> {
    let mut steps: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut settled = HashMap::new();
    for entry in parts.ledger.entries().await? {
        let steps = steps.entry(names[&entry.erasure]).or_default();
        if let Step::Settled(signed) = &entry.step {
            let before = settled.insert(entry.erasure, certificate(signed));
            if before.is_some_and(|before| before != certificate(signed)) {
                continue;
            }
        }
        steps.push(entry.step.name().to_string());
    }
    Ok(steps)
}

async fn backups(parts: &Parts) -> Result<Value> {
    let listed = parts.backups().list().await?;
    let whole = listed.iter().all(|backup| backup.presence == Presence::Whole);
    let verified = match parts.backups().verify(None, None, &|_| {}).await {
        Ok(verified) => verified.is_whole(),
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let held: Vec<u64> = listed.iter().map(|backup| backup.events).filter(|events| *events > 0).collect();
    let through = listed.iter().map(|backup| backup.record.through).max();
    Ok(json!({ "events": held, "through": through, "whole": whole && verified }))
}

/// Where two descriptions differ, one line a place.
pub fn differences(is: &Value, should: &Value) -> Vec<String> {
    fn walk(at: &str, is: &Value, should: &Value, found: &mut Vec<String>) {
        let below = |key: &dyn std::fmt::Display| format!("{at}/{key}");
        match (is, should) {
            (Value::Object(are), Value::Object(shoulds)) => {
                for key in are.keys().chain(shoulds.keys().filter(|key| !are.contains_key(*key))) {
                    walk(&below(key), &is[key], &should[key], found);
                }
            }
            (Value::Array(are), Value::Array(shoulds)) if are.len() == shoulds.len() => {
                for (n, (is, should)) in are.iter().zip(shoulds).enumerate() {
                    walk(&below(&n), is, should, found);
                }
            }
            _ if is == should => {}
            _ => {
                let mut line = format!("{at}: there is {is}, and should be {should}");
                line.truncate(line.floor_char_boundary(1_000));
                found.push(line);
            }
        }
    }
    let mut found = Vec::new();
    walk("", is, should, &mut found);
    found
}
