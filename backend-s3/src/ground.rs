//! What the bucket does with what is taken away.

use aws_sdk_s3::types::ObjectLockRetentionMode;
use oubliette_core::{Error, ErrorKind, Result};

use crate::error::Failure;
use crate::store::Store;

const OP: &str = "open";

/// What was found about a bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ground {
    /// What may keep bytes that no sweep reaches.
    keeps: Vec<&'static str>,
}

impl Ground {
    /// Looks at the bucket.
    ///
    /// # Errors
    /// `Invalid` for one from which nothing can be taken away; those of S3.
    pub(crate) async fn of(store: &Store) -> Result<Self> {
        let mut ground = Self::default();
        let (client, bucket) = store.bucket();
        let lock = store
            .retried(|| async { Ok(client.get_object_lock_configuration().bucket(bucket).send().await?) });
        if let Some(found) =
            ground.seen(lock.await, "whether objects are locked (s3:GetBucketObjectLockConfiguration)")?
        {
            let rule = found.object_lock_configuration().and_then(|lock| lock.rule());
            let retention = rule.and_then(|rule| rule.default_retention());
            match retention.and_then(|retention| retention.mode()) {
                Some(ObjectLockRetentionMode::Compliance) => {
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        OP,
                        "this bucket locks every object in compliance mode, and then nobody can erase it: use another \
                         bucket",
                    ));
                }
                Some(_) => ground.keeps.push("every object is locked for a time (governance mode)"),
                None => {}
            }
        }
        let replicas =
            store.retried(|| async { Ok(client.get_bucket_replication().bucket(bucket).send().await?) });
        let seen =
            ground.seen(replicas.await, "whether it is replicated (s3:GetReplicationConfiguration)")?;
        if seen.is_some_and(|found| {
            found.replication_configuration().is_some_and(|found| !found.rules().is_empty())
        }) {
            ground.keeps.push("it is replicated, and a replica keeps versions that are deleted here");
        }
        Ok(ground)
    }

    /// Why bytes may stay where no sweep reaches them, if anything may keep them.
    pub(crate) fn keeps(&self) -> Option<String> {
        (!self.keeps.is_empty()).then(|| format!("of the bucket: {}", self.keeps.join("; ")))
    }

    /// What was answered; none where nothing of the kind is set up, or the store has none.
    fn seen<T>(&mut self, answer: Result<T, Failure>, unseen: &'static str) -> Result<Option<T>> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is_absent() || failure.is_unknown() => Ok(None),
            Err(failure) if failure.is_denied() => {
                self.keeps.push(unseen);
                Ok(None)
            }
            Err(failure) => Err(failure.into_error(OP)),
        }
    }
}
