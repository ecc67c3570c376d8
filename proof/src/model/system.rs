//! The house that is compared with the reference.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use oubliette_conformance::fault::{Fault, Plan};
use oubliette_conformance::{House, Store};
use oubliette_core::erasure::certificate::Claim;
use oubliette_core::{
    AsOf, DocumentQuery, Error, ErrorKind, EventLog, Oubliette, Position, Projection, Query, Reason,
    StreamId, Swept,
};
use serde_json::Value;
use tempfile::TempDir;

use super::act::{Act, Told};
use super::operation::{Operation, PEOPLE};
use super::reference::{Reference, stream, subject, target};
use crate::crash::{Account, Documents, Parts, RECENT, desks};

/// New stores, and where a new log is had when a backup is restored.
pub struct World {
    /// One of each.
    pub house: House,
    /// A new log.
    pub new_log: NewLog,
}

type NewLog = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Store<dyn EventLog>>>>;

pub(super) struct System {
    world: World,
    plan: Plan,
    folder: TempDir,
    pub(super) open: Option<Open>,
    pub(super) reference: Reference,
}

/// A house that is open.
pub(super) struct Open {
    pub(super) parts: Parts,
    house: Oubliette,
    projection: Projection<Documents>,
}

/// What differs.
type Verdict = Result<(), String>;

impl System {
    /// Runs operations in a new world, and compares after each.
    pub(super) async fn run(world: World, operations: &[Operation]) -> Verdict {
        let folder = tempfile::tempdir().unwrap();
        let mut system =
            Self { world, plan: Plan::new(), folder, open: None, reference: Reference::default() };
        system.reopen().await.map_err(|error| format!("a new house does not open: {error:?}"))?;
        for (n, operation) in operations.iter().enumerate() {
            let told = |why| format!("at operation {n}, {operation:?}: {why}");
            system.perform(operation).await.map_err(told)?;
            system.compare().await.map_err(told)?;
        }
        Ok(())
    }

    /// Runs an operation, and then what the reference says of it.
    async fn perform(&mut self, operation: &Operation) -> Verdict {
        let (operation, fault) = match operation {
            Operation::Faulty { at, fault, operation } => (&**operation, Some((*at, *fault))),
            other => (other, None),
        };
        let act = match Act::of(operation, &mut self.reference) {
            Some(act) => act,
            None => return Ok(()),
        };
        if let Operation::Restore(_) = operation {
            self.world.house.log = (self.world.new_log)().await;
        }
        let ended = match fault {
            None => self.act(&act).await,
            Some((at, fault)) => match self.faulty(&act, at, fault).await {
                // It met the fault, which is gone.
                Err(_) if self.plan.met().is_some() => {
                    let again = self.act(&act).await;
                    act.done_before(again, self).await
                }
                ended => ended,
            },
        };
        self.expect(&act, ended)
    }

    /// Runs into a fault; a call that does not return is given up, and everything opened anew.
    async fn faulty(&mut self, act: &Act, at: usize, fault: Fault) -> Result<Told, Error> {
        let plan = self.plan.clone();
        plan.arm(at, fault);
        let ended = tokio::select! {
            biased;
            ended = self.act(act) => Some(ended),
            () = plan.stalled() => None,
        };
        plan.lift();
        match ended {
            Some(ended) => ended,
            None => {
                if !matches!(act, Act::Restore(_)) {
                    self.reopen().await?;
                }
                Err(Error::new(ErrorKind::Unavailable, "model", "given up"))
            }
        }
    }

    async fn reopen(&mut self) -> Result<(), Error> {
        self.open = None;
        let parts = self.parts().await;
        let house = parts.house().await?;
        let projection = desks(&house, 1).await?;
        self.open = Some(Open { parts, house, projection });
        Ok(())
    }

    async fn parts(&self) -> Parts {
        let House { log, vault, documents, snapshots, target, ledger } = &self.world.house;
        Parts {
            log: log.open().await,
            vault: vault.open().await,
            ledger: Arc::new(ledger.clone()),
            documents: documents.open().await,
            snapshots: snapshots.open().await,
            target: target.open().await,
            register: oubliette_backup::FileRegister::new(self.folder.path().join("register.json")),
        }
        .with(&self.plan)
    }

    async fn act(&mut self, act: &Act) -> Result<Told, Error> {
        match act {
            Act::Reopen => return self.reopen().await.map(|()| Told::Nothing),
            Act::Restore(backup) => {
                self.open = None;
                let parts = self.parts().await;
                let id = self.reference.backups[*backup].0;
                match parts.restore(Some(id)).await {
                    Err(error) if error.kind() == ErrorKind::Conflict => {
                        // It was released before the reply was lost.
                        if parts.log.quarantine().await?.is_some() {
                            return Err(error);
                        }
                    }
                    restored => {
                        restored?;
                    }
                }
                drop(parts);
                self.reopen().await?;
            }
            _ => {}
        }
        let Some(Open { parts, house, projection }) = &self.open else {
            self.reopen().await?;
            return Box::pin(self.act(act)).await;
        };
        Ok(match act {
            Act::Append { stream, expect, note, .. } => {
                house.append(stream.clone(), *expect, [(**note).clone()]).await?;
                Told::Nothing
            }
            Act::Erase(who) => {
                house.erase_target(&target(*who), &Reason::default()).await?;
                Told::Nothing
            }
            Act::Readmit(who) => {
                house.readmit(&target(*who)).await?;
                Told::Nothing
            }
            Act::Load(stream) => {
                let accounts = house.aggregates::<Account>(RECENT)?;
                Told::Account(accounts.load(&stream_id(*stream)).await?.state)
            }
            Act::Snapshot => {
                projection.snapshot(2).await?;
                Told::Nothing
            }
            Act::Past(notes) => {
                let positions: Vec<Position> = noted(house).await?.into_iter().map(|it| it.0).collect();
                let Some(at) = notes.checked_sub(1).and_then(|last| positions.get(last)) else {
                    return Ok(Told::Nothing);
                };
                let past = projection.as_of(AsOf::Position(*at)).await?;
                let documents = past.query(&DocumentQuery::all()).await?.documents;
                let read = documents.iter().map(|it| Ok((it.key.to_string(), it.json()?)));
                let read = read.collect::<Result<_, Error>>()?;
                past.end().await?;
                Told::Desks(read)
            }
            Act::Project | Act::Restore(_) => {
                projection.catch_up().await?;
                Told::Nothing
            }
            Act::Rebuild => {
                projection.rebuild().await?;
                Told::Nothing
            }
            Act::BackUp => Told::BackUp(parts.back_up().await?.backup.id),
            Act::Sweep => {
                let swept = house.sweep().await?.stores;
                for progress in house.erasures().await? {
                    let Some(signed) = progress.certificate() else { continue };
                    for (store, levels) in &signed.certificate().stores {
                        let clean = swept.get(store) == Some(&Swept::Clean);
                        if clean && !matches!(levels.d, Claim::Holds { .. }) {
                            return Err(Error::new(
                                ErrorKind::Unexpected,
                                "model",
                                "a clean store is not settled",
                            ));
                        }
                    }
                }
                Told::Nothing
            }
            Act::Reopen => Told::Nothing,
        })
    }

    /// Compares what was told with the reference, which follows.
    fn expect(&mut self, act: &Act, ended: Result<Told, Error>) -> Verdict {
        let reference = &mut self.reference;
        let should = match *act {
            Act::Append { n, to, who, with, expected, .. } => reference.append(n, to, who, with, expected),
            Act::Erase(who) => {
                reference.erase(who);
                Ok(())
            }
            Act::Readmit(who) => reference.readmit(who),
            Act::Project | Act::Rebuild => {
                reference.project();
                Ok(())
            }
            Act::Restore(backup) => {
                reference.restore(backup);
                Ok(())
            }
            Act::Load(_) | Act::Snapshot | Act::Past(_) | Act::BackUp | Act::Sweep | Act::Reopen => Ok(()),
        };
        let told = match (ended, should) {
            (Ok(told), Ok(())) => told,
            (Err(error), Err(kind)) if error.kind() == kind => return Ok(()),
            (ended, should) => return Err(format!("it ends with {ended:?}, and should with {should:?}")),
        };
        match (act, told) {
            (Act::Load(stream), Told::Account(account)) => {
                same("the aggregate", &account, &reference.account(*stream))
            }
            (Act::Past(notes), Told::Desks(desks)) => {
                same("the documents of the past", &desks, &reference.desks_of(*notes))
            }
            (_, Told::BackUp(id)) => {
                reference.backups.push((id, reference.notes.clone()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Compares all that can be read.
    async fn compare(&mut self) -> Verdict {
        let Some(Open { parts, house, projection }) = &self.open else {
            return Err("the house is not open".to_owned());
        };
        let failed = |what: &'static str| move |error: Error| format!("{what} cannot be read: {error:?}");
        let reference = &self.reference;
        let events: Vec<_> =
            noted(house).await.map_err(failed("the log"))?.into_iter().map(|it| it.1).collect();
        same("the log", &events, &reference.events())?;
        let documents = projection.query(&DocumentQuery::all()).await.map_err(failed("documents"))?.documents;
        let documents = documents.iter().map(|document| Ok((document.key.to_string(), document.json()?)));
        let documents = documents.collect::<Result<BTreeMap<_, _>, _>>().map_err(failed("documents"))?;
        same("the documents", &documents, &reference.desks())?;
        let erasures = house.erasures().await.map_err(failed("the ledger"))?;
        let certified = erasures.iter().map(|progress| {
            let certificate = progress.certificate()?.certificate();
            Some((certificate.keys.len(), certificate.verification.parts_before))
        });
        let certified: Option<Vec<(usize, u64)>> = certified.collect();
        same("the keys and parts in certificates", &certified.as_ref(), &Some(&reference.erasures))?;
        for person in 0..PEOPLE {
            let keys = parts.vault.keys_of(&subject(person)).await.map_err(failed("the vault"))?;
            let dead = keys.iter().filter(|key| key.destroyed.is_some()).count();
            same("the number of keys, and of dead ones,", &(keys.len(), dead), &reference.keys(person))?;
        }
        Ok(())
    }
}

fn same<T: PartialEq + Debug>(what: &str, is: &T, should: &T) -> Verdict {
    match is == should {
        true => Ok(()),
        false => Err(format!("{what} is\n{is:?}\nand should be\n{should:?}")),
    }
}

pub(super) fn stream_id(id: usize) -> StreamId {
    StreamId::new(stream(id)).unwrap()
}

/// The notes in a log: position, and stream, version and content.
async fn noted(house: &Oubliette) -> Result<Vec<(Position, (String, u64, Value))>, Error> {
    let events: Vec<_> = house.read(Query::all()).try_collect().await?;
    let notes = events.iter().filter(|event| event.event_type.as_str() == "Noted");
    notes
        .map(|event| Ok((event.position, (event.stream.to_string(), event.version.0, event.json()?))))
        .collect()
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "World({:?})", self.house)
    }
}
