//! Erasure: the whole act, from request to certificate.
//!
//! An erasure is a saga over the [ledger](crate::ledger). Each entry says that a step is
//! done, and with that that the next one is intended: the intent is durable before its
//! effect, the effect before the entry that says so. Every effect can be repeated, so
//! whoever finds an open erasure resumes it where its last entry stands.

pub mod certificate;
mod chain;
mod claims;
mod effects;
mod forget;
mod progress;
mod reconcile;
mod restoration;
mod step;
mod sweep;
mod verify;

use jiff::Timestamp;

pub use self::certificate::{Certificate, SignedCertificate};
pub(crate) use self::chain::Chain;
pub(crate) use self::forget::erased_keys;
pub use self::progress::Progress;
pub use self::step::{Footprint, Held, Step, StepName, Verification};
pub use self::sweep::Sweep;
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::{ErasureId, Purpose, Sequence, SubjectId};
use crate::key::Scope;
use crate::vault::{Erasure, Reason, Target};

/// Is told of each step of each erasure.
pub(crate) type Observer = std::sync::Arc<dyn Fn(&Progressed) + Send + Sync>;

/// A moment in an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progressed {
    /// The erasure.
    pub erasure: ErasureId,
    /// The step.
    pub step: StepName,
    /// How far the step is.
    pub moment: Moment,
}

/// How far a step is: a crash can come between any two of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It is intended: the ledger says so.
    Begun,
    /// Its effect is done, and the ledger does not say so yet.
    Effected,
    /// The ledger says that it is done.
    Done,
}

impl Moment {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Begun, Self::Effected, Self::Done];
}

impl Oubliette {
    /// Erases a person: every key of theirs, everywhere, for good.
    ///
    /// It takes the request, counts what will go, fences the person in the vault, destroys
    /// the keys, records it in the log, scrubs the dead parts, verifies, and signs the
    /// certificate. The same request again gives the same certificate. Dead bytes may stay in
    /// the free space of a store, and the certificate says so, until [`Oubliette::sweep`].
    ///
    /// # Errors
    /// `Incomplete` when a step fails: nothing is certified, and [`Oubliette::resume`] or
    /// the next start finishes the erasure. `Diverged` when the ledger is not whole.
    pub async fn erase(&self, subject: &SubjectId) -> Result<SignedCertificate> {
        self.erase_target(&Target::Subject(subject.clone()), &Reason::default()).await
    }

    /// Erases what is held about a person for one purpose.
    ///
    /// # Errors
    /// As [`Oubliette::erase`].
    pub async fn erase_purpose(&self, subject: &SubjectId, purpose: Purpose) -> Result<SignedCertificate> {
        let target = Target::Purpose(Scope::new(subject.clone(), purpose));
        self.erase_target(&target, &Reason::default()).await
    }

    /// Erases a target for a stated reason.
    ///
    /// # Errors
    /// As [`Oubliette::erase`].
    pub async fn erase_target(&self, target: &Target, reason: &Reason) -> Result<SignedCertificate> {
        let erasure = self.vault.register(target, reason).await?;
        self.finish(&erasure).await
    }

    /// Finishes every open erasure, and gives their certificates.
    ///
    /// Every one is tried, also when another fails. `build` calls this.
    ///
    /// # Errors
    /// `Incomplete` with the number that failed, caused by the first; `Diverged` when the
    /// ledger is not whole, or knows an erasure that the vault does not.
    pub async fn resume(&self) -> Result<Vec<SignedCertificate>> {
        let known = self.vault.erasures(Sequence::ZERO).await?;
        let open = self.chain.open(&known, self.vault.anchor().await?.as_ref()).await?;
        let mut certificates = Vec::new();
        let mut failures = Vec::new();
        for erasure in known.iter().filter(|erasure| open.contains(&erasure.id)) {
            match self.finish(erasure).await {
                Ok(certificate) => certificates.push(certificate),
                Err(error) => failures.push(error),
            }
        }
        let failed = failures.len();
        match failures.into_iter().next() {
            None => Ok(certificates),
            Some(first) => Err(Error::new(
                ErrorKind::Incomplete,
                "resume",
                "erasures are open and could not be finished: mend what the cause names and start again",
            )
            .with("failed", failed)
            .caused_by(first)),
        }
    }

    /// Lets a person return who was erased: what is sealed from now on is sealed under
    /// fresh keys, which open nothing old.
    ///
    /// # Errors
    /// `NotFound` when the target is not fenced.
    pub async fn readmit(&self, target: &Target) -> Result<()> {
        self.vault.readmit(target).await
    }

    /// How far every erasure is, in the order of their requests.
    ///
    /// # Errors
    /// `Diverged` when the ledger is not whole.
    pub async fn erasures(&self) -> Result<Vec<Progress>> {
        self.chain.all(self.vault.anchor().await?.as_ref()).await
    }

    /// Takes an erasure from where its last entry stands to its certificate.
    async fn finish(&self, erasure: &Erasure) -> Result<SignedCertificate> {
        loop {
            let anchor = self.vault.anchor().await?;
            let progress = self.chain.progress(erasure.id, anchor.as_ref()).await?;
            let Some(next) = progress.next() else {
                return progress.certificate().cloned().ok_or_else(|| {
                    Error::new(ErrorKind::Unexpected, "erase", "a closed erasure has no certificate")
                });
            };
            self.tell(erasure.id, next, Moment::Begun);
            let step = self.effect(next, erasure, &progress).await.map_err(|cause| {
                Error::new(
                    ErrorKind::Incomplete,
                    "erase",
                    "a step failed: nothing is certified, and the next start resumes it",
                )
                .with("erasure", erasure.id)
                .with("step", next)
                .caused_by(cause)
            })?;
            self.tell(erasure.id, next, Moment::Effected);
            match self.chain.append(Timestamp::now(), erasure.id, step, anchor.as_ref()).await {
                Ok(head) => self.vault.set_anchor(&head).await?,
                // Another process took the step: go on from where it stands now.
                Err(error) if error.kind() == ErrorKind::Conflict => continue,
                Err(error) => return Err(error),
            }
            self.tell(erasure.id, next, Moment::Done);
        }
    }

    fn tell(&self, erasure: ErasureId, step: StepName, moment: Moment) {
        tracing::info!(%erasure, %step, ?moment, "erasure");
        if let Some(observer) = &self.observer {
            observer(&Progressed { erasure, step, moment });
        }
    }
}

#[cfg(test)]
mod tests;
