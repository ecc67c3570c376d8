//! A page of documents, opened, beside raw rows.

use std::time::Instant;

use oubliette::{BuildState, DocumentKey, DocumentQuery, ProjectionOptions};

use crate::events::whole_house;
use crate::fill::fill;
use crate::place::{Lent, Store};
use crate::project::{Orderbook, Orders, Shape};
use crate::raw::{Raw as _, Row, Sqlite};
use crate::report::Report;

const DOCUMENTS: usize = 10_000;
const PAGE: usize = 100;

pub(crate) async fn run(quick: bool, report: &mut Report) {
    let (at, beside) = (Lent::new(Store::Sqlite), tempfile::tempdir().unwrap());
    let (house, raw) = (whole_house(&at.place).await, at.place.raw().await);
    fill(&house, &*raw, DOCUMENTS as u64).await;
    let view = Orderbook(Shape::Each, "orders");
    let projection = house.projection(view, ProjectionOptions::default()).await.unwrap();
    projection.catch_up().await.unwrap();
    let raw = Sqlite::open(beside.path()).await;
    let keys = copy(&house, &raw).await;

    let rounds = if quick { 3 } else { 21 };
    let mut measured = Vec::new();
    for round in 0..=rounds {
        let begun = Instant::now();
        for page in keys.chunks(PAGE) {
            let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
                "SELECT stream, bytes FROM events WHERE stream >= ? ORDER BY stream LIMIT 100",
            )
            .bind(page[0].as_str())
            .fetch_all(&raw.0)
            .await
            .unwrap();
            assert_eq!(rows.len(), PAGE);
        }
        let base = rate(begun);
        let begun = Instant::now();
        let mut query = DocumentQuery::all().limit(PAGE);
        for page in keys.chunks(PAGE) {
            let answer = projection.query(&query).await.unwrap();
            let orders = answer.documents.iter().map(|document| document.data::<Orders>().unwrap());
            let known =
                orders.filter(|orders| orders.note.as_ref().is_some_and(|note| note.known().is_some()));
            assert_eq!(known.count(), PAGE);
            query = query.after(page[PAGE - 1].clone());
        }
        let ours = rate(begun);
        if round > 0 {
            measured.push((base, ours));
        }
    }
    report.section(
        format!("A page of {PAGE} documents, beside raw sqlx rows of the same bytes"),
        "documents/s",
    );
    report.row("opened and typed", &measured);
}

/// Stores as many bytes of each document on the raw side, and gives the keys in order.
async fn copy(house: &oubliette::Oubliette, raw: &Sqlite) -> Vec<DocumentKey> {
    let documents = house.documents().unwrap();
    let builds = documents.builds().await.unwrap();
    let build = builds.iter().find(|build| build.state == BuildState::Served).unwrap().id;
    let query = DocumentQuery::all().limit(DOCUMENTS);
    let page = documents.page(build, &query).await.unwrap();
    for documents in page.documents.chunks(500) {
        let bytes: Vec<Vec<u8>> = documents
            .iter()
            .map(|document| [document.open.as_slice(), &document.carried.encode().unwrap()].concat())
            .collect();
        let rows = documents.iter().zip(&bytes);
        let rows: Vec<_> =
            rows.map(|(document, bytes)| Row { stream: document.key.as_str(), version: 1, bytes }).collect();
        raw.insert(0, &rows).await;
    }
    assert_eq!(page.documents.len(), DOCUMENTS);
    page.documents.into_iter().map(|document| document.key).collect()
}

#[allow(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
fn rate(begun: Instant) -> f64 {
    DOCUMENTS as f64 / begun.elapsed().as_secs_f64()
}
