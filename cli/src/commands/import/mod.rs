//! `oubliette import`
//!
//! A file is read three times: to learn every alias in it, to try every line, and to
//! append. So an alias is found also in the lines before the one that names it, and a bad
//! line is told before anything is stored. Standard input is taken in windows, each
//! handled as a file is.

mod passes;
mod source;

use std::path::Path;

use oubliette::Position;
use oubliette::catalogue::Catalogue;
use serde_json::json;

pub(crate) use self::passes::Passes;
use self::source::{Checkpoint, Windows};
pub(crate) use self::source::{Events, Kept};
use crate::args::Import;
use crate::dir::Dir;
use crate::exit::{Exit, INPUT, NOT_FOUND};
use crate::lines::{Input, is_stdin};
use crate::output::Output;

/// What was imported.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    /// Events appended by this run.
    pub(crate) events: u64,
    /// Lines that an earlier run had appended.
    pub(crate) skipped: u64,
    /// The position of the last event.
    pub(crate) last: Option<Position>,
}

pub(crate) async fn run(args: Import, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.dir.dir).await?;
    let imported = import(&dir, &args, output).await?;
    let result =
        json!({ "events": imported.events, "skipped": imported.skipped, "last_position": imported.last });
    output.result(&result, || match imported.skipped {
        0 => format!("Imported {} events.", imported.events),
        skipped => format!("Imported {} events; {skipped} lines were imported before.", imported.events),
    })
}

async fn import(dir: &Dir, args: &Import, output: &Output) -> Result<Imported, Exit> {
    let (file, text) = match &args.catalogue {
        None => dir.catalogue()?,
        Some(path) => (path.clone(), read_catalogue(path)?),
    };
    let catalogue = Catalogue::parse(&file.display().to_string(), &text)?;
    let mut passes = Passes::new(dir, &catalogue, output, args.batch).await?;
    if !is_stdin(&args.file) {
        let mut events = Events::File(args.file.clone());
        let digest = passes.prepare(&mut events, None).await?;
        dir.keep_catalogue(&text)?;
        let mut checkpoint = Checkpoint::load(dir, args.source.as_deref().unwrap_or(&digest)).await?;
        return passes.append(&mut events, Some(&mut checkpoint)).await;
    }
    dir.keep_catalogue(&text)?;
    let before = dir.house.log().head().await?;
    let mut checkpoint = match &args.source {
        Some(name) => Some(Checkpoint::load(dir, name).await?),
        None => None,
    };
    let mut windows = Windows::new(Input::open(&args.file)?);
    let (mut imported, mut count) = (Imported::default(), 0_u64);
    while let Some(window) = windows.next()? {
        let mut events = Events::Window(window);
        passes.prepare(&mut events, Some(imported.events)).await?;
        let more = passes.append(&mut events, checkpoint.as_mut()).await?;
        imported.events += more.events;
        imported.skipped += more.skipped;
        imported.last = more.last.or(imported.last);
        count += 1;
    }
    if count > 1 {
        passes.look_back(before).await?;
    }
    Ok(imported)
}

/// The text of a catalogue's file.
pub(crate) fn read_catalogue(path: &Path) -> Result<String, Exit> {
    std::fs::read_to_string(path).map_err(|error| {
        Exit::new(NOT_FOUND, format!("cannot read the catalogue {}: {error}", path.display()))
            .next("name a catalogue's file")
    })
}

/// An input that cannot be imported as it is.
fn bad_input(bad: &[crate::lines::BadLine], total: u64, before: Option<u64>) -> Exit {
    let shown = bad.iter().map(ToString::to_string);
    let more = total.saturating_sub(bad.len() as u64);
    let more = (more > 0).then(|| format!("and {more} more"));
    let (stored, next) = match before {
        None | Some(0) => ("nothing was imported".to_owned(), "mend these lines and import the file again"),
        Some(events) => (
            format!("{events} events of earlier lines were imported"),
            "mend these lines and import what is left; with --source NAME an import goes on by itself",
        ),
    };
    let lines = if total == 1 { "line is" } else { "lines are" };
    Exit::new(INPUT, format!("{total} {lines} not valid: {stored}"))
        .details(shown.chain(more).collect())
        .next(next)
}
