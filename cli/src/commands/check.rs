//! `oubliette check`

use std::collections::HashSet;

use oubliette::catalogue::{AliasIndex, Catalogue, Found, Report};
use serde_json::json;

use crate::args::Check;
use crate::commands::import::{Events, Kept, read_catalogue};
use crate::exit::{Exit, INPUT};
use crate::lines::{BadLine, Input, Line, is_stdin, parse};
use crate::output::Output;

/// Tries a catalogue on events: they are read twice, as an import does, and nothing is
/// stored.
pub(crate) fn run(args: &Check, output: &Output) -> Result<(), Exit> {
    let text = read_catalogue(&args.catalogue)?;
    let catalogue = Catalogue::parse(&args.catalogue.display().to_string(), &text)?;
    let mut events = match is_stdin(&args.file) {
        true => Events::Window(whole(&mut Input::open(&args.file)?)?),
        false => Events::File(args.file.clone()),
    };
    let (mut namings, mut seen) = (Vec::new(), HashSet::new());
    events.each(|number, bytes| {
        let (_, found) = survey(&catalogue, number, bytes)?;
        namings.extend(found.namings().into_iter().filter(|naming| seen.insert(naming.clone())));
        Ok(())
    })?;
    let mut index = AliasIndex::new();
    index.rehearse(&namings)?;
    let mut report = Report::new(&catalogue);
    events.each(|number, bytes| {
        let (line, found) = survey(&catalogue, number, bytes)?;
        Ok(report.add(&catalogue, &line.data, &found, &index)?)
    })?;
    let result = json!({ "clean": report.is_clean(), "report": report });
    output.result(&result, || {
        let verdict = match report.is_clean() {
            true => "Nothing that looks personal would be stored open.",
            false => {
                "Look at what would be stored open: cover it with a rule, or decide that it is about nobody."
            }
        };
        format!("{report}\n{verdict}")
    })
}

fn survey(catalogue: &Catalogue, number: u64, bytes: &[u8]) -> Result<(Line, Found), Exit> {
    let surveyed = parse(number, bytes).and_then(|line| {
        let found = catalogue.survey(&line.event_type, &line.data);
        found.map(|found| (line, found)).map_err(|error| BadLine::new(number, error.to_string()))
    });
    surveyed.map_err(|line| {
        Exit::new(INPUT, "a line is not valid")
            .details(vec![line.to_string()])
            .next("mend it and check again")
    })
}

/// Standard input cannot be read twice.
fn whole(input: &mut Input) -> Result<Vec<Kept>, Exit> {
    let mut lines = Vec::new();
    while let Some((number, line)) = input.next_raw()? {
        lines.push((number, line.to_vec()));
    }
    Ok(lines)
}
