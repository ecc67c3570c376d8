//! A small shop, and everything it keeps beside its events.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};

use oubliette_conformance::capture::Capture;
use oubliette_conformance::kit::{Person, Places};
use oubliette_conformance::memory::{Documents, Log, Snapshots, Vault};
use oubliette_conformance::search::Needle;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::memory::MemoryLedger;
use oubliette_core::{
    Changes, DocumentQuery, Expect, Lookup, Oubliette, Personal, Projection, ProjectionOptions, Purpose,
    SubjectId, View, ViewEvent,
};
use serde::{Deserialize, Serialize};

const CONTRACT: Purpose = Purpose::declared("contract");

/// What the shop does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Careless {
    /// Nothing.
    Not,
    /// Its own table keeps the row.
    KeepsTheTable,
    /// It logs a name, far down, for debugging.
    LogsAName,
    /// Its index of words keeps them.
    KeepsTheIndex,
    /// It shows pages that it made before.
    CachesForEver,
    /// It packs an export away, and never looks at it again.
    ArchivesExports,
    /// It keeps a number in a file of its own format.
    KeepsANumber,
    /// It tells a panic what it was about.
    PanicsWithAnAddress,
    /// It sends nobody the request to erase.
    NeverErases,
    /// It erases whoever comes next as well.
    ErasesEverybody,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Sale {
    Ordered { customer: String, name: Personal<String>, email: Personal<String>, card: Personal<u64> },
}

#[derive(Default, Serialize, Deserialize)]
struct Customer {
    name: Option<Personal<String>>,
    email: Option<Personal<String>>,
    card: Option<Personal<u64>>,
}

struct Customers;

impl View for Customers {
    type Document = Customer;

    fn name(&self) -> &str {
        "customers"
    }

    fn version(&self) -> u32 {
        1
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::identifier("e-mail", "/email")]
    }

    fn start(&self) -> Customer {
        Customer::default()
    }

    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Customer>) -> oubliette_core::Result<()> {
        let Sale::Ordered { customer, name, email, card } = event.data()?;
        changes.update(customer, move |kept| {
            (kept.name, kept.email, kept.card) = (Some(name), Some(email), Some(card));
        })
    }
}

/// What the shop keeps outside of the house.
#[derive(Default)]
struct Aside {
    /// Its mailing list: a table of its own, in the clear.
    newsletter: BTreeMap<SubjectId, String>,
    /// Words of names, in lower case, and who goes by them.
    index: BTreeMap<String, BTreeSet<SubjectId>>,
    /// Card numbers, eight bytes each.
    numbers: BTreeMap<SubjectId, u64>,
    /// Exports of the mailing list, packed.
    archive: Vec<Blob>,
    page: String,
}

pub(crate) struct Shop {
    careless: Careless,
    pub(crate) house: Oubliette,
    log: Log,
    documents: Documents,
    customers: Projection<Customers>,
    aside: Mutex<Aside>,
    pub(crate) capture: Capture,
}

impl Shop {
    pub(crate) async fn open(careless: Careless) -> Self {
        let (log, documents, snapshots) =
            (Log::fresh().await, Documents::fresh().await, Snapshots::fresh().await);
        let vault = Vault::fresh().await;
        let ledger = Arc::new(MemoryLedger::new());
        let house = Oubliette::builder(log.open().await, vault.open().await, ledger)
            .documents(documents.open().await)
            .snapshots(snapshots.open().await)
            .build()
            .await
            .unwrap();
        let customers = house.projection(Customers, ProjectionOptions::default()).await.unwrap();
        let (aside, capture) = (Mutex::default(), Capture::new());
        Self { careless, house, log, documents, customers, aside, capture }
    }

    /// Somebody orders, and gets the newsletter from then on.
    pub(crate) async fn order(&self, who: &Person) {
        let (subject, name, email) = (who.subject(), who.name(), who.email());
        let card = who.number("card");
        tracing::info!(customer = %subject, "an order");
        if self.careless == Careless::LogsAName {
            tracing::trace!(customer = %subject, ?name, "prices are looked up");
        }
        let event = Sale::Ordered {
            customer: subject.to_string(),
            name: Personal::new(subject, CONTRACT, name.clone()),
            email: Personal::new(subject, CONTRACT, email.clone()),
            card: Personal::new(subject, CONTRACT, card),
        };
        let stream = oubliette_core::StreamId::new(format!("order-{subject}")).unwrap();
        self.house.append(stream, Expect::New, [event]).await.unwrap();
        self.customers.catch_up().await.unwrap();
        let mut aside = self.aside.lock().unwrap();
        for word in name.split(' ') {
            aside.index.entry(word.to_lowercase()).or_default().insert(subject.clone());
        }
        aside.newsletter.insert(subject.clone(), email);
        aside.numbers.insert(subject.clone(), card);
    }

    /// The nightly job.
    pub(crate) fn night(&self) {
        let mut aside = self.aside.lock().unwrap();
        if self.careless == Careless::ArchivesExports {
            let export = Blob::new("2026-11.csv.gz", gzip(newsletter(&aside).as_bytes()));
            aside.archive.push(export);
        }
    }

    /// Somebody asks to be forgotten.
    pub(crate) async fn forget(&self, who: &Person, others: &[&Person]) {
        if self.careless == Careless::NeverErases {
            return;
        }
        self.house.erase(who.subject()).await.unwrap();
        if self.careless == Careless::ErasesEverybody {
            for other in others {
                self.house.erase(other.subject()).await.unwrap();
            }
        }
        let mut aside = self.aside.lock().unwrap();
        if self.careless == Careless::PanicsWithAnAddress {
            let email = aside.newsletter[who.subject()].clone();
            std::panic::catch_unwind(|| panic!("{email} is not on the list")).unwrap_err();
        }
        if self.careless != Careless::KeepsTheTable {
            aside.newsletter.remove(who.subject());
        }
        if self.careless != Careless::KeepsANumber {
            aside.numbers.remove(who.subject());
        }
        if self.careless != Careless::KeepsTheIndex {
            aside.index.retain(|_, known| !known.contains(who.subject()));
        }
    }

    /// What the shop's own people see.
    async fn page(&self) -> String {
        if self.careless == Careless::CachesForEver && !self.aside.lock().unwrap().page.is_empty() {
            return self.aside.lock().unwrap().page.clone();
        }
        let mut page = String::new();
        for document in self.customers.query(&DocumentQuery::all()).await.unwrap().documents {
            let Customer { name, email, card } = document.data().unwrap();
            let text =
                |value: Option<Personal<String>>| value.map(|value| value.or_null()).unwrap_or_default();
            let card = card.map(|card| card.or_null()).unwrap_or_default();
            page += &format!("<li>{} &lt;{}&gt; {card}</li>\n", text(name), text(email));
        }
        self.aside.lock().unwrap().page.clone_from(&page);
        page
    }

    /// Every byte of the house's stores.
    pub(crate) async fn everything_kept(&self) -> Vec<Blob> {
        [self.log.residue().await, self.documents.residue().await].concat()
    }

    /// Everything that the shop shows and keeps.
    pub(crate) async fn places(&self) -> Places {
        let page = self.page().await;
        let store = self.everything_kept().await;
        let aside = self.aside.lock().unwrap();
        let index: Vec<_> = aside.index.iter().map(|(word, known)| format!("{word} {known:?}\n")).collect();
        let numbers: Vec<_> = aside
            .numbers
            .iter()
            .flat_map(|(who, number)| [who.as_str().as_bytes(), &number.to_le_bytes()].concat())
            .collect();
        let mut archive = aside.archive.clone();
        archive.push(Blob::new("README", "exports of the shop"));
        Places::new()
            .shown("the page of customers", page)
            .at_rest("the store", store)
            .at_rest("the newsletter", [Blob::new("newsletter.csv", newsletter(&aside))])
            .at_rest("the index", [Blob::new("index.txt", index.concat())])
            .at_rest("the numbers", [Blob::new("numbers.bin", numbers)])
            .at_rest("what is logged", self.capture.blobs())
            .marked("the archive", archive, Needle::text("its head", "exports of the shop"))
    }
}

fn newsletter(aside: &Aside) -> String {
    aside.newsletter.iter().map(|(who, email)| format!("{who};{email}\n")).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
