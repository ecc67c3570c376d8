//! The projector that runs a view over a store of documents.

use std::sync::Arc;

use oubliette_core::memory::MemoryLedger;
use oubliette_core::{
    Changes, DocumentQuery, Documents, Lookup, Oubliette, Personal, Projection, ProjectionOptions, Projector,
    Result, View, ViewEvent,
};
use serde::{Deserialize, Serialize};

use super::projected::{Entered, Projected, Shown, house_with};
use crate::{Blob, Fixture};

/// A view that runs over the store of documents of a fixture.
#[derive(Debug)]
pub struct Viewed<F> {
    store: F,
    house: Oubliette,
    /// Of every house over the store: what one of them erases, the next knows.
    ledger: MemoryLedger,
}

impl<F: Fixture<dyn Documents>> Viewed<F> {
    /// A view over this store.
    pub async fn over(store: F) -> Self {
        let ledger = MemoryLedger::new();
        Self { store, house: house_with(ledger.clone()).await, ledger }
    }

    async fn projection(&self) -> Projection<Records> {
        let (log, vault) = (self.house.log().clone(), self.house.vault().clone());
        let builder = Oubliette::builder(log, vault, Arc::new(self.ledger.clone()));
        let house = builder.documents(self.store.open().await).build().await;
        let house = house.expect("a house over a store of documents can be built");
        let projection = house.projection(Records, ProjectionOptions::default()).await;
        projection.expect("a view can be opened over a store of documents")
    }
}

impl<F: Fixture<dyn Documents>> Fixture<dyn Projector> for Viewed<F> {
    async fn fresh() -> Self {
        Self::over(F::fresh().await).await
    }

    async fn open(&self) -> Arc<dyn Projector> {
        Arc::new(self.projection().await)
    }

    async fn residue(&self) -> Vec<Blob> {
        self.store.residue().await
    }
}

impl<F: Fixture<dyn Documents>> Projected for Viewed<F> {
    fn house(&self) -> &Oubliette {
        &self.house
    }

    async fn shown(&self) -> Shown {
        let every = DocumentQuery::all().limit(10_000);
        let answer = self.projection().await.query(&every).await.expect("a projection can be asked");
        let mut shown = Shown::new();
        for document in answer.documents {
            let record: Record = document.data().expect("a document is of the view's type");
            let entries = record.entries.into_iter().map(|(number, name)| (number, name.known().cloned()));
            shown.insert(document.key.to_string(), entries.collect());
        }
        shown
    }
}

/// What is entered, by record.
#[derive(Debug)]
struct Records;

#[derive(Default, Serialize, Deserialize)]
struct Record {
    entries: Vec<(u64, Personal<String>)>,
}

impl View for Records {
    type Document = Record;

    fn name(&self) -> &str {
        "records"
    }

    fn version(&self) -> u32 {
        1
    }

    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }

    fn start(&self) -> Record {
        Record::default()
    }

    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Record>) -> Result<()> {
        let Entered { record, number, name } = event.data()?;
        changes.update(record, move |record| record.entries.push((number, name)))
    }
}
