//! `oubliette read`

use futures::TryStreamExt as _;
use oubliette::{Event, Position, Purpose, Query, Select, StreamId, SubjectId};
use serde::Serialize;
use serde_json::Value;

use crate::args::Read;
use crate::dir::Dir;
use crate::exit::Exit;
use crate::output::{Lines, Output};

/// An event as scripts get it: one object a line.
#[derive(Serialize)]
struct Line<'a> {
    position: Position,
    stream: &'a StreamId,
    version: oubliette::Version,
    r#type: &'a str,
    data: Value,
}

/// An event as one line of JSON.
pub(crate) fn json_line(event: &Event, data: Value) -> Result<String, Exit> {
    let line = Line {
        position: event.position,
        stream: &event.stream,
        version: event.version,
        r#type: event.event_type.as_str(),
        data,
    };
    serde_json::to_string(&line).map_err(|error| Exit::failed("cannot print an event", &error))
}

pub(crate) async fn run(args: Read, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.dir.dir).await?;
    let after = Position(args.after);
    let query = match (&args.stream, &args.subject) {
        (Some(stream), _) => Query::stream(StreamId::new(stream)?),
        (None, Some(subject)) => {
            let keys = dir.house.vault().keys_of(&SubjectId::new(subject)?).await?;
            Query::select(Select::SealedUnder(keys.into_iter().map(|key| key.id).collect(), after))
        }
        (None, None) => Query::after(after),
    };
    let purposes = args.purpose.into_iter().map(Purpose::new).collect::<Result<Vec<_>, _>>()?;
    let mut events = match purposes.is_empty() {
        true => dir.house.read(query),
        false => dir.house.read_for(query, purposes),
    };
    let (mut lines, mut left) = (Lines::new(), args.limit.unwrap_or(usize::MAX));
    while left > 0
        && let Some(event) = events.try_next().await?
    {
        if event.stream.is_system() && !args.system {
            continue;
        }
        left -= 1;
        let data = event.json()?;
        let line = match output.json {
            true => json_line(&event, data)?,
            false => {
                format!(
                    "{:>7} {} {} {} {data}",
                    event.position, event.stream, event.version, event.event_type
                )
            }
        };
        if !lines.line(&line)? {
            break;
        }
    }
    lines.finish()
}
