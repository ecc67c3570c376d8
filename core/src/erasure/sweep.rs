//! The sweep of a house, and what it settles: level D of erasures that are closed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Moment;
use super::certificate::{self, Certificate, Claim, SignedCertificate};
use super::step::{Step, StepName};
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::ErasureId;
use crate::sweep::Swept;

/// What a sweep of a house came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// What became of each store, by the name that certificates give it.
    pub stores: BTreeMap<String, Swept>,
    /// The certificates that say more than before, signed anew.
    pub settled: Vec<SignedCertificate>,
}

impl Oubliette {
    /// Takes the bytes of everything that was erased away from all stores, and signs the
    /// certificates anew whose level D was pending until then.
    ///
    /// It is costly, and so one sweep serves all erasures that are closed: run it at least as
    /// often as the stores' [`bytes_gone`](crate::Promise::bytes_gone) says. What is in the
    /// way is named in the result, and in the certificates, which stay pending; sweep again
    /// once it is gone.
    ///
    /// # Errors
    /// `Incomplete` with the names of stores that failed, caused by the first; the others are
    /// swept, and their certificates settled. `Diverged` when the ledger is not whole.
    pub async fn sweep(&self) -> Result<Sweep> {
        // Before anything is swept: what is closed later is swept later.
        let closed = self.erasures().await?;
        let (stores, failed) = self.sweep_stores().await;
        let mut settled = Vec::new();
        for progress in &closed {
            if let Some(signed) = progress.certificate()
                && let Some(certificate) = settle(signed.certificate(), &stores)
            {
                settled.push(self.sign_anew(progress.erasure, certificate).await?);
            }
        }
        match failed {
            None => Ok(Sweep { stores, settled }),
            Some(error) => Err(error),
        }
    }

    /// Sweeps what was restored or is an old copy, before it is opened.
    ///
    /// # Errors
    /// `Incomplete` when a store that can be swept is not.
    pub(super) async fn sweep_copies(&self) -> Result<()> {
        let (stores, failed) = self.sweep_stores().await;
        if let Some(error) = failed {
            return Err(error);
        }
        match stores.into_iter().find(|(_, swept)| matches!(swept, Swept::Blocked { .. })) {
            None => Ok(()),
            Some((store, swept)) => {
                Err(Error::new(ErrorKind::Incomplete, "sweep", format!("{store} is {swept}")))
            }
        }
    }

    /// Sweeps every store, also when another fails.
    async fn sweep_stores(&self) -> (BTreeMap<String, Swept>, Option<Error>) {
        let mut outcomes = vec![(LOG, self.log.sweep().await)];
        if let Some(documents) = &self.documents {
            outcomes.push((documents.name(), documents.sweep().await));
        }
        if let Some(snapshots) = &self.snapshots {
            outcomes.push((snapshots.name(), snapshots.sweep().await));
        }
        let (mut stores, mut failed, mut first) = (BTreeMap::new(), Vec::new(), None);
        for (name, outcome) in outcomes {
            match outcome {
                Ok(swept) => {
                    tracing::info!(store = name, %swept, "sweep");
                    stores.insert(name.to_owned(), swept);
                }
                Err(error) => {
                    failed.push(name);
                    first.get_or_insert(error);
                }
            }
        }
        let error = first.map(|first| {
            Error::new(ErrorKind::Incomplete, "sweep", "some stores could not be swept; the others are")
                .with("failed", failed.join(", "))
                .caused_by(first)
        });
        (stores, error)
    }

    async fn sign_anew(&self, erasure: ErasureId, mut certificate: Certificate) -> Result<SignedCertificate> {
        self.tell(erasure, StepName::Settled, Moment::Begun);
        let anchor = self.vault.anchor().await?;
        certificate.format = certificate::FORMAT;
        certificate.settled_at = Some(Timestamp::now());
        certificate.ledger = self.chain.head(anchor.as_ref()).await?;
        let signature = self.vault.sign(&SignedCertificate::message(&certificate)?).await?;
        let signed = SignedCertificate::new(certificate, &signature);
        self.tell(erasure, StepName::Settled, Moment::Effected);
        let step = Step::Settled(Box::new(signed.clone()));
        let head = self.chain.append(Timestamp::now(), erasure, step, anchor.as_ref()).await?;
        self.vault.set_anchor(&head).await?;
        self.tell(erasure, StepName::Settled, Moment::Done);
        Ok(signed)
    }
}

/// The log's name in certificates.
pub(super) const LOG: &str = "log";

/// The certificate that these sweeps allow; `None` when it says nothing new.
fn settle(certificate: &Certificate, swept: &BTreeMap<String, Swept>) -> Option<Certificate> {
    let mut settled = certificate.clone();
    for (store, levels) in &mut settled.stores {
        let (Claim::Pending { until, .. }, Some(swept)) = (&levels.d, swept.get(store)) else { continue };
        levels.d = match swept {
            Swept::Clean => Claim::Holds { since: Timestamp::now() },
            Swept::Blocked { .. } => Claim::Pending { until: *until, why: swept.to_string() },
            Swept::Unsure { why } => Claim::NotClaimed { why: why.clone() },
        };
    }
    (settled != *certificate).then_some(settled)
}
