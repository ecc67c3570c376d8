//! The objects under a log's prefix, and the conditions on which they are written.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use backon::{ExponentialBuilder, Retryable as _};
use oubliette_core::{Error, ErrorKind, Result};

use crate::error::Failure;
use crate::options::Options;

/// What requests need, in the words of a policy. Who may not list a bucket is not told either that an object is
/// not there.
const READ: &str = "s3:GetObject on the log's prefix, and s3:ListBucket";
const WRITE: &str = "s3:PutObject on the log's prefix";
const LIST: &str = "s3:ListBucketVersions";
const ABORT: &str = "s3:ListBucketMultipartUploads, and s3:AbortMultipartUpload on the log's prefix";
/// What it takes to take a version away.
pub(crate) const ERASE: &str = "s3:DeleteObject and s3:DeleteObjectVersion on the log's prefix";

/// Objects of a bucket, named without the log's prefix.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    client: Client,
    bucket: String,
    prefix: String,
    patience: Duration,
}

/// An object as it was read.
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    /// What the object is replaced by, and nothing that came since.
    pub(crate) tag: String,
}

/// A version of an object.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) id: String,
    /// Whether it is what a reader sees now.
    pub(crate) is_latest: bool,
    /// Whether it says that the object was deleted.
    pub(crate) is_marker: bool,
}

/// A page of a listing, and where the next begins.
struct Listed {
    versions: Vec<Version>,
    next: Option<(String, String)>,
}

impl Store {
    pub(crate) fn new(client: Client, options: &Options) -> Self {
        Self {
            client,
            bucket: options.bucket.clone(),
            prefix: options.prefix.clone(),
            patience: options.patience,
        }
    }

    /// The client and the bucket, for what is asked of the bucket itself.
    pub(crate) fn bucket(&self) -> (&Client, &str) {
        (&self.client, &self.bucket)
    }

    /// What the names of all of the log's objects begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Reads an object; `None` when there is none.
    pub(crate) async fn get(&self, op: &'static str, name: &str) -> Result<Option<Object>> {
        let key = self.key(name);
        let got = self.retried(|| async {
            let got = self.client.get_object().bucket(&self.bucket).key(&key).send().await?;
            let tag = got.e_tag().unwrap_or_default().to_owned();
            let body = got.body.collect().await.map_err(|_| Failure::broken_off())?;
            Ok(Object { bytes: body.to_vec(), tag })
        });
        match got.await {
            Ok(object) => Ok(Some(object)),
            Err(failure) if failure.is_absent() => Ok(None),
            Err(failure) => Err(failure.into_error(op, READ)),
        }
    }

    /// Writes an object that must not be there yet: whether it was not.
    ///
    /// It is tried again, and so `false` may be told of what this very call has written.
    pub(crate) async fn create(&self, op: &'static str, name: &str, bytes: &[u8]) -> Result<bool> {
        self.put(op, name, bytes, None).await
    }

    /// Writes the first object of a store, and sees that conditions are kept here: all depends on them.
    ///
    /// # Errors
    /// `Invalid` for a store that writes what it was told not to.
    pub(crate) async fn found(&self, op: &'static str, name: &str, bytes: &[u8]) -> Result<()> {
        self.create(op, name, bytes).await?;
        match self.create(op, name, bytes).await? {
            true => Err(Error::new(
                ErrorKind::Invalid,
                op,
                "this store overwrites an object that `If-None-Match` protects: nothing is safe in it",
            )),
            false => Ok(()),
        }
    }

    /// Writes an object in the place of what was read: whether that was still there.
    ///
    /// It is tried again, and so `false` may be told of what this very call has written.
    pub(crate) async fn replace(
        &self,
        op: &'static str,
        name: &str,
        bytes: &[u8],
        tag: &str,
    ) -> Result<bool> {
        self.put(op, name, bytes, Some(tag)).await
    }

    async fn put(&self, op: &'static str, name: &str, bytes: &[u8], tag: Option<&str>) -> Result<bool> {
        let key = self.key(name);
        let put = self.retried(|| async {
            let put = self.client.put_object().bucket(&self.bucket).key(&key);
            let put = match tag {
                None => put.if_none_match("*"),
                Some(tag) => put.if_match(tag),
            };
            put.body(ByteStream::from(bytes.to_vec())).send().await?;
            Ok(())
        });
        match put.await {
            Ok(()) => Ok(true),
            Err(failure) if failure.is_lost() || (tag.is_some() && failure.is_absent()) => Ok(false),
            Err(failure) => Err(failure.into_error(op, WRITE)),
        }
    }

    /// Every version of every object whose name begins like this, markers of deletion too.
    pub(crate) async fn versions(&self, op: &'static str, begins: &str) -> Result<Vec<Version>> {
        let mut all = Vec::new();
        let mut from = None;
        loop {
            let listed = self.retried(|| self.list(begins, from.as_ref())).await;
            let Listed { versions, next } = listed.map_err(|failure| failure.into_error(op, LIST))?;
            all.extend(versions);
            match next {
                Some(next) => from = Some(next),
                None => return Ok(all),
            }
        }
    }

    async fn list(&self, begins: &str, from: Option<&(String, String)>) -> Result<Listed, Failure> {
        let (key, id) = from.cloned().unzip();
        let list = self.client.list_object_versions().bucket(&self.bucket).prefix(self.key(begins));
        let listed =
            list.set_key_marker(key).set_version_id_marker(id.filter(|id| !id.is_empty())).send().await?;
        let of = |is_marker: bool, key: Option<&str>, id: Option<&str>, is_latest: Option<bool>| Version {
            is_marker,
            name: key.and_then(|key| key.strip_prefix(&self.prefix)).unwrap_or_default().to_owned(),
            id: id.unwrap_or("null").to_owned(),
            is_latest: is_latest.unwrap_or(false),
        };
        let objects =
            listed.versions().iter().map(|one| of(false, one.key(), one.version_id(), one.is_latest()));
        let markers =
            listed.delete_markers().iter().map(|one| of(true, one.key(), one.version_id(), one.is_latest()));
        let next = listed.is_truncated().unwrap_or(false).then(|| {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            (text(listed.next_key_marker()), text(listed.next_version_id_marker()))
        });
        Ok(Listed { versions: objects.chain(markers).collect(), next })
    }

    /// Takes a version of an object away for good.
    pub(crate) async fn erase(&self, version: &Version) -> Result<(), Failure> {
        let key = self.key(&version.name);
        self.retried(|| async {
            let delete = self.client.delete_object().bucket(&self.bucket).key(&key);
            delete.version_id(&version.id).send().await?;
            Ok(())
        })
        .await
    }

    /// Ends every upload in parts that was begun under the prefix: parts of it lie there, unseen.
    pub(crate) async fn abort_uploads(&self, op: &'static str) -> Result<()> {
        let aborted = self.retried(|| async {
            let list = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(&self.prefix);
            let mut pages = list.send().await?;
            loop {
                for upload in pages.uploads() {
                    let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
                    let abort = self.client.abort_multipart_upload().bucket(&self.bucket);
                    abort.key(key).upload_id(id).send().await?;
                }
                if !pages.is_truncated().unwrap_or(false) {
                    return Ok(());
                }
                let list = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(&self.prefix);
                pages = list
                    .set_key_marker(pages.next_key_marker().map(str::to_owned))
                    .set_upload_id_marker(pages.next_upload_id_marker().map(str::to_owned))
                    .send()
                    .await?;
            }
        });
        aborted.await.map_err(|failure: Failure| failure.into_error(op, ABORT))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Makes a request again until it is answered, refused, or the time is up.
    pub(crate) async fn retried<T, F>(&self, request: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        request.retry(pauses(self.patience)).when(Failure::is_passing).await
    }
}

/// How long to pause before each new try: short first, never all at once.
fn pauses(patience: Duration) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_secs(1))
        .with_jitter()
        .without_max_times()
        .with_total_delay(Some(patience))
}
