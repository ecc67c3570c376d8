//! How the holder of the roots reaches KMS.

use std::fmt;
use std::time::Duration;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{Builder, Region};

use crate::kms::Kms;
use crate::roots::KmsRoots;

/// How long one try may take.
const ATTEMPT: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
/// How often the SDK tries, the first included.
const ATTEMPTS: u32 = 5;

/// Options of [`KmsRoots`], made by [`KmsRoots::builder`].
#[derive(Clone)]
#[must_use = "it does nothing until `build` is called"]
pub struct KmsRootsBuilder {
    client: Option<Client>,
    endpoint: Option<String>,
    region: Option<String>,
    policy: Option<String>,
    imported: bool,
    patience: Duration,
}

impl KmsRootsBuilder {
    pub(crate) fn new() -> Self {
        Self {
            client: None,
            endpoint: None,
            region: None,
            policy: None,
            imported: false,
            patience: Duration::from_secs(30),
        }
    }

    /// Where KMS answers. AWS unless set here or in the environment.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// The region, which is that of all roots. What the environment says unless set.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// A client that is used as it is. Unless set one is made with the credentials that are usual for
    /// AWS: the environment, the profile, the container, the instance.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The key policy of each KMS key that is made, as JSON. Unless set it is that of KMS, which leaves it to the
    /// account's own policies who may use a key.
    pub fn policy(mut self, policy: impl Into<String>) -> Self {
        self.policy = Some(policy.into());
        self
    }

    /// Whether the material of each KMS key is drawn here and imported, and no copy of it kept. Then a root is gone for
    /// good as soon as it is destroyed. It is off unless set: KMS promises less for the durability of such material, and if
    /// it loses it, **all personal data of the vault is lost**.
    pub fn imported(mut self, imported: bool) -> Self {
        self.imported = imported;
        self
    }

    /// How long a call goes on while KMS does not answer, is too busy, or does not agree yet that a key is there, or
    /// opens nothing any more. Thirty seconds unless set.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The holder. No call is made yet.
    pub async fn build(self) -> KmsRoots {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => self.connect().await,
        };
        KmsRoots::new(Kms::new(client, self.policy, self.imported, self.patience))
    }

    async fn connect(&self) -> Client {
        let mut usual = aws_config::from_env();
        if let Some(region) = &self.region {
            usual = usual.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &self.endpoint {
            usual = usual.endpoint_url(endpoint);
        }
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(self.patience);
        // Throttling, faults of the server and no answer are tried again here.
        let config = Builder::from(&usual.load().await)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts.build());
        Client::from_conf(config.build())
    }
}

impl fmt::Debug for KmsRootsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsRootsBuilder")
            .field("region", &self.region)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
