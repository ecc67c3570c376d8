//! A part behind a plan in which nothing goes wrong keeps every promise of the part below.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use oubliette_conformance::fault::{Fault, Faulty, Moment, Plan};
use oubliette_conformance::{Blob, Fixture, memory};
use oubliette_core::memory::MemoryLog;
use oubliette_core::{BackupTarget, Documents, ErrorKind, EventLog, KeyVault, Position, SnapshotStore};

/// A store whose part is behind a plan.
struct Calm<Store>(Store);

macro_rules! calm {
    ($($part:ty, $store:ty;)*) => {
        $(impl Fixture<$part> for Calm<$store> {
            async fn fresh() -> Self {
                Self(<$store>::fresh().await)
            }

            async fn open(&self) -> Arc<$part> {
                Arc::new(Faulty::new(self.0.open().await, &Plan::new()))
            }

            async fn residue(&self) -> Vec<Blob> {
                self.0.residue().await
            }
        })*
    };
}

calm! {
    dyn EventLog, memory::Log;
    dyn KeyVault, memory::Vault;
    dyn Documents, memory::Documents;
    dyn SnapshotStore, memory::Snapshots;
    dyn BackupTarget, memory::Target;
}

oubliette_conformance::event_log!(Calm<memory::Log>);
oubliette_conformance::key_vault!(Calm<memory::Vault>);
oubliette_conformance::documents!(Calm<memory::Documents>);
oubliette_conformance::snapshot_store!(Calm<memory::Snapshots>);
oubliette_conformance::backup_target!(Calm<memory::Target>);

#[tokio::test]
async fn a_call_that_stalls_goes_on_when_the_plan_is_lifted() {
    let plan = Plan::new();
    let log = Faulty::new(Arc::new(MemoryLog::new()) as Arc<dyn EventLog>, &plan);
    for moment in Moment::ALL {
        plan.arm(2, Fault::Stalls(moment));
        log.head().await.unwrap();
        let stalls = log.head();
        let lifts = async {
            plan.stalled().await;
            plan.lift();
        };
        assert_eq!(futures::join!(stalls, lifts).0.unwrap(), Position::ZERO);
        assert_eq!(plan.met().unwrap().to_string(), "log.head");
    }
}

#[tokio::test]
async fn a_full_disk_can_be_read_and_takes_nothing_until_there_is_space() {
    let (plan, target) = (Plan::new(), oubliette_core::memory::MemoryTarget::new());
    let target = Faulty::new(Arc::new(target) as Arc<dyn BackupTarget>, &plan);
    plan.arm(1, Fault::Full);
    for _ in 0..2 {
        assert_eq!(target.list("").await.unwrap(), Vec::<String>::new());
        let error = target.put("a", b"a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("the disk is full"));
    }
    plan.lift();
    target.put("a", b"a").await.unwrap();
}
