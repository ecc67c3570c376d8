//! What is done in each roll before the old root goes.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use futures::future::BoxFuture;
use oubliette_core::{Error, ErrorKind, Result};
use oubliette_vault::Options;

use crate::vault::{Inner, LocalVault};

#[derive(Clone, Default)]
pub(crate) struct Keeping(Option<Arc<Keep>>);

type Keep = dyn Fn(LocalVault) -> BoxFuture<'static, Result<()>> + Send + Sync;

/// The vault that is being opened, once it is.
pub(crate) type Opened = Arc<OnceLock<Weak<Inner>>>;

impl Keeping {
    pub(crate) fn new(
        keep: impl Fn(LocalVault) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(keep)))
    }

    /// Options with it, and where the vault is to be put once it is open.
    pub(crate) fn into_options(self, options: Options) -> (Options, Opened) {
        let opened = Opened::default();
        let Some(keep) = self.0 else { return (options, opened) };
        let vault = opened.clone();
        let options = options.keeping(move || {
            let (keep, vault) = (keep.clone(), vault.clone());
            Box::pin(async move {
                let inner = vault.get().and_then(Weak::upgrade).ok_or_else(|| {
                    // A roll that was cut short is met before the vault is there.
                    Error::new(ErrorKind::Unavailable, "roll", "the vault is not open yet: roll when it is")
                })?;
                keep(LocalVault(inner)).await
            })
        });
        (options, opened)
    }
}

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeping({})", self.0.is_some())
    }
}
