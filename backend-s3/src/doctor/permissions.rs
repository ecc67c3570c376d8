//! Which requests these credentials may make, found out one by one. Nothing is left of any.

use aws_sdk_s3::primitives::ByteStream;
use oubliette_core::{Finding, Meaning, Result};

use super::OP;
use crate::error::Failure;
use crate::store::Store;

/// A tag that no object has.
const NO_TAG: &str = "\"00000000000000000000000000000000\"";
/// An upload in parts that was never begun.
const NO_UPLOAD: &str = "0000000000000000000000000000000000000000000000";

/// Tries every request that a store makes, on an object that is not there.
///
/// # Errors
/// `NotFound` when there is no such bucket; `Unavailable`.
pub(super) async fn try_each(store: &Store, folder: &str) -> Result<Vec<Finding>> {
    let (client, bucket) = store.bucket();
    let prefix = store.prefix();
    let key = format!("{prefix}{folder}nothing");
    let mut findings = Vec::new();
    let mut add = |action, lacking, answer: Result<(), Failure>| -> Result<()> {
        findings.push(finding(action, lacking, answer)?);
        Ok(())
    };
    const READ: &str = "a log does not open without it";
    const SWEEP: &str = "a sweep is blocked without it";
    let listed = store.retried(|| async {
        client.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(1).send().await?;
        Ok(())
    });
    let listed = listed.await;
    let may_list = !listed.as_ref().is_err_and(Failure::is_denied);
    add("s3:ListBucket", READ, listed)?;
    let got = store.retried(|| async {
        client.get_object().bucket(bucket).key(&key).send().await?;
        Ok(())
    });
    let got = match got.await {
        // Who may not list is not told either that there is no such object: it says nothing.
        Err(failure) if failure.is_denied() && !may_list => None,
        got => Some(got),
    };
    got.map_or(Ok(()), |got| add("s3:GetObject", READ, got))?;
    // In the place of what is not there: a store that keeps the condition writes nothing.
    let put = store.retried(|| async {
        let put = client.put_object().bucket(bucket).key(&key).if_match(NO_TAG);
        put.body(ByteStream::from_static(b"")).send().await?;
        Ok(())
    });
    add("s3:PutObject", "nothing is appended, scrubbed or swept without it", put.await)?;
    let versions = store.retried(|| async {
        client.list_object_versions().bucket(bucket).prefix(&key).max_keys(1).send().await?;
        Ok(())
    });
    add("s3:ListBucketVersions", SWEEP, versions.await)?;
    let erased = store.retried(|| async {
        client.delete_object().bucket(bucket).key(&key).version_id("null").send().await?;
        Ok(())
    });
    add("s3:DeleteObjectVersion", SWEEP, erased.await)?;
    let uploads = store.retried(|| async {
        client.list_multipart_uploads().bucket(bucket).prefix(prefix).max_uploads(1).send().await?;
        Ok(())
    });
    add("s3:ListBucketMultipartUploads", SWEEP, uploads.await)?;
    let aborted = store.retried(|| async {
        client.abort_multipart_upload().bucket(bucket).key(&key).upload_id(NO_UPLOAD).send().await?;
        Ok(())
    });
    add("s3:AbortMultipartUpload", SWEEP, aborted.await)?;
    Ok(findings)
}

/// What an answer says about a permission: any answer about the object itself is of one who may ask.
fn finding(action: &'static str, lacking: &str, answer: Result<(), Failure>) -> Result<Finding> {
    let (found, meaning) = match answer {
        Err(failure) if failure.is_denied() => (
            "denied",
            Meaning::Lowers(format!("{lacking}: allow it to whoever does that, and to nobody else")),
        ),
        Err(failure) if failure.is_of_an_object() => ("allowed", Meaning::Good),
        Err(failure) => return Err(failure.into_error(OP, action)),
        Ok(()) => ("allowed", Meaning::Good),
    };
    Ok(Finding { subject: action, found: found.to_owned(), meaning })
}
