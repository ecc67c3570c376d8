//! The calls to KMS, each with the permission that it needs.

use std::fmt;
use std::time::Duration;

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob as Bytes;
use aws_sdk_kms::types::{DataKeySpec, KeyMetadata, KeyState, OriginType, Tag};
use backon::{BackoffBuilder as _, ExponentialBuilder, Retryable as _};
use jiff::Timestamp;
use oubliette_core::{Error, ErrorKind, Result, VaultId};
use oubliette_vault::{Epoch, Secret};
use zeroize::Zeroize as _;

use crate::blob::{Wrapped, region};
use crate::error::{Cause, Failure};

/// The fewest days that KMS lets a key wait for its end.
const DAYS: i32 = 7;

/// A client of KMS, and how patient it is.
#[derive(Clone)]
pub(crate) struct Kms {
    client: Client,
    policy: Option<String>,
    imported: bool,
    patience: Duration,
}

/// How a KMS key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Enabled,
    Disabled,
    /// It opens nothing, and could be brought back until then.
    Pending(Timestamp),
    /// Its material, which was imported, is gone.
    Empty,
    /// KMS has no such key.
    Gone,
}

/// A key as KMS shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) standing: Standing,
    /// Whether its material was imported, and can be taken away.
    pub(crate) imported: bool,
}

/// What unwrapping a root gives.
pub(crate) enum Unwrapped {
    Root(Secret),
    /// KMS refuses because of the key's state.
    Refused(Failure),
    /// KMS has no such key.
    Gone,
}

/// A key that was made for a vault, as its alias says.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) epoch: Epoch,
    /// The id of the key, for calls in the account and region of the client.
    pub(crate) key: String,
}

impl Kms {
    pub(crate) fn new(client: Client, policy: Option<String>, imported: bool, patience: Duration) -> Self {
        Self { client, policy, imported, patience }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Makes the key of an epoch, names it, and gives its ARN.
    pub(crate) async fn make(&self, vault: VaultId, epoch: Epoch) -> Result<String> {
        const OP: &str = "create";
        self.region(OP)?;
        let tag = |key: &str, value: String| Tag::builder().tag_key(key).tag_value(value).build();
        let mut asked =
            self.client.create_key().description(format!("Oubliette: vault {vault}, epoch {epoch}"));
        for (key, value) in context(vault, epoch) {
            asked = asked.tags(tag(&format!("oubliette:{key}"), value).map_err(|_| unknown(OP))?);
        }
        let origin = if self.imported { OriginType::External } else { OriginType::AwsKms };
        let asked = asked.origin(origin).multi_region(false);
        let made = asked.set_policy(self.policy.clone()).send().await;
        let made = made.map_err(|error| told(error, OP, "kms:CreateKey, and kms:TagResource"))?;
        let made = made.key_metadata.ok_or_else(|| unknown(OP))?;
        let arn = made.arn().ok_or_else(|| unknown(OP))?.to_owned();
        let ready = async {
            if made.multi_region() == Some(true) {
                return Err(unknown(OP));
            }
            self.name(vault, epoch, made.key_id()).await?;
            if self.imported { self.import(&arn).await } else { Ok(()) }
        };
        if let Err(error) = ready.await {
            self.abandon(&arn).await;
            return Err(error);
        }
        Ok(arn)
    }

    /// Does not leave a key behind that came to nothing. Where this fails, too, it is one that opens nothing.
    pub(crate) async fn abandon(&self, key: &str) {
        if let Err(error) = self.schedule("create", key).await {
            tracing::warn!(kind = ?error.kind(), "a KMS key that no root needs is left behind");
        }
    }

    async fn name(&self, vault: VaultId, epoch: Epoch, key: &str) -> Result<()> {
        let alias = format!("{}{key}", prefix(vault, Some(epoch)));
        let call = || async {
            let named = self.client.create_alias().alias_name(&alias).target_key_id(key).send().await;
            match named.map_err(Failure::from) {
                // Its own, from a try whose answer was lost: nobody else uses the id of this key.
                Err(failure) if failure.cause() == Cause::Taken => Ok(()),
                named => named.map(drop),
            }
        };
        self.once_there(call).await.map_err(|it| it.into_error("create", "kms:CreateAlias on alias and key"))
    }

    /// Has a root made under a key, and gives it wrapped. Nobody has seen it yet.
    pub(crate) async fn wrap(&self, vault: VaultId, epoch: Epoch, key: &str) -> Result<Vec<u8>> {
        const OP: &str = "create";
        let call = || async {
            let asked = self.client.generate_data_key_without_plaintext().key_id(key);
            let asked =
                context(vault, epoch).into_iter().fold(asked, |it, (k, v)| it.encryption_context(k, v));
            Ok(asked.key_spec(DataKeySpec::Aes256).send().await?)
        };
        let made = self.once_there(call).await;
        let made = made.map_err(|it| it.into_error(OP, "kms:GenerateDataKeyWithoutPlaintext"))?;
        made.ciphertext_blob.map(Bytes::into_inner).ok_or_else(|| unknown(OP))
    }

    /// Opens a wrapped root.
    pub(crate) async fn unwrap(
        &self,
        op: &'static str,
        vault: VaultId,
        epoch: Epoch,
        wrapped: &Wrapped,
    ) -> Result<Unwrapped> {
        self.check_region(op, &wrapped.key)?;
        let asked =
            self.client.decrypt().key_id(&wrapped.key).ciphertext_blob(Bytes::new(wrapped.root.clone()));
        let asked = context(vault, epoch).into_iter().fold(asked, |it, (k, v)| it.encryption_context(k, v));
        let opened = match asked.send().await.map_err(Failure::from) {
            Ok(opened) => opened,
            Err(failure) => match failure.cause() {
                Cause::Disabled | Cause::State => return Ok(Unwrapped::Refused(failure)),
                Cause::Absent => return Ok(Unwrapped::Gone),
                _ => return Err(failure.into_error(op, "kms:Decrypt").with("epoch", epoch)),
            },
        };
        let mut plain = opened.plaintext.map(Bytes::into_inner).unwrap_or_default();
        let mut root = Secret::zeros();
        let is_one = plain.len() == root.bytes().len();
        if is_one {
            root.bytes_mut().copy_from_slice(&plain);
        }
        plain.zeroize();
        match is_one {
            true => Ok(Unwrapped::Root(root)),
            false => Err(Error::new(
                ErrorKind::Corrupt,
                op,
                "what KMS opens is no root: restore the records from the newest backup",
            )
            .with("epoch", epoch)),
        }
    }

    /// How a key stands.
    pub(crate) async fn seen(&self, op: &'static str, key: &str) -> Result<Seen> {
        self.check_region(op, key)?;
        let Some(key) = self.describe(op, key).await? else {
            return Ok(Seen { standing: Standing::Gone, imported: false });
        };
        let imported = key.origin() == Some(&OriginType::External);
        let standing = match (key.key_state(), key.deletion_date()) {
            (Some(KeyState::Enabled), _) => Ok(Standing::Enabled),
            (Some(KeyState::Disabled), _) => Ok(Standing::Disabled),
            (Some(KeyState::PendingDeletion), Some(until)) => {
                let until = Timestamp::new(until.secs(), 0).map_err(|_| unknown(op))?;
                Ok(Standing::Pending(until))
            }
            (Some(KeyState::PendingImport), _) if imported => Ok(Standing::Empty),
            (Some(KeyState::Creating | KeyState::Updating | KeyState::Unavailable), _) => Err(Error::new(
                ErrorKind::Unavailable,
                op,
                "the KMS key of the root is in between two states: try again",
            )),
            _ => Err(unknown(op)),
        };
        Ok(Seen { standing: standing?, imported })
    }

    /// What KMS knows of a key; none where it has none.
    pub(crate) async fn describe(&self, op: &'static str, key: &str) -> Result<Option<KeyMetadata>> {
        match self.client.describe_key().key_id(key).send().await.map_err(Failure::from) {
            Ok(told) => told.key_metadata.map(Some).ok_or_else(|| unknown(op)),
            Err(failure) if failure.cause() == Cause::Absent => Ok(None),
            Err(failure) => Err(failure.into_error(op, "kms:DescribeKey")),
        }
    }

    /// Disables a key, so that it opens nothing from now on. Done already, or gone, is as good.
    pub(crate) async fn disable(&self, op: &'static str, key: &str) -> Result<()> {
        let disabled = self.client.disable_key().key_id(key).send().await;
        disabled.map(drop).or_else(|error| passed(error.into(), op, "kms:DisableKey"))
    }

    /// Enables a key again.
    pub(crate) async fn enable(&self, op: &'static str, key: &str) -> Result<()> {
        let enabled = self.client.enable_key().key_id(key).send().await;
        enabled.map(drop).map_err(|error| told(error, op, "kms:EnableKey"))
    }

    /// Has a key come to its end as soon as KMS lets it. Done already, or gone, is as good.
    pub(crate) async fn schedule(&self, op: &'static str, key: &str) -> Result<()> {
        let asked = self.client.schedule_key_deletion().key_id(key).pending_window_in_days(DAYS);
        asked.send().await.map(drop).or_else(|error| passed(error.into(), op, "kms:ScheduleKeyDeletion"))
    }

    /// The keys that were made for a vault, or for one epoch of it, and are not gone.
    pub(crate) async fn named(
        &self,
        op: &'static str,
        vault: VaultId,
        epoch: Option<Epoch>,
    ) -> Result<Vec<Named>> {
        let (all, prefix) = (prefix(vault, None), prefix(vault, epoch));
        let mut named = Vec::new();
        let mut pages = self.client.list_aliases().into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| told(error, op, "kms:ListAliases"))?;
            named.extend(page.aliases.unwrap_or_default().into_iter().filter_map(|one| {
                let name = one.alias_name.filter(|name| name.starts_with(&prefix))?;
                let (number, _) = name.strip_prefix(&all)?.split_once('-')?;
                Some(Named { epoch: Epoch(number.parse().ok()?), key: one.target_key_id? })
            }));
        }
        Ok(named)
    }

    /// Whether KMS makes new material for a key now and then.
    pub(crate) async fn rotates(&self, op: &'static str, key: &str) -> Result<bool> {
        let told_of = self.client.get_key_rotation_status().key_id(key).send().await;
        Ok(told_of.map_err(|error| told(error, op, "kms:GetKeyRotationStatus"))?.key_rotation_enabled)
    }

    /// Looks until something is there, or patience ends.
    pub(crate) async fn until<T, F>(&self, look: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let mut pauses = self.pauses().build();
        loop {
            let seen = look().await?;
            match (seen, pauses.next()) {
                (Some(seen), _) => return Ok(Some(seen)),
                (None, Some(pause)) => tokio::time::sleep(pause).await,
                (None, None) => return Ok(None),
            }
        }
    }

    /// Calls until a key that was just made is seen: KMS agrees with itself a little later.
    pub(crate) async fn once_there<T, F>(&self, call: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        call.retry(self.pauses()).when(|failure| failure.cause() == Cause::Absent).await
    }

    fn pauses(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(2))
            .with_jitter()
            .without_max_times()
            .with_total_delay(Some(self.patience))
    }

    fn region(&self, op: &'static str) -> Result<&str> {
        self.client.config().region().map(AsRef::as_ref).ok_or_else(|| {
            let text = "no region of AWS is named: name one for the roots, or in the environment";
            Error::new(ErrorKind::Invalid, op, text)
        })
    }

    /// Another region has other keys: there it would look as if this one was gone.
    fn check_region(&self, op: &'static str, key: &str) -> Result<()> {
        let ours = self.region(op)?;
        match region(key) {
            // An id, which KMS gave us.
            "" => Ok(()),
            theirs if theirs == ours => Ok(()),
            theirs => Err(Error::new(
                ErrorKind::WrongVault,
                op,
                "the roots of this vault are in another region: open it with that one",
            )
            .with("theirs", theirs)
            .with("ours", ours)),
        }
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.client.config().region().map(AsRef::as_ref).unwrap_or("none");
        write!(f, "Kms({region})")
    }
}

/// What a root is bound to. It is told in the clear in CloudTrail: nothing else may stand in it.
fn context(vault: VaultId, epoch: Epoch) -> [(&'static str, String); 3] {
    [("app", "oubliette".to_owned()), ("vault", vault.to_string()), ("epoch", epoch.to_string())]
}

/// What the aliases of a vault's keys begin with, or those of one epoch. The id of the key follows.
fn prefix(vault: VaultId, epoch: Option<Epoch>) -> String {
    let vault = format!("alias/oubliette-{vault}-");
    epoch.map_or_else(|| vault.clone(), |epoch| format!("{vault}{epoch}-"))
}

fn passed(failure: Failure, op: &'static str, needs: &'static str) -> Result<()> {
    match failure.cause() {
        // Whether it is so is looked at afterwards.
        Cause::State | Cause::Absent => Ok(()),
        _ => Err(failure.into_error(op, needs)),
    }
}

pub(crate) fn told(error: impl Into<Failure>, op: &'static str, needs: &'static str) -> Error {
    error.into().into_error(op, needs)
}

pub(crate) fn unknown(op: &'static str) -> Error {
    Error::new(ErrorKind::Unexpected, op, "KMS gave an answer that this release does not know")
}
