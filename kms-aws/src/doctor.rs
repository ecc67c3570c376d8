//! What the KMS keys of a vault promise, and those that no root needs.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use oubliette_core::{Finding, KeyVault as _, Meaning, Result};
use oubliette_vault::{Epoch, Vault};

use crate::blob::Wrapped;
use crate::kms::{Named, Standing};
use crate::roots::KmsRoots;

const OP: &str = "doctor";

const ELSEWHERE: &str =
    "this account and region has no key of the vault, and cannot tell what is gone: check them";
const ROTATES: &str = "KMS keeps every older version, and rotation erases nothing: turn it off with `aws kms \
                       disable-key-rotation`, and roll";
const REPLICAS: &str = "a replica in another region outlives the deletion here: delete the replicas";
const STRAYS: &str = "until a roll that goes on has kept them, or `destroy_strays` is called: they open nothing, and \
                      cost money";

impl KmsRoots {
    /// Looks at the KMS keys of a vault, and changes nothing.
    ///
    /// # Errors
    /// `Denied` where these credentials may not look; `Unavailable`.
    pub async fn examine(&self, vault: &Vault) -> Result<Vec<Finding>> {
        let keys = self.kms.named(OP, vault.id(), None).await?;
        let kept = kept(vault).await?;
        let (mut rotating, mut many, mut strays, mut pending) = (0, 0, 0, 0);
        for named in &keys {
            let Some(told) = self.kms.describe(OP, &named.key).await? else { continue };
            many += usize::from(told.multi_region() == Some(true));
            match self.kms.seen(OP, &named.key).await?.standing {
                Standing::Pending(_) | Standing::Empty | Standing::Gone => {
                    pending += 1;
                    continue;
                }
                Standing::Enabled => rotating += usize::from(self.kms.rotates(OP, &named.key).await?),
                Standing::Disabled => {}
            }
            strays += usize::from(!kept.contains(&named.key));
        }
        let of_vault = format!("{} of this vault, of which {pending} wait for their end", keys.len());
        Ok(vec![
            finding("KMS keys", of_vault, keys.is_empty(), Meaning::Lowers, ELSEWHERE),
            finding("key rotation", format!("on for {rotating}"), rotating > 0, Meaning::Lowers, ROTATES),
            finding("regions", format!("{many} keys of more than one"), many > 0, Meaning::Lowers, REPLICAS),
            finding("keys that no root needs", strays.to_string(), strays > 0, Meaning::Passing, STRAYS),
        ])
    }

    /// Destroys the keys that processes made and died over before the vault had kept their root, and gives their epochs.
    ///
    /// They open nothing, and cost money. A day is a good age: what is younger may be of a roll that goes on.
    ///
    /// # Errors
    /// `Denied` where these credentials may not do that; `Unavailable`.
    pub async fn destroy_strays(&self, vault: &Vault, older_than: Duration) -> Result<Vec<Epoch>> {
        const OP: &str = "destroy";
        // Keys first: what is kept meanwhile is found among what is kept.
        let named = self.kms.named(OP, vault.id(), None).await?;
        let kept_now = kept(vault).await?;
        let mut destroyed = Vec::new();
        for Named { epoch, key } in named.into_iter().filter(|named| !kept_now.contains(&named.key)) {
            let Some(told) = self.kms.describe(OP, &key).await? else { continue };
            let made = told.creation_date().map_or(i64::MAX, |date| date.secs());
            let age = Timestamp::now().as_second().saturating_sub(made);
            let lives =
                matches!(self.kms.seen(OP, &key).await?.standing, Standing::Enabled | Standing::Disabled);
            if !lives || u64::try_from(age).is_ok_and(|age| age < older_than.as_secs()) || age < 0 {
                continue;
            }
            // Whoever is about to keep it opens it first, and cannot any more: only then it is looked at again.
            self.kms.disable(OP, &key).await?;
            if kept(vault).await?.contains(&key) {
                self.kms.enable(OP, &key).await?;
                continue;
            }
            self.end(vault.id(), epoch, &key, None).await?;
            destroyed.push(epoch);
        }
        Ok(destroyed)
    }
}

/// The ids of the keys whose roots the vault keeps.
async fn kept(vault: &Vault) -> Result<BTreeSet<String>> {
    let roots = vault.roots().await?.into_iter();
    let kept = roots.map(|(epoch, blob)| Wrapped::of(OP, vault.id(), epoch, &blob));
    kept.map(|wrapped| Ok(wrapped?.key.rsplit('/').next().unwrap_or_default().to_owned())).collect()
}

fn finding(
    subject: &'static str,
    found: String,
    is_bad: bool,
    means: fn(String) -> Meaning,
    text: &str,
) -> Finding {
    let meaning = if is_bad { means(text.to_owned()) } else { Meaning::Good };
    Finding { subject, found, meaning }
}
