//! A run whose controls are forgotten, or fail, is void.

use oubliette_conformance::Blob;
use oubliette_conformance::kit::{Kit, Places, Unproven};
use oubliette_conformance::search::Needle;

use crate::shop::{Careless, Shop};

/// A shop in which both have ordered.
async fn shop(kit: &Kit) -> Shop {
    let shop = Shop::open(Careless::Not).await;
    let _logged = shop.capture.entered();
    shop.order(kit.person()).await;
    shop.order(kit.neighbour()).await;
    shop
}

/// Why a run with these places is void.
async fn void(kit: Kit, shop: &Shop, places: Places) -> String {
    match kit.before(&shop.house, places).await {
        Err(Unproven::Void(void)) => void.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn values_that_nobody_took_in_make_it_void() {
    let kit = Kit::new();
    let shop = Shop::open(Careless::Not).await;
    let _logged = shop.capture.entered();
    shop.order(kit.person()).await;
    let places = shop.places().await;
    assert!(void(kit, &shop, places).await.contains("no sealed part of the neighbour"));
}

#[tokio::test]
async fn a_value_that_is_handed_out_and_not_shown_makes_it_void() {
    let kit = Kit::new();
    let shop = shop(&kit).await;
    kit.person().phone();
    let told = void(kit, &shop, shop.places().await).await;
    assert!(told.contains("in what the application shows before the erasure was not"), "{told}");
    assert!(told.contains("the person's telephone number"), "{told}");
}

#[tokio::test]
async fn places_that_are_forgotten_make_it_void() {
    let kit = Kit::new();
    let open_shop = shop(&kit).await;
    let nothing_shown = Places::new().at_rest("a file", [Blob::new("a file", "nothing")]);
    assert!(
        void(kit, &open_shop, nothing_shown).await.contains("no place was named that the application shows")
    );
    let kit = Kit::new();
    let open_shop = shop(&kit).await;
    let nothing_kept = Places::new().shown("a page", "nothing");
    assert!(void(kit, &open_shop, nothing_kept).await.contains("where the application keeps something"));
}

#[tokio::test]
async fn a_place_that_is_not_the_place_makes_it_void() {
    let kit = Kit::new();
    let shop = shop(&kit).await;
    let places =
        shop.places().await.at_rest("the search engine", [Blob::new("another.db", "nothing of anybody")]);
    let told = void(kit, &shop, places).await;
    assert!(told.contains("in the search engine before the erasure was not: anything that shows"), "{told}");
}

#[tokio::test]
async fn an_empty_place_makes_it_void() {
    let kit = Kit::new();
    let shop = shop(&kit).await;
    let places = shop.places().await.copies("backups", Vec::new());
    assert!(void(kit, &shop, places).await.contains("in backups before the erasure"));
}

#[tokio::test]
async fn stores_that_are_not_looked_at_make_it_void() {
    let kit = Kit::new();
    let shop = shop(&kit).await;
    let page = [kit.person(), kit.neighbour()]
        .map(|it| format!("{} {} {}", it.name(), it.email(), it.number("card")));
    let pseudonym = Blob::new("a file", kit.neighbour().subject().as_str());
    let places = Places::new().shown("the page", page.concat()).at_rest("a file", [pseudonym]);
    let told = void(kit, &shop, places).await;
    assert!(told.contains("the nonce of the person's sealed part 1"), "{told}");
}

#[tokio::test]
async fn other_places_after_than_before_make_it_void() {
    let kit = Kit::new();
    let shop = shop(&kit).await;
    let places = shop.places().await.shown("the export", "nothing of anybody");
    let before = kit.before(&shop.house, places).await.unwrap();
    shop.forget(before.person(), &[]).await;
    let unproven = before.after(&shop.house, shop.places().await).await.unwrap_err();
    assert!(unproven.to_string().contains("other places were looked at after the erasure"), "{unproven}");
}

#[tokio::test]
async fn a_place_that_was_emptied_makes_it_void() {
    let kit = Kit::new();
    let shop = shop(&kit).await;
    let outbox = |text: &str| [Blob::new("outbox", text)];
    let marker = Needle::text("its head", "a head that stays");
    let places = shop.places().await.marked("the outbox", outbox("a head that stays"), marker.clone());
    let before = kit.before(&shop.house, places).await.unwrap();
    shop.forget(before.person(), &[]).await;
    let places = shop.places().await.marked("the outbox", outbox("something else"), marker);
    let unproven = before.after(&shop.house, places).await.unwrap_err();
    assert!(unproven.to_string().contains("in the outbox after the erasure"), "{unproven}");
}

#[tokio::test]
async fn dead_ciphertext_may_stay_in_copies_and_not_in_stores() {
    for copies in [true, false] {
        let kit = Kit::new();
        let shop = shop(&kit).await;
        let old = shop.everything_kept().await;
        let places = |places: Places| match copies {
            true => places.copies("last week's dump", old.clone()),
            false => places.at_rest("a replica", old.clone()),
        };
        let before = kit.before(&shop.house, places(shop.places().await)).await.unwrap();
        shop.forget(before.person(), &[]).await;
        let report = before.after(&shop.house, places(shop.places().await)).await.unwrap();
        assert_eq!(report.is_forgotten(), copies, "{report}");
        assert_eq!(report.sealed.traces, (2, 2));
    }
}
