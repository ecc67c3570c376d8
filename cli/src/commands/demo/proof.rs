//! What the demo claims, and whether it holds.

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::exit::{DISPROVED, Exit};
use crate::output::Output;

#[derive(Debug, Default)]
pub(super) struct Proof(Vec<Claim>);

#[derive(Debug, Serialize)]
struct Claim {
    claim: String,
    holds: bool,
    evidence: String,
}

impl Proof {
    pub(super) fn claim(&mut self, claim: impl Into<String>, holds: bool, evidence: String) {
        self.0.push(Claim { claim: claim.into(), holds, evidence });
    }

    /// Prints the proof; an error if anything claimed does not hold.
    pub(super) fn conclude(self, certificate: &Path, root: &Path, output: &Output) -> Result<(), Exit> {
        let failed = self.0.iter().filter(|claim| !claim.holds).count();
        let result = json!({
            "proven": failed == 0,
            "claims": self.0,
            "certificate": certificate.display().to_string(),
            "dir": root.display().to_string(),
        });
        output.result(&result, || {
            let lines = self.0.iter().map(|claim| {
                let verdict = if claim.holds { "proven" } else { "FALSE " };
                format!("  {verdict}  {}\n          {}", claim.claim, claim.evidence)
            });
            format!(
                "{}\n\nThe certificate: {}\nCheck it: oubliette verify {}",
                lines.collect::<Vec<_>>().join("\n"),
                certificate.display(),
                certificate.display()
            )
        })?;
        if failed == 0 {
            return Ok(());
        }
        Err(Exit::new(DISPROVED, format!("{failed} of the demo's claims do not hold"))
            .next("keep the directory and report it: this is a defect"))
    }
}
