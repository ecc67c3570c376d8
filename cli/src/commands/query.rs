//! `oubliette query`

use oubliette::{Answer, DocumentKey, DocumentQuery, DocumentView, Purpose};
use serde_json::{Value, json};

use crate::args::{Query, Select};
use crate::dir::Dir;
use crate::exit::{Exit, NOT_FOUND, USAGE};
use crate::output::{Lines, Output};
use crate::views;

pub(crate) async fn run(args: Query, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.name.dir.dir).await?;
    let mut projection = views::open(&dir, &args.name.projection, None).await?;
    if !args.stale {
        projection.catch_up().await?;
    }
    if !args.purpose.is_empty() {
        let purposes = args.purpose.iter().map(Purpose::new).collect::<Result<Vec<_>, _>>()?;
        projection = projection.read_for(purposes);
    }
    if let Some(key) = &args.select.key {
        let found = projection.get(&DocumentKey::new(key)?).await?;
        return one(key, found.as_ref(), output);
    }
    let query = selection(&args.select)?;
    let answer = match (&args.find, args.code_version) {
        (Some(find), _) => {
            let (lookup, value) = find.split_once('=').ok_or_else(|| {
                Exit::new(USAGE, "a lookup is given as LOOKUP=VALUE").next("for example --find login=octocat")
            })?;
            projection.find(lookup, value, &query).await?
        }
        (None, Some(version)) => projection.query_version(version, &query).await?,
        (None, None) => projection.query(&query).await?,
    };
    print(&answer, output)
}

/// What is asked for.
pub(crate) fn selection(select: &Select) -> Result<DocumentQuery, Exit> {
    let mut query = DocumentQuery::all().limit(select.limit);
    query.filters = select.filter.iter().map(|condition| condition.0.clone()).collect();
    if let Some(after) = &select.after {
        query = query.after(DocumentKey::new(after)?);
    }
    Ok(query)
}

/// Prints one document, if it is there.
pub(crate) fn one(key: &str, document: Option<&DocumentView>, output: &Output) -> Result<(), Exit> {
    let document = document.ok_or_else(|| {
        Exit::new(NOT_FOUND, format!("there is no document {key:?}"))
            .next("see which there are, without --key")
    })?;
    let line = line(document)?;
    output.result(&line, || line.to_string())
}

/// Prints an answer: a line a document, and what it is of.
pub(crate) fn print(answer: &Answer, output: &Output) -> Result<(), Exit> {
    let documents = answer.documents.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    if output.json {
        let answer = json!({
            "version": answer.version,
            "position": answer.position,
            "complete": answer.is_complete(),
            "gone": answer.gone(),
            "more": answer.more,
            "documents": documents,
        });
        return output.result(&answer, String::new);
    }
    let mut lines = Lines::new();
    for document in documents {
        if !lines.line(&document.to_string())? {
            break;
        }
    }
    lines.finish()?;
    let gone: Vec<String> = answer.gone().iter().map(ToString::to_string).collect();
    let state = match (answer.is_complete(), gone.is_empty()) {
        (true, _) => String::new(),
        (false, true) => ", incomplete".to_owned(),
        (false, false) => format!(", incomplete: gone for {}", gone.join(", ")),
    };
    let more = if answer.more { ", more follow: --after the last key" } else { "" };
    output.say(&format!("(version {}, position {}{state}{more})", answer.version, answer.position))
}

fn line(document: &DocumentView) -> Result<Value, Exit> {
    let gone = document.gone();
    let mut line =
        json!({ "key": document.key, "complete": document.is_complete(), "document": document.json()? });
    if let (Some(line), false) = (line.as_object_mut(), gone.is_empty()) {
        line.insert("gone".to_owned(), json!(gone));
    }
    Ok(line)
}
