//! `oubliette doctor`

use std::path::Path;

use comfy_table::{Table, presets::NOTHING};
use oubliette::{Finding, Meaning, postgres, sqlite};
use serde_json::{Value, json};

use crate::args::Doctor;
use crate::config::Config;
use crate::exit::Exit;
use crate::output::Output;
use crate::place::{Found, Place};
use crate::stores::{Stores, documents_in_s3};

/// It opens no house, and so also tells of one that stays closed.
pub(crate) async fn run(args: Doctor, output: &Output) -> Result<(), Exit> {
    let root = &args.dir.dir;
    let config = Config::read(root)?;
    let stores = config.stores();
    let vault = Place::File(config.vault_dir(root).join("vault.db"));
    let mut examined = Vec::new();
    for (store, place) in stores.each().into_iter().chain([("vault", &vault)]) {
        examined.push((store, examine(store, place, root, &stores).await));
    }
    let result: Vec<Value> = examined
        .iter()
        .map(|(store, findings)| match findings {
            Ok(findings) => {
                json!({ "store": store, "findings": findings.iter().map(as_json).collect::<Vec<_>>() })
            }
            Err(exit) => json!({ "store": store, "error": exit.error }),
        })
        .collect();
    output.result(&result, || {
        let mut table = Table::new();
        table.load_style(NOTHING);
        for (store, findings) in &examined {
            match findings {
                Ok(findings) => {
                    for finding in findings {
                        let (word, text) = words(&finding.meaning);
                        table.add_row([*store, finding.subject, word, &finding.found, text]);
                    }
                }
                Err(exit) => drop(table.add_row([*store, "store", "failed", &exit.error, ""])),
            }
        }
        table.to_string()
    })
}

/// What its ground means for a store.
async fn examine(store: &str, place: &Place, root: &Path, stores: &Stores) -> Result<Vec<Finding>, Exit> {
    Ok(match place.find(root)? {
        Found::File(path) => sqlite::examine(path).await?,
        Found::Database(url) => postgres::examine(&url, &stores.schema).await?,
        Found::Bucket(bucket) => match store {
            "log" => bucket.log(&stores.s3).examine().await?,
            "snapshots" => bucket.snapshots(&stores.s3).examine().await?,
            _ => return Err(documents_in_s3()),
        },
    })
}

fn as_json(finding: &Finding) -> Value {
    let (meaning, text) = words(&finding.meaning);
    json!({ "subject": finding.subject, "found": finding.found, "meaning": meaning, "text": text })
}

/// What a finding means: a word for a script, and what follows from it.
fn words(meaning: &Meaning) -> (&'static str, &str) {
    match meaning {
        Meaning::Good => ("good", ""),
        Meaning::Passing(text) => ("passing", text),
        Meaning::Lowers(text) => ("lowers", text),
        Meaning::Unseen(text) => ("unseen", text),
    }
}
