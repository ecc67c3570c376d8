//! What is stored, to the byte.

use oubliette_core::{Carried, CarriedPart, Document, Documents, EventId, Purpose, SealedPart, Slot};

use super::sample::{
    all, begin, by_key, carrying, document, named, numbered, part, random, remove, save, token,
};
use crate::Fixture;
use crate::sample::{CONTRACT, assert_same, key, stream};

/// Every field of a document is read back as it was saved, whatever is in it.
pub async fn a_document_survives_as_it_is<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let build = begin(&*store, "orders").await;
    let saved = by_key([opens(), keys(), parts(), tokens()].concat());
    save(&*store, build, saved.clone()).await;
    let names: Vec<_> = saved.iter().map(|document| document.key.clone()).collect();
    let expected: Vec<_> = saved.iter().cloned().map(Some).collect();
    drop(store);
    for store in [fixture.open().await, fixture.open().await] {
        assert_same(&all(&*store, build).await, &saved, "a page gives documents as they were saved");
        let got = store.get(build, &names).await.expect("a build can be read");
        assert_same(&got, &expected, "a document is given as it was saved");
    }

    let store = fixture.open().await;
    let bare: Vec<_> = names.iter().map(|name| document(name.as_str(), "{}")).collect();
    save(&*store, build, bare.clone()).await;
    assert_same(&all(&*store, build).await, &bare, "of a document that is replaced nothing is left");
    let gone: Vec<&str> = names.iter().map(|name| name.as_str()).step_by(2).collect();
    remove(&*store, build, &gone).await;
    let left: Vec<_> = bare.iter().skip(1).step_by(2).cloned().collect();
    assert_same(&all(&*store, build).await, &left, "a document that is removed goes, and no other");
    let ada = key();
    let again: Vec<_> = gone.iter().map(|name| carrying(name, &[&[&ada]])).collect();
    save(&*store, build, again.clone()).await;
    let expected = by_key([left, again].concat());
    assert_same(&all(&*store, build).await, &expected, "a document that was removed can be made anew");
}

fn opens() -> Vec<Document> {
    let large = format!("{{\"text\":\"{}\"}}", "ü".repeat(512 << 10));
    let opens = [
        r#"{"text":"ünïcode \u00fc \u0000 \ud83d\ude00 😀","b":1,"a":2}"#,
        r#" { "a" : 1.50 , "a":12345678901234567890123, "n": -0.0 }  "#,
        "{\"quotes\":\"' \\\" \\\\ -- ; $1 ? \",\"nul\":null}",
        "{}",
        "[1, null]",
        "\"text\"",
        "null",
        &large,
    ];
    (0..).zip(opens).map(|(n, open): (u8, _)| document(format!("open-{n}"), open)).collect()
}

fn keys() -> Vec<Document> {
    let long = ["x".repeat(256), "ü".repeat(128)];
    let keys = [
        "'",
        "\"",
        "\\",
        "%",
        "_",
        "a/b",
        "/",
        "..",
        "a",
        "A",
        "a ",
        " a",
        "ä",
        "a\u{308}",
        "😀",
        "\u{fffd}",
        "null",
        "0",
        "00",
        "$1",
        "?1",
        "a;b--",
        "{}",
        "key#1&x=y",
        &long[0],
        &long[1],
    ];
    (0..).zip(keys).map(|(n, key)| numbered(key, n)).collect()
}

fn parts() -> Vec<Document> {
    let (ada, grace) = (key(), key());
    let mut odd = carrying("part-odd", &[&[&ada], &[&ada, &grace], &[&grace]]);
    odd.carried.slots.extend([
        Slot { at: "/a~1b/ü/'\"%_".into(), value: None, purpose: Some(CONTRACT), null: None },
        Slot { at: "/x".into(), value: None, purpose: None, null: Some("\"no \\\"one\\\"\"".into()) },
        Slot {
            at: "/x".into(),
            value: Some((1, u32::MAX)),
            purpose: Some(CONTRACT),
            null: Some("[]".into()),
        },
    ]);
    odd.lost = vec![ada.id(), grace.id()];
    odd.lost.sort_unstable();
    let every_byte = [1, 1].into_iter().chain((0..=255).cycle().take(1_000)).collect();
    let mut arbitrary = document("part-arbitrary", "{\"v\":null}");
    arbitrary.carried.parts = vec![CarriedPart {
        stream: stream("Straße 1/ü \u{1F600}'\"%_"),
        event: EventId::from_bytes([0xff; 16]),
        number: u16::MAX,
        sealed: SealedPart::from_bytes(every_byte).unwrap(),
    }];
    // One part may stand in many documents.
    let (mut one, mut two) = (carrying("part-one", &[&[&ada, &grace]]), document("part-two", "{\"v\":null}"));
    two.carried = one.carried.clone();
    two.carried.parts.push(part(7, &[&ada], &[b'x'; 1 << 20]));
    one.lost = vec![grace.id()];
    let purpose = Some(Purpose::new("ü/'%").unwrap());
    let mut without = document("part-none", "{\"v\":null}");
    let slot = Slot { at: "/v".into(), value: None, purpose, null: None };
    without.carried = Carried { slots: vec![slot], parts: Vec::new() };
    vec![odd, arbitrary, one, two, without]
}

fn tokens() -> Vec<Document> {
    let (ada, grace) = (key(), key());
    let hash = random();
    let mut document = document("token", "{}");
    document.tokens = vec![
        token("mail", [0; 16], [ada.id()]),
        token("mail", [0xff; 16], [ada.id(), grace.id()]),
        token("it's \"ü\" %_/", hash, [grace.id()]),
        token("login", hash, [ada.id()]),
        // The value stands in it twice, for two people.
        token("login", hash, [grace.id()]),
    ];
    let alike = Document { key: named("token-alike"), ..document.clone() };
    vec![document, alike]
}
