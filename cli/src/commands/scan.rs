//! `oubliette scan`

use std::collections::{BTreeSet, HashSet};

use futures::TryStreamExt as _;
use oubliette::catalogue::Catalogue;
use oubliette::scan::Form;
use oubliette::{KeyId, Query, SubjectId};
use serde_json::json;

use crate::args::Scan;
use crate::dir::Dir;
use crate::exit::{DISPROVED, Exit, FAILED};
use crate::output::Output;
use crate::search::{self, Search};

pub(crate) async fn run(args: &Scan, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.dir.dir).await?;
    let aliases = dir.house.vault().aliases().await?;
    let mut texts: BTreeSet<String> = aliases.iter().map(|alias| alias.name.text().to_owned()).collect();
    texts.extend(args.text.iter().cloned());
    for subject in &args.subject {
        values(&dir, &SubjectId::new(subject)?, &mut texts).await?;
    }
    let mut fields = field_names(&dir).await?;
    // What the catalogue says is about nobody stands in open parts rightly.
    if let Ok((path, text)) = dir.catalogue() {
        fields.extend(Catalogue::parse(&path.display().to_string(), &text)?.ignored().map(str::to_owned));
    }
    let search = Search::new(texts.iter().map(String::as_str), &fields)?;
    if search.count == 0 {
        return Err(Exit::new(crate::exit::USAGE, "there is nothing to search for")
            .next("name a text with --text, or a subject with --subject"));
    }
    let (with, all, without) = search::control(dir.root())?;
    if with != all || without != 0 {
        return Err(Exit::new(
            FAILED,
            format!("the search is void: its control was found in {with} of {all} forms"),
        )
        .next("report it: this is a defect"));
    }
    let mut paths = vec![dir.root().to_owned()];
    paths.extend(args.path.iter().cloned());
    let found = search.walk(&paths)?;
    let hits: u64 = found.hits.values().sum();
    let stores = dir.config().stores();
    let elsewhere = stores.each().into_iter().filter(|(_, place)| place.file(dir.root()).is_none());
    let unsearched: Vec<&str> = elsewhere.map(|(store, _)| store).collect();
    let result = json!({
        "texts": search.count,
        "passed_over": search.passed_over,
        "forms": Form::ALL.len(),
        "files": found.files,
        "bytes": found.bytes,
        "unpacked": found.unpacked,
        "hits": found.hits,
        "unsearched": unsearched,
    });
    output.result(&result, || {
        format!(
            "Searched {} bytes of {} files, and {} bytes unpacked in them, for {} texts in {} forms: {hits} found.\n\
             {} texts were passed over: shorter than {} bytes, the name of a field, or ignored by the catalogue.",
            found.bytes,
            found.files,
            found.unpacked,
            search.count,
            Form::ALL.len(),
            search.passed_over,
            search::MIN_BYTES,
        ) + &not_searched(&unsearched)
    })?;
    if hits == 0 {
        return Ok(());
    }
    Err(Exit::new(DISPROVED, format!("{hits} places hold what must not be readable"))
        .details(found.hits.keys().cloned().collect())
        .next(
            "a text that is also an open value stands there rightly: leave it out; otherwise it is a defect",
        ))
}

/// What a search of files says nothing about.
fn not_searched(stores: &[&str]) -> String {
    match stores {
        [] => String::new(),
        stores => format!(
            "\nNOT searched: {}. They are in a database or a bucket, whose bytes are with its server: name a \
             database's data directory as a further path, where it is.",
            stores.join(", ")
        ),
    }
}

/// Every name of a field in the events' open parts.
async fn field_names(dir: &Dir) -> Result<BTreeSet<String>, Exit> {
    let mut names = BTreeSet::new();
    let mut pages = dir.house.log().read(Query::all());
    while let Some(page) = pages.try_next().await? {
        for event in page {
            // One that is no JSON has no names.
            if let Ok(open) = serde_json::from_slice(&event.envelope.open) {
                search::field_names(&open, &mut names);
            }
        }
    }
    Ok(names)
}

/// Every text that is still readable about a person.
async fn values(dir: &Dir, subject: &SubjectId, texts: &mut BTreeSet<String>) -> Result<(), Exit> {
    let keys: Vec<KeyId> = dir.house.vault().keys_of(subject).await?.iter().map(|key| key.id).collect();
    let theirs: HashSet<KeyId> = keys.iter().copied().collect();
    let mut events = dir.house.read(Query::sealed_under(keys));
    while let Some(event) = events.try_next().await? {
        let (now, then) = (event.json()?, event.json_without(&theirs)?);
        search::differences(&now, &then, &mut String::new(), &mut |_, text| {
            texts.insert(text.to_owned());
        });
    }
    Ok(())
}
