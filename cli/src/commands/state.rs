//! `oubliette state`

use jiff::Timestamp;
use oubliette::{AsOf, DocumentKey, Position};

use crate::args::State;
use crate::commands::query;
use crate::dir::Dir;
use crate::exit::{Exit, USAGE};
use crate::output::Output;
use crate::views;

pub(crate) async fn run(args: State, output: &Output) -> Result<(), Exit> {
    let as_of = match (args.as_of.parse::<u64>(), args.as_of.parse::<Timestamp>()) {
        (Ok(position), _) => AsOf::Position(Position(position)),
        (Err(_), Ok(time)) => AsOf::Time(time),
        (Err(_), Err(_)) => {
            return Err(Exit::new(USAGE, "--as-of is neither a position nor a time")
                .next("give a position such as 250, or a time such as 2026-01-31T12:00:00Z"));
        }
    };
    let dir = Dir::open(&args.name.dir.dir).await?;
    let projection = views::open(&dir, &args.name.projection, args.code_version).await?;
    let past = projection.as_of(as_of).await?;
    let shown = async {
        if let Some(key) = &args.select.key {
            let document = past.get(&DocumentKey::new(key)?).await?;
            return query::one(key, document.as_ref(), output);
        }
        let answer = past.query(&query::selection(&args.select)?).await?;
        query::print(&answer, output)
    };
    let shown = shown.await;
    past.end().await?;
    shown
}
