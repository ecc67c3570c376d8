//! `oubliette subject`

use comfy_table::{Table, presets::NOTHING};
use oubliette::Target;
use oubliette::erasure::Footprint;
use serde_json::json;

use crate::args::{Subject, SubjectCommand};
use crate::dir::Dir;
use crate::exit::Exit;
use crate::output::Output;
use crate::person;

pub(crate) async fn run(args: Subject, output: &Output) -> Result<(), Exit> {
    let SubjectCommand::Footprint(person) = args.command;
    let dir = Dir::open(&person.dir.dir).await?;
    let subject = person::find(&dir, &person).await?;
    let footprint = dir.house.footprint(&Target::Subject(subject.clone())).await?;
    let result = json!({ "subject": subject, "footprint": footprint });
    output.result(&result, || table(&footprint))
}

/// What is held, for people.
pub(crate) fn table(footprint: &Footprint) -> String {
    if footprint.purposes.is_empty() {
        return "Nothing is held.".to_owned();
    }
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["purpose", "keys", "sealed parts"]);
    for held in &footprint.purposes {
        table.add_row([held.purpose.to_string(), held.keys.to_string(), held.parts.to_string()]);
    }
    table.add_row(["total".to_owned(), footprint.keys().to_string(), footprint.parts.to_string()]);
    format!("{table}\nin {} events", footprint.events)
}
