//! `oubliette doctor`

use comfy_table::{Table, presets::NOTHING};
use oubliette::sqlite::{Finding, Meaning, examine};
use serde_json::{Value, json};

use crate::args::Doctor;
use crate::config::Config;
use crate::exit::Exit;
use crate::output::Output;

/// It opens no house, and so also tells of one that stays closed.
pub(crate) async fn run(args: Doctor, output: &Output) -> Result<(), Exit> {
    let root = &args.dir.dir;
    let config = Config::read(root)?;
    let stores = [
        ("log", config.log(root)),
        ("documents", config.documents(root)),
        ("snapshots", config.snapshots(root)),
        ("vault", config.vault_dir(root).join("vault.db")),
    ];
    let mut examined = Vec::new();
    for (store, path) in stores {
        examined.push((store, examine(&path).await));
    }
    let result: Vec<Value> = examined
        .iter()
        .map(|(store, findings)| match findings {
            Ok(findings) => {
                json!({ "store": store, "findings": findings.iter().map(as_json).collect::<Vec<_>>() })
            }
            Err(error) => json!({ "store": store, "error": error.to_string() }),
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
                Err(error) => drop(table.add_row([*store, "file", "failed", &error.to_string(), ""])),
            }
        }
        table.to_string()
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
