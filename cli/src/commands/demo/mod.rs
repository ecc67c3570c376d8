//! `oubliette demo`: the whole way on real events, and the proof of each claim.

mod derived;
mod elsewhere;
mod known;
mod proof;
mod restored;
mod swept;

use std::collections::BTreeSet;
use std::path::Path;

use futures::TryStreamExt as _;
use oubliette::catalogue::Catalogue;
use oubliette::erasure::SignedCertificate;
use oubliette::scan::Form;
use oubliette::{KeyState, Query, SubjectId, Target};
use serde_json::json;

use self::derived::Derived;
use self::known::Known;
use self::proof::Proof;
use self::swept::Ciphertext;
use crate::args::{Demo, Roots};
use crate::commands::import::{Events, Passes};
use crate::commands::read::json_line;
use crate::dir::Dir;
use crate::exit::{Exit, INPUT};
use crate::master::Source;
use crate::output::Output;
use crate::search::{self, Search, field_names};

const EVENTS: &str = include_str!("../../../../examples/github/events.jsonl");
const CATALOGUE: &str = include_str!("../../../../examples/github/catalogue.toml");
/// So many of a person's values are shown.
const SHOWN: usize = 12;

pub(crate) async fn run(args: Demo, output: &Output) -> Result<(), Exit> {
    let root = match &args.dir {
        Some(root) => root.clone(),
        None => tempfile::Builder::new()
            .prefix("oubliette-demo-")
            .tempdir()
            .map_err(|error| Exit::failed("cannot make a temporary directory", &error))?
            .keep(),
    };
    let subject = SubjectId::new(&args.subject)?;
    let stores = elsewhere::stores(&args, &root)?;
    let master_key = Source::File { path: "vault/master.key".into() };
    let dir = Dir::create(&root, master_key, stores.clone(), None, Roots::default()).await?;
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
    let derived = Derived::make(&dir, &subject, output).await?;
    let aliases: Vec<String> = known_aliases(&dir).await?;

    let mut proof = Proof::default();
    let search = search(&before, &aliases)?;
    can_fail(&root, &mut proof)?;
    nothing_of_anyone(&search, &dir, "before anything was forgotten", &mut proof).await?;

    let ciphertext = Ciphertext::find(&dir, &before.keys).await?;
    let path = dir.keep(&dir.house.erase(&subject).await?)?;
    drop(dir);
    output.say(&format!("\nForgot {subject}. Read again, from the directory opened anew:\n"))?;

    let dir = Dir::open(&root).await?;
    forgotten(&dir, &before, &subject, &mut proof).await?;
    ciphertext.goes(&dir, &mut proof).await?;
    let certificate = dir.house.erase(&subject).await?;
    derived.forgets(&dir, &mut proof).await?;
    restored::forgets(&dir, &before, &mut proof, output).await?;
    nothing_of_anyone(&search, &dir, "after", &mut proof).await?;
    verified(&path, &certificate, &mut proof)?;
    proof.conclude(&path, &root, output)?;
    drop(dir);
    elsewhere::clear(&stores, &root).await
}

/// Looks for the values of the person, and for every alias of anyone.
fn search(before: &Known, aliases: &[String]) -> Result<Search, Exit> {
    let mut fields = BTreeSet::new();
    for line in EVENTS.lines() {
        let event =
            serde_json::from_str(line).map_err(|error| Exit::failed("the sample is damaged", &error))?;
        field_names(&event, &mut fields);
    }
    let texts = before.values.iter().map(|(_, text)| text).chain(aliases);
    Search::new(texts.map(String::as_str), &fields)
}

fn can_fail(root: &Path, proof: &mut Proof) -> Result<(), Exit> {
    let (with, all, without) = search::control(root)?;
    proof.claim(
        "the search can fail: what is planted is found, in every form, also compressed, and not once it is taken away",
        with == all && without == 0,
        format!("{with} of {all} forms found with it, {without} without"),
    );
    Ok(())
}

/// No byte under the directory gives anyone away: log, documents, snapshots, backups, vault. Of a
/// database or a bucket it is looked at what the log gives back.
async fn nothing_of_anyone(search: &Search, dir: &Dir, when: &str, proof: &mut Proof) -> Result<(), Exit> {
    let given_back = elsewhere::given_back(dir).await?;
    let files = given_back.iter().map(|file| file.path().to_owned());
    let paths: Vec<_> = std::iter::once(dir.root().to_owned()).chain(files).collect();
    let found = search.walk(&paths)?;
    let hits: u64 = found.hits.values().sum();
    let places = found.hits.keys().take(5).cloned().collect::<Vec<_>>().join(", ");
    let (of, limit) = match given_back {
        None => ("", ""),
        Some(_) => (
            " of the directory, or in what the log gives back",
            "; what else is with the server of the log was not searched",
        ),
    };
    let evidence = format!(
        "{} texts in {} forms in {} bytes of {} files, and {} bytes unpacked in them: found {hits} {places}({} passed \
         over: shorter than {} bytes, or also the name of a JSON field){limit}",
        search.count,
        Form::ALL.len(),
        found.bytes,
        found.files,
        found.unpacked,
        search.passed_over,
        search::MIN_BYTES
    );
    let holds = hits == 0 && found.bytes > 0 && found.unpacked > 0 && search.count > 0;
    proof.claim(
        format!("no value of theirs, and no name anyone goes by, stands in any byte{of}, {when}"),
        holds,
        evidence,
    );
    Ok(())
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

/// The events as the log gives them to a house: open parts readable, personal ones sealed.
async fn raw(dir: &Dir, query: Query) -> Result<Vec<Vec<u8>>, Exit> {
    let events = dir.house.log().read(query).try_concat().await?;
    Ok(events.iter().map(|event| event.envelope.encode()).collect::<Result<_, _>>()?)
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
