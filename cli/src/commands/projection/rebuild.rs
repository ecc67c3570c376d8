//! `oubliette projection rebuild`

use oubliette::{Check, Differs};
use serde_json::json;

use crate::args::Rebuild;
use crate::dir::Dir;
use crate::exit::{DISPROVED, Exit};
use crate::output::Output;
use crate::views;

pub(crate) async fn run(args: &Rebuild, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.name.dir.dir).await?;
    let name = &args.name.projection;
    let projection = views::open(&dir, name, None).await?;
    if !args.check {
        let position = projection.rebuild().await?;
        let result = json!({ "projection": name, "position": position, "switched": true });
        return output.result(&result, || format!("Rebuilt {name} up to {position}, and switched."));
    }
    let check = match args.dry_run {
        true => projection.check().await?,
        false => projection.rebuild_checked().await?,
    };
    let passed = check.is_passed();
    let switched = passed && !args.dry_run;
    let result = json!({ "projection": name, "check": check, "passed": passed, "switched": switched });
    output.result(&result, || describe(name, &check, switched))?;
    if passed {
        return Ok(());
    }
    let unexplained = check.differences.iter().filter(|difference| difference.erasures.is_empty()).count();
    Err(Exit::new(
        DISPROVED,
        format!("{unexplained} documents differ that no erasure explains: not switched"),
    )
    .next("a declaration that changed needs a new version; otherwise report it: this is a defect"))
}

fn describe(name: &str, check: &Check, switched: bool) -> String {
    let mut text = format!(
        "Rebuilt {name}, version {}, and compared {} documents up to {}: {} differ.",
        check.version,
        check.compared,
        check.position,
        check.differences.len()
    );
    for difference in &check.differences {
        let how = match difference.differs {
            Differs::Changed => "changed",
            Differs::NotRebuilt => "served, and not made again",
            Differs::NotServed => "made, and not served",
        };
        let why: Vec<String> = difference.erasures.iter().map(ToString::to_string).collect();
        let why = match why.as_slice() {
            [] => "nothing explains it".to_owned(),
            erasures => format!("erasure {}", erasures.join(", ")),
        };
        text.push_str(&format!("\n  {}: {how} ({why})", difference.document));
    }
    if switched {
        text.push_str("\nSwitched to what was rebuilt.");
    }
    text
}
