//! The house: a log, a vault and a ledger that belong together.

use std::fmt;
use std::sync::Arc;

use serde_json::json;

use crate::backup::BackupRegister;
use crate::documents::Documents;
use crate::envelope::Envelope;
use crate::erasure::{Chain, Observer, Progressed};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, EventType, FOUNDING, StreamId, Version};
use crate::ledger::Ledger;
use crate::log::{Batch, EventLog, Expect, Query};
use crate::projector::Projector;
use crate::promise::Promise;
use crate::seal::Padding;
use crate::snapshot::SnapshotStore;
use crate::upcast::{Upcast, Upcasts};
use crate::vault::KeyVault;

/// An event store that can forget. Cheap to clone.
#[derive(Clone)]
pub struct Oubliette {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) vault: Arc<dyn KeyVault>,
    pub(crate) chain: Arc<Chain>,
    pub(crate) upcasts: Arc<Upcasts>,
    pub(crate) observer: Option<Observer>,
    pub(crate) padding: Padding,
    pub(crate) documents: Option<Arc<dyn Documents>>,
    pub(crate) snapshots: Option<Arc<dyn SnapshotStore>>,
    pub(crate) projectors: Arc<[Arc<dyn Projector>]>,
    pub(crate) backups: Arc<[Arc<dyn BackupRegister>]>,
}

impl Oubliette {
    /// Starts a house from its three required parts.
    pub fn builder(log: Arc<dyn EventLog>, vault: Arc<dyn KeyVault>, ledger: Arc<dyn Ledger>) -> Builder {
        Builder {
            log,
            vault,
            ledger,
            upcasts: Ok(Upcasts::default()),
            observer: None,
            padding: Padding::None,
            required: None,
            documents: None,
            snapshots: None,
            projectors: Vec::new(),
            backups: Vec::new(),
        }
    }

    /// The event log. It yields envelopes: what they seal stays sealed.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// The key vault.
    pub fn vault(&self) -> &Arc<dyn KeyVault> {
        &self.vault
    }

    /// What this house promises: the worst of its parts.
    pub fn promise(&self) -> Promise {
        let mut promise = self.log.promise().and(self.vault.promise());
        if let Some(documents) = &self.documents {
            promise = promise.and(documents.promise());
        }
        if let Some(snapshots) = &self.snapshots {
            promise = promise.and(snapshots.promise());
        }
        promise
    }

    /// The store of documents, if the house has one.
    pub fn documents(&self) -> Option<&Arc<dyn Documents>> {
        self.documents.as_ref()
    }

    /// The store of snapshots, if the house has one.
    pub fn snapshots(&self) -> Option<&Arc<dyn SnapshotStore>> {
        self.snapshots.as_ref()
    }

    /// Checks that log and vault belong together, or makes them.
    async fn found(&self) -> Result<()> {
        use futures::TryStreamExt as _;

        let vault = self.vault.id().to_string();
        let stream = StreamId::new(FOUNDING)?;
        let query = || Query::stream(stream.clone()).limit(1);
        let mut founding = self.log.read(query()).try_next().await?;
        if founding.is_none() {
            if self.log.head().await?.0 > 0 {
                return Err(Error::new(
                    ErrorKind::WrongVault,
                    "build",
                    "the log has events but does not say which vault they are sealed by: it was not \
                     written by this toolkit, or is damaged",
                ));
            }
            let event = system_event("Founded", json!({ "vault": vault }))?;
            match self.log.append(Batch::one(stream.clone(), Expect::New, vec![event])).await {
                Ok(_) => return Ok(()),
                // Another process founded it a moment ago.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    founding = self.log.read(query()).try_next().await?;
                }
                Err(error) => return Err(error),
            }
        }
        let founded = founding.into_iter().flatten().next().and_then(|event| {
            let open: serde_json::Value = serde_json::from_slice(&event.envelope.open).ok()?;
            Some(open.get("vault")?.as_str()?.to_owned())
        });
        match founded {
            Some(id) if id == vault => Ok(()),
            Some(id) => Err(Error::new(
                ErrorKind::WrongVault,
                "build",
                "the log was sealed by another vault: open it with that vault, or nothing in it can be read",
            )
            .with("log_belongs_to", id)
            .with("vault", vault)),
            None => Err(Error::new(
                ErrorKind::Corrupt,
                "build",
                "the event that names the log's vault cannot be read: restore the log",
            )),
        }
    }
}

impl fmt::Debug for Oubliette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oubliette")
            .field("log", &self.log)
            .field("vault", &self.vault)
            .finish_non_exhaustive()
    }
}

/// Makes an [`Oubliette`]. Required parts are arguments, options are setters.
pub struct Builder {
    log: Arc<dyn EventLog>,
    vault: Arc<dyn KeyVault>,
    ledger: Arc<dyn Ledger>,
    upcasts: Result<Upcasts>,
    observer: Option<Observer>,
    padding: Padding,
    required: Option<Promise>,
    documents: Option<Arc<dyn Documents>>,
    snapshots: Option<Arc<dyn SnapshotStore>>,
    projectors: Vec<Arc<dyn Projector>>,
    backups: Vec<Arc<dyn BackupRegister>>,
}

impl Builder {
    /// Lifts events of a type from version `from` of its schema to the next, when read.
    ///
    /// Register them in order, from version 1. New events are written in the newest.
    #[must_use]
    pub fn upcast(
        mut self,
        event_type: impl AsRef<str>,
        from: u32,
        upcast: impl Fn(serde_json::Value) -> Result<serde_json::Value> + Send + Sync + 'static,
    ) -> Self {
        self.upcasts = self.upcasts.and_then(|mut upcasts| {
            upcasts.register(EventType::new(event_type)?, from, Box::new(upcast) as Upcast)?;
            Ok(upcasts)
        });
        self
    }

    /// Hides the length of personal values. Default: none.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Calls `observer` around each step of each erasure, from any thread.
    #[must_use]
    pub fn observer(mut self, observer: impl Fn(&Progressed) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The store in which projections keep their documents. Every erasure runs through it,
    /// whatever is in it.
    #[must_use]
    pub fn documents(mut self, documents: Arc<dyn Documents>) -> Self {
        self.documents = Some(documents);
        self
    }

    /// The store in which snapshots are kept. Every erasure runs through it.
    #[must_use]
    pub fn snapshots(mut self, snapshots: Arc<dyn SnapshotStore>) -> Self {
        self.snapshots = Some(snapshots);
        self
    }

    /// Something else that is derived from the log, and forgets with it: several, each
    /// under a name of its own. Run it with [`Projections`](crate::Projections).
    #[must_use]
    pub fn projector(mut self, projector: Arc<dyn Projector>) -> Self {
        self.projectors.push(projector);
        self
    }

    /// A register of the backups of this log: several, if there are. The certificates of
    /// erasures list what it knows.
    #[must_use]
    pub fn backups(mut self, register: Arc<dyn BackupRegister>) -> Self {
        self.backups.push(register);
        self
    }

    /// Demands that the parts promise at least this much.
    #[must_use]
    pub fn require(mut self, promise: Promise) -> Self {
        self.required = Some(promise);
        self
    }

    /// Opens the house: checks that its parts belong together, and finishes every
    /// erasure that a process before this one left open.
    ///
    /// # Errors
    /// `WrongVault` when the log was sealed by another vault; `Diverged` when the ledger
    /// is not the one that the vault has anchored, or is ahead of the vault; `Invalid` when
    /// a part promises less than is required; `Incomplete` when an open erasure cannot be
    /// finished now.
    pub async fn build(self) -> Result<Oubliette> {
        let house = Oubliette {
            log: self.log,
            vault: self.vault,
            chain: Arc::new(Chain::new(self.ledger)),
            upcasts: Arc::new(self.upcasts?),
            observer: self.observer,
            padding: self.padding,
            documents: self.documents,
            snapshots: self.snapshots,
            projectors: self.projectors.into(),
            backups: self.backups.into(),
        };
        if let Some(required) = self.required
            && !house.promise().meets(required)
        {
            return Err(Error::new(ErrorKind::Invalid, "build", "the parts promise less than is required")
                .with("required", format_args!("{required:?}"))
                .with("promised", format_args!("{:?}", house.promise())));
        }
        house.is_restored_whole().await?;
        house.found().await?;
        house.reconcile().await?;
        house.resume().await?;
        Ok(house)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("log", &self.log)
            .field("vault", &self.vault)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

/// An event of the toolkit's own: all open.
pub(crate) fn system_event(event_type: &str, mut open: serde_json::Value) -> Result<Envelope> {
    if let Some(fields) = open.as_object_mut() {
        fields.insert("type".to_owned(), event_type.into());
    }
    Ok(Envelope {
        id: EventId::random()?,
        event_type: EventType::new(event_type)?,
        schema: 1,
        open: open.to_string().into_bytes(),
        parts: Vec::new(),
    })
}

/// The version after the first event of a stream of the toolkit's own.
pub(crate) const FIRST: Version = Version(1);
