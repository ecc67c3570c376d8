//! What the bucket does with what is put there, and with what is taken away.

use std::time::Duration;

use aws_sdk_s3::types::{
    ExpirationStatus, LifecycleRule, MfaDeleteStatus, ObjectLockRetentionMode, TransitionStorageClass,
};
use oubliette_core::{Error, ErrorKind, Finding, Meaning, Promise, Result};

use crate::error::Failure;
use crate::store::Store;

const OP: &str = "open";
/// What is found where a bucket has nothing of a kind.
const NONE: &str = "none";

/// What was found about a bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ground {
    findings: Vec<Finding>,
    /// Why no log is opened in it.
    refuses: Option<&'static str>,
}

/// What a bucket has set up, as far as these credentials may see it.
enum Seen<T> {
    Found(T),
    /// Nothing of the kind, or the store has none.
    Nothing,
    Denied,
}

impl Ground {
    /// Looks at the bucket.
    ///
    /// # Errors
    /// Those of S3.
    pub(crate) async fn of(store: &Store) -> Result<Self> {
        let mut ground = Self::default();
        ground.look_at_locks(store).await?;
        ground.look_at_replicas(store).await?;
        ground.look_at_versioning(store).await?;
        ground.look_at_lifecycle(store).await?;
        Ok(ground)
    }

    /// Refuses a bucket from which nothing can be taken away, or in which the log would not stay.
    ///
    /// # Errors
    /// `Invalid` for such a one.
    pub(crate) fn check(&self) -> Result<()> {
        self.refuses.map_or(Ok(()), |text| Err(Error::new(ErrorKind::Invalid, OP, text)))
    }

    /// Why bytes may stay where no sweep reaches them, if anything may keep them.
    pub(crate) fn keeps(&self) -> Option<String> {
        let lowers = self.findings.iter().filter_map(|finding| match &finding.meaning {
            Meaning::Lowers(why) => Some(why.as_str()),
            Meaning::Good | Meaning::Passing(_) | Meaning::Unseen(_) => None,
        });
        let why: Vec<&str> = lowers.collect();
        (!why.is_empty()).then(|| format!("of the bucket: {}", why.join("; ")))
    }

    /// What a store promises here that is swept within a time.
    pub(crate) fn promise(&self, sweep_within: Duration) -> Promise {
        let bytes_gone = self.keeps().is_none().then_some(sweep_within);
        Promise { bytes_gone, ..Promise::AT_ONCE }
    }

    pub(crate) fn findings(self) -> Vec<Finding> {
        self.findings
    }

    async fn look_at_locks(&mut self, store: &Store) -> Result<()> {
        const COMPLIANCE: &str = "this bucket locks every object in compliance mode, and then nobody can erase it: use another bucket";
        let (client, bucket) = store.bucket();
        let lock = store
            .retried(|| async { Ok(client.get_object_lock_configuration().bucket(bucket).send().await?) });
        let (found, meaning) = match seen(lock.await)? {
            Seen::Denied => untold("s3:GetBucketObjectLockConfiguration"),
            Seen::Nothing => (NONE, Meaning::Good),
            Seen::Found(found) => {
                let rule = found.object_lock_configuration().and_then(|lock| lock.rule());
                match rule.and_then(|rule| rule.default_retention()).and_then(|retention| retention.mode()) {
                    Some(ObjectLockRetentionMode::Compliance) => {
                        self.refuses = Some(COMPLIANCE);
                        ("compliance mode", Meaning::Lowers(COMPLIANCE.to_owned()))
                    }
                    Some(_) => (
                        "governance mode",
                        Meaning::Lowers("every object is locked for a time: use a bucket without".to_owned()),
                    ),
                    None if found.object_lock_configuration().is_some() => {
                        ("on, and no object is locked by itself", Meaning::Good)
                    }
                    None => (NONE, Meaning::Good),
                }
            }
        };
        self.add("object lock", found, meaning);
        Ok(())
    }

    async fn look_at_replicas(&mut self, store: &Store) -> Result<()> {
        let (client, bucket) = store.bucket();
        let replicas =
            store.retried(|| async { Ok(client.get_bucket_replication().bucket(bucket).send().await?) });
        let (found, meaning) = match seen(replicas.await)? {
            Seen::Denied => untold("s3:GetReplicationConfiguration"),
            Seen::Found(found) if found.replication_configuration().is_some_and(|it| !it.rules().is_empty()) => (
                "to another bucket",
                Meaning::Lowers(
                    "it is replicated, and a replica keeps versions that are deleted here: end the replication, and \
                     take the replica away"
                        .to_owned(),
                ),
            ),
            Seen::Found(_) | Seen::Nothing => (NONE, Meaning::Good),
        };
        self.add("replication", found, meaning);
        Ok(())
    }

    async fn look_at_versioning(&mut self, store: &Store) -> Result<()> {
        let (client, bucket) = store.bucket();
        let versions =
            store.retried(|| async { Ok(client.get_bucket_versioning().bucket(bucket).send().await?) });
        let (found, meaning) = match seen(versions.await)? {
            Seen::Denied => untold("s3:GetBucketVersioning"),
            Seen::Found(found) if found.mfa_delete == Some(MfaDeleteStatus::Enabled) => (
                "on, with MFA delete",
                Meaning::Lowers(
                    "versions of objects are deleted with a second factor alone: turn MFA delete off"
                        .to_owned(),
                ),
            ),
            // A sweep takes every version but the last away.
            Seen::Found(found) if found.status().is_some() => ("on, or suspended", Meaning::Good),
            Seen::Found(_) | Seen::Nothing => ("off", Meaning::Good),
        };
        self.add("versioning", found, meaning);
        Ok(())
    }

    /// A rule that lets objects expire would take the log itself away, and one that archives them would
    /// keep it from being read.
    async fn look_at_lifecycle(&mut self, store: &Store) -> Result<()> {
        const EXPIRES: &str = "a lifecycle rule of this bucket lets the log's objects expire: leave its prefix out \
                               of the rule, or use another bucket";
        let (client, bucket) = store.bucket();
        let rules = store.retried(|| async {
            Ok(client.get_bucket_lifecycle_configuration().bucket(bucket).send().await?)
        });
        let (found, meaning) = match seen(rules.await)? {
            // Nothing of what they say keeps bytes.
            Seen::Denied => (
                "not told",
                Meaning::Unseen(
                    "whether the log would expire or be archived, who may s3:GetLifecycleConfiguration sees"
                        .to_owned(),
                ),
            ),
            Seen::Nothing => (NONE, Meaning::Good),
            Seen::Found(found) => {
                let about = |rule: &&LifecycleRule| is_about(rule, store.prefix());
                let rules: Vec<_> = found.rules().iter().filter(about).collect();
                if rules.iter().any(|rule| expires(rule)) {
                    self.refuses = self.refuses.or(Some(EXPIRES));
                    ("the log expires", Meaning::Lowers(EXPIRES.to_owned()))
                } else if rules.iter().any(|rule| archives(rule)) {
                    let text = "a lifecycle rule of this bucket archives the log's objects, and then nobody reads or \
                                sweeps them: leave its prefix out of the rule";
                    ("the log is archived", Meaning::Lowers(text.to_owned()))
                } else {
                    ("nothing of the log's expires", Meaning::Good)
                }
            }
        };
        self.add("lifecycle", found, meaning);
        Ok(())
    }

    fn add(&mut self, subject: &'static str, found: &str, meaning: Meaning) {
        self.findings.push(Finding { subject, found: found.to_owned(), meaning });
    }
}

fn seen<T>(answer: Result<T, Failure>) -> Result<Seen<T>> {
    match answer {
        Ok(found) => Ok(Seen::Found(found)),
        Err(failure) if failure.is_absent() || failure.is_unknown() => Ok(Seen::Nothing),
        Err(failure) if failure.is_denied() => Ok(Seen::Denied),
        Err(failure) => Err(failure.into_error(OP, "")),
    }
}

fn untold(needs: &str) -> (&'static str, Meaning) {
    let why = format!("these credentials may not see how it is set up: allow them {needs}");
    ("not told", Meaning::Lowers(why))
}

/// Whether a rule is in force for objects under a prefix.
fn is_about(rule: &LifecycleRule, prefix: &str) -> bool {
    #[expect(deprecated, reason = "rules that were made long ago have their prefix there")]
    let old = rule.prefix();
    let of_filter =
        rule.filter().and_then(|filter| filter.prefix().or(filter.and().and_then(|and| and.prefix())));
    let about = of_filter.or(old).unwrap_or_default();
    *rule.status() == ExpirationStatus::Enabled && (prefix.starts_with(about) || about.starts_with(prefix))
}

/// Whether a rule takes away what readers see.
fn expires(rule: &LifecycleRule) -> bool {
    rule.expiration().is_some_and(|when| when.days().is_some() || when.date().is_some())
}

/// Whether a rule moves objects to where they are not read at once.
fn archives(rule: &LifecycleRule) -> bool {
    let mut classes = rule.transitions().iter().filter_map(|transition| transition.storage_class());
    classes
        .any(|class| matches!(class, TransitionStorageClass::Glacier | TransitionStorageClass::DeepArchive))
}
