//! What the bucket does with what is put there, and with what is taken away.

use aws_sdk_s3::types::{ExpirationStatus, LifecycleRule, MfaDeleteStatus, ObjectLockRetentionMode};
use oubliette_core::{Error, ErrorKind, Result};

use crate::error::Failure;
use crate::store::Store;

const OP: &str = "open";

/// What was found about a bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ground {
    /// What may keep bytes that no sweep reaches.
    keeps: Vec<String>,
}

impl Ground {
    /// Looks at the bucket.
    ///
    /// # Errors
    /// `Invalid` for one from which nothing can be taken away, or in which the log would not stay; those of S3.
    pub(crate) async fn of(store: &Store) -> Result<Self> {
        let mut ground = Self::default();
        ground.look_at_locks(store).await?;
        ground.look_at_replicas(store).await?;
        ground.look_at_versioning(store).await?;
        ground.look_at_lifecycle(store).await?;
        Ok(ground)
    }

    /// Why bytes may stay where no sweep reaches them, if anything may keep them.
    pub(crate) fn keeps(&self) -> Option<String> {
        (!self.keeps.is_empty()).then(|| format!("of the bucket: {}", self.keeps.join("; ")))
    }

    async fn look_at_locks(&mut self, store: &Store) -> Result<()> {
        let (client, bucket) = store.bucket();
        let lock = store
            .retried(|| async { Ok(client.get_object_lock_configuration().bucket(bucket).send().await?) });
        let Some(found) = self.seen(lock.await, "s3:GetBucketObjectLockConfiguration")? else {
            return Ok(());
        };
        let rule = found.object_lock_configuration().and_then(|lock| lock.rule());
        match rule.and_then(|rule| rule.default_retention()).and_then(|retention| retention.mode()) {
            Some(ObjectLockRetentionMode::Compliance) => refused(
                "this bucket locks every object in compliance mode, and then nobody can erase it: use another bucket",
            ),
            Some(_) => {
                self.keeps.push("every object is locked for a time (governance mode)".to_owned());
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn look_at_replicas(&mut self, store: &Store) -> Result<()> {
        let (client, bucket) = store.bucket();
        let replicas =
            store.retried(|| async { Ok(client.get_bucket_replication().bucket(bucket).send().await?) });
        let seen = self.seen(replicas.await, "s3:GetReplicationConfiguration")?;
        let rules = seen.and_then(|found| found.replication_configuration).map(|found| found.rules);
        if rules.is_some_and(|rules| !rules.is_empty()) {
            self.keeps
                .push("it is replicated, and a replica keeps versions that are deleted here".to_owned());
        }
        Ok(())
    }

    async fn look_at_versioning(&mut self, store: &Store) -> Result<()> {
        let (client, bucket) = store.bucket();
        let versions =
            store.retried(|| async { Ok(client.get_bucket_versioning().bucket(bucket).send().await?) });
        let seen = self.seen(versions.await, "s3:GetBucketVersioning")?;
        if seen.is_some_and(|found| found.mfa_delete == Some(MfaDeleteStatus::Enabled)) {
            self.keeps
                .push("versions of objects are deleted with a second factor alone (MFA delete)".to_owned());
        }
        Ok(())
    }

    /// A rule that lets objects expire would take the log itself away.
    async fn look_at_lifecycle(&mut self, store: &Store) -> Result<()> {
        let (client, bucket) = store.bucket();
        let rules = store.retried(|| async {
            Ok(client.get_bucket_lifecycle_configuration().bucket(bucket).send().await?)
        });
        // Who may not see the rules relies on whoever made the bucket: nothing of what they say keeps bytes.
        let rules = match rules.await {
            Err(failure) if failure.is_denied() => return Ok(()),
            rules => self.seen(rules, "")?.and_then(|found| found.rules).unwrap_or_default(),
        };
        match rules.iter().any(|rule| expires(rule, store.prefix())) {
            true => refused(
                "a lifecycle rule of this bucket lets the log's objects expire: leave its prefix out of the rule, or \
                 use another bucket",
            ),
            false => Ok(()),
        }
    }

    /// What was answered; none where nothing of the kind is set up, or the store has none.
    fn seen<T>(&mut self, answer: Result<T, Failure>, needs: &'static str) -> Result<Option<T>> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is_absent() || failure.is_unknown() => Ok(None),
            Err(failure) if failure.is_denied() => {
                self.keeps
                    .push(format!("these credentials may not see how it is set up, which needs {needs}"));
                Ok(None)
            }
            Err(failure) => Err(failure.into_error(OP, needs)),
        }
    }
}

/// Whether a rule takes away what readers see under a prefix.
fn expires(rule: &LifecycleRule, prefix: &str) -> bool {
    let by_time = rule.expiration().is_some_and(|when| when.days().is_some() || when.date().is_some());
    #[expect(deprecated, reason = "rules that were made long ago have their prefix there")]
    let old = rule.prefix();
    let of_filter =
        rule.filter().and_then(|filter| filter.prefix().or(filter.and().and_then(|and| and.prefix())));
    let about = of_filter.or(old).unwrap_or_default();
    by_time
        && *rule.status() == ExpirationStatus::Enabled
        && (prefix.starts_with(about) || about.starts_with(prefix))
}

fn refused<T>(text: &'static str) -> Result<T> {
    Err(Error::new(ErrorKind::Invalid, OP, text))
}
