//! Parts that lie, to see that the suite catches them; and parts that fail, which cases use
//! to see what a house does then.

mod documents;
mod log;
mod lying;
mod snapshots;
mod table;
mod target;
mod vault;

use std::sync::Arc;

pub use self::documents::DocumentLie;
pub use self::log::LogLie;
pub(crate) use self::lying::Switch;
use self::lying::{Lying, With};
pub use self::snapshots::SnapshotLie;
pub use self::table::LIARS;
pub use self::target::TargetLie;
pub use self::vault::VaultLie;
use super::House;
use super::story::Cast;

/// A liar: a house of which a part lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liar {
    /// Every part is wrapped, and none lies.
    Nobody,
    /// The log lies.
    Log(LogLie),
    /// The vault lies.
    Vault(VaultLie),
    /// The store of documents lies.
    Documents(DocumentLie),
    /// The store of snapshots lies.
    Snapshots(SnapshotLie),
    /// The place for backups lies.
    Target(TargetLie),
    /// The log and the vault lie: what one alone brings back is of no use.
    Both(LogLie, VaultLie),
}

impl Liar {
    /// Lays itself over a house: all parts are wrapped.
    pub async fn over(self, house: House) -> House {
        let cast = Cast::of(house.vault.open().await.id());
        let with = || With::new(cast.clone(), Switch::on());
        let of_log = with();
        let of_vault = match self {
            Self::Vault(VaultLie::CopiesKeysIntoTheLog) => of_log.clone(),
            _ => with(),
        };
        let of = self.lies();
        let House { log, vault, documents, snapshots, target, ledger } = house;
        House {
            log: Arc::new(Lying::new(log, of.log, of_log)),
            vault: Arc::new(Lying::new(vault, of.vault, of_vault)),
            documents: Arc::new(Lying::new(documents, of.documents, with())),
            snapshots: Arc::new(Lying::new(snapshots, of.snapshots, with())),
            target: Arc::new(Lying::new(target, of.target, with())),
            ledger,
        }
    }

    fn lies(self) -> Lies {
        let mut lies = Lies::default();
        match self {
            Self::Nobody => {}
            Self::Log(lie) => lies.log = lie,
            Self::Vault(lie) => lies.vault = lie,
            Self::Documents(lie) => lies.documents = lie,
            Self::Snapshots(lie) => lies.snapshots = lie,
            Self::Target(lie) => lies.target = lie,
            Self::Both(log, vault) => (lies.log, lies.vault) = (log, vault),
        }
        lies
    }
}

/// What each part lies about.
#[derive(Default)]
struct Lies {
    log: LogLie,
    vault: VaultLie,
    documents: DocumentLie,
    snapshots: SnapshotLie,
    target: TargetLie,
}

impl House {
    /// A house whose vault fails while the switch is on.
    pub(crate) async fn with_vault(mut self, lie: VaultLie) -> (Self, Switch) {
        let with = self.fails().await;
        let switch = with.switch.clone();
        self.vault = Arc::new(Lying::new(self.vault, lie, with));
        (self, switch)
    }

    /// A house whose documents fail while the switch is on.
    pub(crate) async fn with_documents(mut self, lie: DocumentLie) -> (Self, Switch) {
        let with = self.fails().await;
        let switch = with.switch.clone();
        self.documents = Arc::new(Lying::new(self.documents, lie, with));
        (self, switch)
    }

    /// A house whose snapshots fail while the switch is on.
    pub(crate) async fn with_snapshots(mut self, lie: SnapshotLie) -> (Self, Switch) {
        let with = self.fails().await;
        let switch = with.switch.clone();
        self.snapshots = Arc::new(Lying::new(self.snapshots, lie, with));
        (self, switch)
    }

    async fn fails(&self) -> With {
        With::new(Cast::of(self.vault.open().await.id()), Switch::off())
    }
}
