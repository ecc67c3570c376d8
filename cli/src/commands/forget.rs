//! `oubliette forget`

use std::io::{IsTerminal as _, Write as _};

use oubliette::{Purpose, Reason, Scope, Target};
use serde_json::json;

use crate::args::Forget;
use crate::commands::{subject::table, sweep, verify::describe};
use crate::dir::Dir;
use crate::exit::{Exit, REFUSED};
use crate::output::Output;
use crate::person;

pub(crate) async fn run(args: Forget, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.person.dir.dir).await?;
    let subject = person::find(&dir, &args.person).await?;
    let target = match args.purpose {
        None => Target::Subject(subject),
        Some(purpose) => Target::Purpose(Scope::new(subject, Purpose::new(purpose)?)),
    };
    if args.preview {
        let footprint = dir.house.footprint(&target).await?;
        let preview = json!({ "target": target, "would_forget": footprint });
        return output.result(&preview, || format!("Would be forgotten, for good:\n\n{}", table(&footprint)));
    }
    if !args.yes {
        confirm(&dir, &target).await?;
    }
    let mut certificate = dir.house.erase_target(&target, &Reason::default()).await?;
    let swept = match args.now {
        true => Some(dir.house.sweep().await?),
        false => None,
    };
    if let Some(sweep) = &swept {
        sweep::keep(&dir, &sweep.settled)?;
        // As it was signed last.
        certificate = dir.house.erase_target(&target, &Reason::default()).await?;
    }
    let path = dir.keep(&certificate)?;
    output.result(&certificate, || {
        format!("{}\n  kept in      {}", describe(&certificate, true), path.display())
    })?;
    swept.as_ref().map_or(Ok(()), sweep::unless_blocked)
}

async fn confirm(dir: &Dir, target: &Target) -> Result<(), Exit> {
    let refused =
        || Exit::new(REFUSED, "not confirmed: nothing was changed").next("pass --yes, or answer `yes`");
    if !std::io::stdin().is_terminal() {
        return Err(refused());
    }
    let footprint = dir.house.footprint(target).await?;
    let mut stderr = std::io::stderr();
    let asked = write!(stderr, "{}\n\nThis cannot be undone. Forget it all? Type `yes`: ", table(&footprint));
    let mut answer = String::new();
    let read = asked.and_then(|()| std::io::stdin().read_line(&mut answer));
    match (read, answer.trim()) {
        (Ok(_), "yes") => Ok(()),
        _ => Err(refused()),
    }
}
