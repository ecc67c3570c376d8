//! The test kit: an honest application passes, a careless one is caught, and a run without
//! its controls is void.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod controls;
mod people;
mod shop;

use oubliette_conformance::kit::{Kit, Report, Unproven};

use self::shop::{Careless, Shop};

/// The whole test of an application.
async fn proven(careless: Careless) -> Result<Report, Unproven> {
    let shop = Shop::open(careless).await;
    let (_logged, _panics) = (shop.capture.entered(), shop.capture.panics());
    let kit = Kit::new();
    shop.order(kit.person()).await;
    shop.order(kit.neighbour()).await;
    shop.night();
    let before = kit.before(&shop.house, shop.places().await).await?;
    shop.forget(before.person(), &[before.neighbour()]).await;
    before.after(&shop.house, shop.places().await).await
}

#[tokio::test]
async fn an_honest_application_passes_with_its_figures() {
    let report = proven(Careless::Not).await.unwrap();
    report.assert_forgotten();
    assert_eq!(report.faults, Vec::<String>::new());
    // Two words of the name, three of the address, and the number.
    let page = &report.places[0];
    assert_eq!((page.before.person, page.after.person), (6, 0), "{report}");
    assert_eq!((page.before.neighbour, page.after.neighbour), (6, 6));
    // Each event has one part, as all its values are for one purpose.
    assert_eq!((report.sealed.parts, report.sealed.open_after, report.sealed.neighbours), (1, 0, 1));
    assert_eq!((report.sealed.documents, report.sealed.traces), ((1, 0), (2, 0)));
    assert!(report.places.iter().all(|place| place.before.bytes > 0), "{report}");
    assert!(report.places[1..].iter().all(|place| place.after.controls > 0), "{report}");
}

/// Each mistake, the place that it is found in, and what is found.
#[tokio::test]
async fn every_careless_application_is_caught_in_the_place_where_it_is_careless() {
    let mistakes = [
        (Careless::KeepsTheTable, "the newsletter", "the person's e-mail address"),
        (Careless::LogsAName, "what is logged", "the person's name"),
        (Careless::KeepsTheIndex, "the index", "the person's name"),
        (Careless::CachesForEver, "the page of customers", "the person's e-mail address"),
        (Careless::ArchivesExports, "the archive", "the person's e-mail address"),
        (Careless::KeepsANumber, "the numbers", "the person's card"),
        (Careless::PanicsWithAnAddress, "what is logged", "the person's e-mail address"),
    ];
    for (careless, place, what) in mistakes {
        let report = proven(careless).await.unwrap();
        assert!(!report.is_forgotten(), "{careless:?}");
        for looked in &report.places {
            assert_eq!(!looked.left.is_empty(), looked.name == place, "{careless:?}: {report}");
            assert!(
                looked.left.iter().all(|hit| looked.name != place || hit.needle.starts_with("the person's "))
            );
        }
        assert!(report.to_string().contains(what), "{careless:?}: {report}");
    }
}

#[tokio::test]
async fn an_application_that_never_erases_is_caught_by_the_house_as_well() {
    let report = proven(Careless::NeverErases).await.unwrap();
    let told = [
        "the house has no certificate of an erasure of the person",
        "1 sealed parts still open",
        "1 documents are still under the person's keys",
    ];
    assert_eq!(report.faults[..3], told);
    assert!(!report.places[0].left.is_empty(), "the page still shows them");
}

#[tokio::test]
async fn an_application_that_erases_everybody_proves_nothing() {
    let unproven = proven(Careless::ErasesEverybody).await.unwrap_err();
    assert!(unproven.to_string().contains("the neighbour's e-mail address"), "{unproven}");
}

#[tokio::test]
#[should_panic(expected = "the newsletter still holds the person's e-mail address, word 1")]
async fn a_person_who_is_not_forgotten_fails_the_test() {
    proven(Careless::KeepsTheTable).await.unwrap().assert_forgotten();
}

#[tokio::test]
async fn a_report_is_a_text_and_json_and_tells_no_value() {
    let report = proven(Careless::KeepsTheTable).await.unwrap();
    let text = report.to_string();
    assert!(text.starts_with("the person is not forgotten\n  - the newsletter still holds"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["places"][2]["name"], "the newsletter");
    assert_eq!(json["places"][2]["kind"], "at_rest");
    let left = json["places"][2]["left"][0].as_str().unwrap();
    assert!(left.starts_with("the person's e-mail address, word 1 (Utf8) in newsletter.csv, byte"), "{left}");
    assert!(!text.contains(".example") && !json.to_string().contains(".example"), "{text}");
}
