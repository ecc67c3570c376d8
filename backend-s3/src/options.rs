//! What a log is opened with.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Region, RequestChecksumCalculation};
use oubliette_core::{Error, ErrorKind, Result};

/// How long one request may take; a large object goes over a slow line in it.
const ATTEMPT: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(5);

/// Which bucket, which place in it, and how patient.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) client: Option<Client>,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) path_style: bool,
    pub(crate) patience: Duration,
    pub(crate) window: Duration,
    pub(crate) size: usize,
    pub(crate) checkpoint: u64,
    pub(crate) look: Duration,
    pub(crate) sweep_within: Duration,
}

impl Options {
    pub(crate) fn new(bucket: &str, prefix: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            client: None,
            endpoint: None,
            region: None,
            path_style: false,
            patience: Duration::from_secs(10),
            window: Duration::from_millis(50),
            size: 4 << 20,
            checkpoint: 256,
            look: Duration::from_millis(500),
            sweep_within: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// Puts a slash at the end of the prefix, which then is the name of a folder.
    pub(crate) fn check(mut self) -> Result<Self> {
        let named = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
        if !self.prefix.chars().all(named) || self.prefix.starts_with('/') || self.prefix.len() > 512 {
            return Err(Error::new(
                ErrorKind::Invalid,
                "open",
                "a prefix is of letters, digits and `/-_.`, at most 512, and does not begin with a slash",
            ));
        }
        if !self.prefix.is_empty() && !self.prefix.ends_with('/') {
            self.prefix.push('/');
        }
        Ok(self)
    }

    /// The client that was given, or one with the credentials that are usual for AWS.
    pub(crate) async fn connect(&self) -> Client {
        if let Some(client) = &self.client {
            return client.clone();
        }
        let mut usual = aws_config::from_env();
        if let Some(region) = &self.region {
            usual = usual.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &self.endpoint {
            usual = usual.endpoint_url(endpoint);
        }
        let config = Builder::from(&usual.load().await)
            .force_path_style(self.path_style)
            // Every object has a sum of its own, and compatible stores do not know all of those of AWS.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            // What is tried again is decided here, by what it was.
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build(),
            );
        Client::from_conf(config.build())
    }
}

/// The setters of a builder whose field `options` holds the [`Options`].
macro_rules! setters {
    () => {
        /// Where in the bucket it lies: all of its names begin like this. `oubliette/` and `log/`, or `backups/`, unless
        /// set. It is told in access logs: no personal data stands in it.
        pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
            self.options.prefix = prefix.into();
            self
        }

        /// Where S3 answers, for a compatible store. AWS unless set here or in the environment.
        pub fn endpoint(mut self, url: impl Into<String>) -> Self {
            self.options.endpoint = Some(url.into());
            self
        }

        /// The region. What the environment says unless set.
        pub fn region(mut self, region: impl Into<String>) -> Self {
            self.options.region = Some(region.into());
            self
        }

        /// Whether the bucket's name stands in the path, as most compatible stores want it. Off unless set.
        pub fn path_style(mut self, path_style: bool) -> Self {
            self.options.path_style = path_style;
            self
        }

        /// A client that is used as it is. Unless set one is made with the credentials that are usual for
        /// AWS: the environment, the profile, the container, the instance.
        ///
        /// What this client tries again by itself is tried again on top of `patience`.
        pub fn client(mut self, client: aws_sdk_s3::Client) -> Self {
            self.options.client = Some(client);
            self
        }

        /// How long a call goes on while S3 does not answer or is too busy. Ten seconds unless set.
        pub fn patience(mut self, patience: std::time::Duration) -> Self {
            self.options.patience = patience;
            self
        }
    };
}
pub(crate) use setters;
