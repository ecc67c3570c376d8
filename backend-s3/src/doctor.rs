//! What a bucket can promise about a store, and what it cannot.

mod permissions;
mod trial;

use oubliette_core::{EventId, Finding, Meaning, Result};

use crate::ground::Ground;
use crate::options::Options;
use crate::store::{ERASE, Store};

const OP: &str = "doctor";
/// What the names of the objects that it tries things out on begin with.
pub(crate) const PROBES: &str = "doctor/";

/// Looks at a bucket, and tries out what is only found by trying. What it puts there for that it takes away.
pub(crate) async fn examine(options: Options) -> Result<Vec<Finding>> {
    let options = options.check()?;
    let store = Store::new(options.connect().await, &options);
    let mut findings = Ground::of(&store).await?.findings();
    findings.push(encryption(&store).await?);
    let folder = format!("{PROBES}{}/", EventId::random()?);
    let permissions = permissions::try_each(&store, &folder).await?;
    let may_try = permissions.iter().all(|permission| permission.meaning == Meaning::Good);
    findings.extend(permissions);
    if !may_try {
        let unseen =
            "who may write and take away finds out whether this store keeps If-None-Match and If-Match";
        let (found, meaning) = ("not tried".to_owned(), Meaning::Unseen(unseen.to_owned()));
        findings.push(Finding { subject: trial::SUBJECT, found, meaning });
        return Ok(findings);
    }
    let tried = trial::conditions(&store, &folder).await;
    // Also of a trial that failed nothing is left.
    for version in store.versions(OP, &folder).await? {
        store.erase(&version).await.map_err(|failure| failure.into_error(OP, ERASE))?;
    }
    findings.push(tried?);
    Ok(findings)
}

async fn encryption(store: &Store) -> Result<Finding> {
    let (client, bucket) = store.bucket();
    let answer =
        store.retried(|| async { Ok(client.get_bucket_encryption().bucket(bucket).send().await?) }).await;
    let unseen = "sealed parts are encrypted in any case; whether all else is, whoever runs the store knows";
    let unseen = Meaning::Unseen(unseen.to_owned());
    let (found, meaning) = match answer {
        Ok(answer) => {
            let rules = answer.server_side_encryption_configuration();
            let rule = rules.and_then(|rules| rules.rules().first());
            let by = rule.and_then(|rule| rule.apply_server_side_encryption_by_default());
            match (by, rule.and_then(|rule| rule.bucket_key_enabled())) {
                (None, _) => ("none".to_owned(), unseen),
                // The id of a key of KMS is not told: it names an account.
                (Some(by), Some(true)) => {
                    (format!("{}, with a bucket key", by.sse_algorithm()), Meaning::Good)
                }
                (Some(by), _) => (by.sse_algorithm().to_string(), Meaning::Good),
            }
        }
        Err(failure) if failure.is_absent() || failure.is_unknown() => ("none".to_owned(), unseen),
        Err(failure) if failure.is_denied() => ("not told".to_owned(), unseen),
        Err(failure) => return Err(failure.into_error(OP, "s3:GetEncryptionConfiguration")),
    };
    Ok(Finding { subject: "encryption", found, meaning })
}
