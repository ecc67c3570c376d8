//! `oubliette projection`

mod rebuild;

use comfy_table::{Table, presets::NOTHING};
use oubliette::catalogue::DeclaredView;
use oubliette::{Build, BuildState, Position, Standing, View as _};
use serde_json::json;

use crate::args::{Declare, Dir as DirArgs, Projection, ProjectionCommand, ProjectionRun, ProjectionSkip};
use crate::dir::Dir;
use crate::exit::{Exit, FAILED, NOT_FOUND};
use crate::output::Output;
use crate::views;

pub(crate) async fn run(args: Projection, output: &Output) -> Result<(), Exit> {
    match args.command {
        ProjectionCommand::Declare(args) => declare(&args, output).await,
        ProjectionCommand::List(args) => list(&args, output).await,
        ProjectionCommand::Status(args) => status(&args, output).await,
        ProjectionCommand::Run(args) => follow(&args, output).await,
        ProjectionCommand::Skip(args) => skip(&args, output).await,
        ProjectionCommand::Rebuild(args) => rebuild::run(&args, output).await,
    }
}

async fn declare(args: &Declare, output: &Output) -> Result<(), Exit> {
    let text = std::fs::read_to_string(&args.file).map_err(|error| {
        Exit::new(NOT_FOUND, format!("cannot read {}: {error}", args.file.display()))
            .next("name a file that declares projections")
    })?;
    let views = DeclaredView::parse(&args.file.display().to_string(), &text)?;
    let dir = Dir::open(&args.dir.dir).await?;
    dir.keep_projections(&text)?;
    let declared: Vec<_> =
        views.iter().map(|view| json!({ "projection": view.name(), "version": view.version() })).collect();
    output.result(&json!({ "declared": declared }), || {
        let names: Vec<String> =
            views.iter().map(|view| format!("{}, version {}", view.name(), view.version())).collect();
        format!("Declared {}.", names.join("; "))
    })
}

async fn list(args: &DirArgs, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.dir).await?;
    let views = views::declared(&dir)?;
    let builds = builds(&dir).await?;
    let mut projections = Vec::new();
    for (name, versions) in &views {
        let versions: Vec<_> = versions
            .iter()
            .map(|view| json!({ "version": view.version(), "description": view.description() }))
            .collect();
        let builds: Vec<&Build> = builds.iter().filter(|build| build.projection.as_str() == name).collect();
        projections.push(json!({ "projection": name, "declared": versions, "builds": builds }));
    }
    output.result(&json!({ "projections": projections }), || {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["projection", "version", "build", "state", "position", "begun", "served"]);
        for build in &builds {
            table.add_row([
                build.projection.to_string(),
                build.version.to_string(),
                build.id.to_string(),
                state(build).to_owned(),
                build.position.to_string(),
                build.begun_at.to_string(),
                build.served_at.map_or_else(String::new, |at| at.to_string()),
            ]);
        }
        let names: Vec<&str> = views.keys().map(String::as_str).collect();
        format!("Declared: {}\n\n{table}", names.join(", "))
    })
}

async fn builds(dir: &Dir) -> Result<Vec<Build>, Exit> {
    match dir.house.documents() {
        None => Ok(Vec::new()),
        Some(documents) => Ok(documents.builds().await?),
    }
}

fn state(build: &Build) -> &'static str {
    match build.state {
        BuildState::Building => "building",
        BuildState::Served => "served",
        BuildState::Kept => "kept",
        BuildState::Ended => "ended",
    }
}

async fn status(args: &DirArgs, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.dir).await?;
    let head = dir.house.log().head().await?;
    // What others run stands in the store: this command runs nothing itself.
    let mut open = builds(&dir).await?;
    open.retain(|build| build.state != BuildState::Ended);
    let listed: Vec<_> = open
        .iter()
        .map(|build| json!({ "build": build, "behind": head.0.saturating_sub(build.position.0) }))
        .collect();
    output.result(&json!({ "head": head, "projections": listed }), || {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["projection", "version", "state", "position", "behind", "stands still at"]);
        for build in &open {
            let fault = build.fault.as_ref().map(|fault| format!("{}: {}", fault.position, fault.error));
            table.add_row([
                build.projection.to_string(),
                build.version.to_string(),
                state(build).to_owned(),
                build.position.to_string(),
                head.0.saturating_sub(build.position.0).to_string(),
                fault.unwrap_or_default(),
            ]);
        }
        table.to_string()
    })
}

async fn follow(args: &ProjectionRun, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.dir.dir).await?;
    let projections = views::all(&dir).await?;
    let standings = projections.catch_up().await?;
    told(&standings, output)?;
    if args.follow {
        projections.follow().await;
    }
    let standing: Vec<String> = standings
        .iter()
        .filter_map(|standing| {
            let fault = standing.fault.as_ref()?;
            Some(format!("{} at {}: {}", standing.name, fault.position, fault.error))
        })
        .collect();
    if standing.is_empty() {
        return Ok(());
    }
    Err(Exit::new(FAILED, format!("{} of {} projections stand still", standing.len(), standings.len()))
        .details(standing)
        .next("mend the declaration and give it a new version, or skip the event: oubliette projection skip"))
}

fn told(standings: &[Standing], output: &Output) -> Result<(), Exit> {
    output.result(&json!({ "projections": standings }), || {
        let lines = standings.iter().map(|standing| {
            format!(
                "{}, version {}: {} of {}",
                standing.name, standing.version, standing.position, standing.head
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

async fn skip(args: &ProjectionSkip, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.name.dir.dir).await?;
    let projection = views::open(&dir, &args.name.projection, None).await?;
    projection.skip(Position(args.position)).await?;
    let result = json!({ "projection": args.name.projection, "skipped": args.position });
    output.result(&result, || {
        format!("Skipped the event at {}: what {} serves lacks it.", args.position, args.name.projection)
    })
}
