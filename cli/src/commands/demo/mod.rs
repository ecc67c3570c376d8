//! `oubliette demo`: the whole way on real events, and the proof of each claim.

mod proof;
mod search;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::TryStreamExt as _;
use oubliette::catalogue::Catalogue;
use oubliette::erasure::SignedCertificate;
use oubliette::sqlite::SqliteLog;
use oubliette::{KeyId, KeyState, Query, SubjectId, Target};
use serde_json::{Value, json};

use self::proof::Proof;
use self::search::Search;
use crate::args::Demo;
use crate::commands::import::{Events, Passes};
use crate::commands::read::json_line;
use crate::dir::Dir;
use crate::exit::{Exit, FAILED, INPUT};
use crate::master::Source;
use crate::output::Output;

const EVENTS: &str = include_str!("../../../../examples/github/events.jsonl");
const CATALOGUE: &str = include_str!("../../../../examples/github/catalogue.toml");
/// So many of a person's values are shown.
const SHOWN: usize = 12;

pub(crate) async fn run(args: Demo, output: &Output) -> Result<(), Exit> {
    let root = match args.dir {
        Some(root) => root,
        None => tempfile::Builder::new()
            .prefix("oubliette-demo-")
            .tempdir()
            .map_err(|error| Exit::failed("cannot make a temporary directory", &error))?
            .keep(),
    };
    let subject = SubjectId::new(&args.subject)?;
    let dir = Dir::create(&root, Source::File { path: "vault/master.key".into() }).await?;
    let imported = import(&dir, output).await?;
    output.say(&format!(
        "Imported {imported} real events (GitHub webhook deliveries) into {}.\n",
        root.display()
    ))?;

    let before = Known::read(&dir, &subject).await?;
    if before.values.is_empty() {
        return Err(Exit::new(INPUT, format!("the events hold nothing about subject {subject}"))
            .next("choose a subject of the events, such as 21031067"));
    }
    show(&before, &subject, output)?;
    let old_copy = copy_log(&root)?;
    let aliases: Vec<String> = known_aliases(&dir).await?;

    let mut proof = Proof::default();
    let search = Search::new(&before.values, &aliases)?;
    search.control(&root, &mut proof)?;
    search.nothing_of_anyone(&root, "before anything was forgotten", &mut proof)?;

    let certificate = dir.house.erase(&subject).await?;
    let path = dir.keep(&certificate)?;
    drop(dir);
    output.say(&format!("\nForgot {subject}. Read again, from the directory opened anew:\n"))?;

    let dir = Dir::open(&root).await?;
    forgotten(&dir, &before, &subject, &mut proof).await?;
    an_old_copy_forgets(&dir, &root, &old_copy, &before, &mut proof).await?;
    search.nothing_of_anyone(&root, "after", &mut proof)?;
    verified(&path, &certificate, &mut proof)?;
    proof.conclude(&path, &root, output)
}

async fn import(dir: &Dir, output: &Output) -> Result<u64, Exit> {
    let catalogue = Catalogue::parse("examples/github/catalogue.toml", CATALOGUE)?;
    let lines = EVENTS.lines().enumerate().map(|(n, line)| (n as u64 + 1, line.as_bytes().to_vec()));
    let mut events = Events::Window(lines.collect());
    let mut passes = Passes::new(dir, &catalogue, output, 500).await?;
    passes.prepare(&mut events, None).await?;
    dir.keep_catalogue(CATALOGUE)?;
    Ok(passes.append(&mut events, None).await?.events)
}

/// What is known before a person is forgotten.
struct Known {
    /// The keys that will go.
    keys: Vec<KeyId>,
    /// Every event, as a line.
    lines: Vec<String>,
    /// Every event as it must read afterwards: theirs null, all else to the byte.
    expected: Vec<String>,
    /// Their values: where the first of each stands, and the text.
    values: Vec<(String, String)>,
}

impl Known {
    async fn read(dir: &Dir, subject: &SubjectId) -> Result<Self, Exit> {
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

    fn changed(&self) -> usize {
        self.lines.iter().zip(&self.expected).filter(|(now, then)| now != then).count()
    }
}

/// The strings of `now` that read otherwise in `then`.
fn differences(now: &Value, then: &Value, path: &mut String, found: &mut impl FnMut(&str, &str)) {
    if now == then {
        return;
    }
    let len = path.len();
    match (now, then) {
        (Value::String(text), _) => found(path, text),
        (Value::Object(fields), Value::Object(_)) => {
            for (name, value) in fields {
                path.push_str(&format!("/{name}"));
                differences(value, then.get(name).unwrap_or(&Value::Null), path, found);
                path.truncate(len);
            }
        }
        (Value::Array(values), Value::Array(_)) => {
            for (n, value) in values.iter().enumerate() {
                path.push_str(&format!("/{n}"));
                differences(value, then.get(n).unwrap_or(&Value::Null), path, found);
                path.truncate(len);
            }
        }
        // A whole object or list was sealed as one value.
        (Value::Object(fields), _) => {
            fields.values().for_each(|value| differences(value, &Value::Null, path, found));
        }
        (Value::Array(values), _) => {
            values.iter().for_each(|value| differences(value, &Value::Null, path, found));
        }
        (Value::Null | Value::Bool(_) | Value::Number(_), _) => {}
    }
}

fn show(before: &Known, subject: &SubjectId, output: &Output) -> Result<(), Exit> {
    output.say(&format!(
        "Subject {subject}: {} distinct texts of theirs, in {} of {} events. Read from the log:",
        before.values.len(),
        before.changed(),
        before.lines.len()
    ))?;
    for (place, text) in before.values.iter().take(SHOWN) {
        let short: String = text.chars().take(70).collect();
        output.say(&format!("  {place} = {short}"))?;
    }
    Ok(())
}

async fn known_aliases(dir: &Dir) -> Result<Vec<String>, Exit> {
    let aliases = dir.house.vault().aliases().await?;
    Ok(aliases.iter().map(|alias| alias.name.text().to_owned()).collect())
}

/// The same events read again, and the vault asked for the keys.
async fn forgotten(dir: &Dir, before: &Known, subject: &SubjectId, proof: &mut Proof) -> Result<(), Exit> {
    let after = lines(dir.house.read(Query::all())).await?;
    let wrong = after.iter().zip(&before.expected).filter(|(is, should)| is != should).count();
    proof.claim(
        "their values read as null objects, and everyone else's are unchanged to the byte",
        wrong == 0 && after.len() == before.expected.len() && before.changed() > 0,
        format!(
            "{} events read again, {} of them with null objects, {wrong} not as expected",
            after.len(),
            before.changed()
        ),
    );
    let states = dir.house.vault().find(&before.keys).await?;
    let destroyed = states.iter().filter(|state| matches!(state, KeyState::Destroyed(_))).count();
    let alive = dir.house.footprint(&Target::Subject(subject.clone())).await?.keys();
    proof.claim(
        "the vault holds no key of theirs",
        destroyed == before.keys.len() && alive == 0,
        format!("{destroyed} of {} keys destroyed, {alive} alive", before.keys.len()),
    );
    Ok(())
}

/// A copy of the log from before reads as null objects too: that is what sealing is for.
async fn an_old_copy_forgets(
    dir: &Dir,
    root: &Path,
    old_copy: &Path,
    before: &Known,
    proof: &mut Proof,
) -> Result<(), Exit> {
    let log = Arc::new(SqliteLog::open(old_copy.join("log.db")).await?);
    let ledger = oubliette::local::LocalLedger::open(root.join("ledger/ledger.jsonl")).await?;
    let copy =
        oubliette::Oubliette::builder(log, dir.house.vault().clone(), Arc::new(ledger)).build().await?;
    let after = lines(copy.read(Query::all())).await?;
    let wrong = after.iter().zip(&before.expected).filter(|(is, should)| is != should).count();
    proof.claim(
        "a copy of the log from before the erasure forgets as well",
        wrong == 0 && after.len() == before.expected.len(),
        format!("{} events of the old copy read, {wrong} not as expected", after.len()),
    );
    drop(copy);
    std::fs::remove_dir_all(old_copy).map_err(|error| Exit::failed("cannot take the old copy away", &error))
}

async fn lines(mut events: oubliette::EventStream) -> Result<Vec<String>, Exit> {
    let mut lines = Vec::new();
    while let Some(event) = events.try_next().await? {
        if !event.stream.is_system() {
            lines.push(json_line(&event, event.json()?)?);
        }
    }
    Ok(lines)
}

fn copy_log(root: &Path) -> Result<PathBuf, Exit> {
    let copy = || {
        let folder = tempfile::Builder::new().prefix("oubliette-old-copy-").tempdir()?.keep();
        for entry in std::fs::read_dir(root.join("log"))? {
            let entry = entry?;
            std::fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
        Ok::<_, std::io::Error>(folder)
    };
    copy().map_err(|error| Exit::new(FAILED, format!("cannot copy the log: {error}")))
}

fn verified(path: &Path, certificate: &SignedCertificate, proof: &mut Proof) -> Result<(), Exit> {
    let file = std::fs::read(path).map_err(|error| Exit::failed("cannot read the certificate", &error))?;
    let valid = SignedCertificate::verify(&file).is_ok_and(|read| read == *certificate);
    let forged = String::from_utf8_lossy(&file).replacen("\"keys_alive\": 0", "\"keys_alive\": 1", 1);
    let refused = SignedCertificate::verify(forged.as_bytes())
        .is_err_and(|error| error.kind() == oubliette::ErrorKind::Corrupt);
    proof.claim(
        "the certificate is signed, and a changed one is refused",
        valid && refused,
        json!({ "valid": valid, "forged_refused": refused }).to_string(),
    );
    Ok(())
}
