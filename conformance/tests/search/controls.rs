//! A search without its controls is void.

use oubliette_conformance::Blob;
use oubliette_conformance::search::{Before, Controls, Failure, Needle, Void};

const ADA: &str = "Ada Lovelace";
const BOB: &str = "Bob Babbage";
const ADAS_TAG: &[u8] = &[0xd1, 0x07, 0x5a, 0x9e, 0x11, 0x80];
const BOBS_TAG: &[u8] = &[0x43, 0xfe, 0x29, 0x00, 0xc5, 0x62];

fn controls() -> Controls {
    Controls::default()
        .erased(Needle::text("ada's name", ADA))
        .erased(Needle::bytes("ada's tag", ADAS_TAG))
        .kept(Needle::text("bob's name", BOB))
        .kept(Needle::bytes("bob's tag", BOBS_TAG))
        .marker(Needle::text("the stream", "customer-42"))
}

fn shown(names: &[&str]) -> [Blob; 1] {
    [Blob::new("the page", format!("<ul>{}</ul>", names.join(", ")))]
}

fn at_rest(all: &[&[u8]]) -> [Blob; 1] {
    [Blob::new("log.db", [b"customer-42".as_slice(), &all.concat()].concat())]
}

fn before() -> Before {
    controls().before(shown(&[ADA, BOB]), at_rest(&[ADAS_TAG, BOBS_TAG])).unwrap()
}

fn not_found(place: &str, needle: &str) -> Failure {
    Failure::Void(Void::NotFound { place: place.into(), needles: vec![needle.into()] })
}

/// Which needles were found where they must not be.
fn left(failure: Failure) -> (String, Vec<String>) {
    match failure {
        Failure::Found { where_, hits } => (where_, hits.into_iter().map(|hit| hit.needle).collect()),
        Failure::Void(void) => panic!("{void}"),
    }
}

#[test]
fn an_honest_erasure_is_proven_with_its_figures() {
    let evidence = before().after(shown(&[BOB]), at_rest(&[BOBS_TAG])).unwrap();
    assert_eq!((evidence.places, evidence.needles), (2, 5));
    assert_eq!((evidence.found_before, evidence.found_of_others), (2, 3));
    assert!(evidence.bytes > 0);
}

#[test]
fn what_was_never_there_proves_nothing_by_being_gone() {
    let hidden = controls().before(shown(&[BOB]), at_rest(&[ADAS_TAG, BOBS_TAG])).unwrap_err();
    assert_eq!(hidden, not_found("as shown before the erasure", "ada's name"));
    let elsewhere = controls().before(shown(&[ADA, BOB]), at_rest(&[BOBS_TAG])).unwrap_err();
    assert_eq!(elsewhere, not_found("at rest before the erasure", "ada's tag"));
    let other = [Blob::new("other.db", [ADAS_TAG, BOBS_TAG].concat())];
    let wrong_place = controls().before(shown(&[ADA, BOB]), other).unwrap_err();
    assert_eq!(wrong_place, not_found("at rest before the erasure", "the stream"));
}

#[test]
fn plaintext_at_rest_is_found_before_and_after() {
    let rest = at_rest(&[ADAS_TAG, BOBS_TAG, ADA.as_bytes()]);
    let failure = controls().before(shown(&[ADA, BOB]), rest).unwrap_err();
    assert_eq!(left(failure), ("at rest before the erasure".into(), vec!["ada's name".into()]));
    let failure = before().after(shown(&[BOB]), at_rest(&[BOBS_TAG, BOB.as_bytes()])).unwrap_err();
    assert_eq!(left(failure), ("at rest after the erasure".into(), vec!["bob's name".into()]));
}

#[test]
fn what_is_left_is_named() {
    let failure = before().after(shown(&[ADA, BOB]), at_rest(&[BOBS_TAG])).unwrap_err();
    assert_eq!(left(failure), ("as shown after the erasure".into(), vec!["ada's name".into()]));
    let failure = before().after(shown(&[BOB]), at_rest(&[ADAS_TAG, BOBS_TAG])).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "at rest after the erasure there is what must not be:\n  ada's tag (Utf8) in log.db, byte 11"
    );
}

#[test]
fn an_erasure_that_took_everything_proves_nothing() {
    let failure = before().after(shown(&["nobody"]), at_rest(&[BOBS_TAG])).unwrap_err();
    assert_eq!(failure, not_found("as shown after the erasure", "bob's name"));
    let failure = before().after(shown(&[BOB]), at_rest(&[])).unwrap_err();
    assert_eq!(failure, not_found("at rest after the erasure", "bob's tag"));
}

#[test]
fn controls_cannot_be_forgotten() {
    let ada = || Needle::text("ada's name", ADA);
    let only_erased = Controls::default().erased(ada()).before(shown(&[ADA]), at_rest(&[])).unwrap_err();
    let only_kept = Controls::default().kept(ada()).before(shown(&[ADA]), at_rest(&[])).unwrap_err();
    for failure in [only_erased, only_kept] {
        assert!(matches!(failure, Failure::Void(Void::NoControl { .. })), "{failure}");
    }
}
