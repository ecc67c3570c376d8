//! The forms in which a needle stands in bytes.

use oubliette_conformance::Blob;
use oubliette_conformance::search::{Hit, Needle, Search, Void};
use oubliette_core::scan::Form;
use proptest::prelude::*;

use crate::{CANARY, found, noise, search};

#[test]
fn a_text_is_found_in_every_form_and_case() {
    for text in [CANARY.to_owned(), CANARY.to_lowercase(), CANARY.to_uppercase()] {
        for form in Form::ALL {
            for bytes in form.of(&text) {
                let findings = found([b"before ".as_slice(), &bytes, b" after"].concat());
                assert_eq!(findings.hits.len(), 1, "{form:?} of {text}");
                assert_eq!(findings.hits[0].form, form);
                assert_eq!(findings.hits[0].offset, 7);
            }
        }
    }
}

#[test]
fn bytes_are_found_as_they_are_in_hex_and_in_base64() {
    let tag = noise(16);
    let search = Search::new([Needle::bytes("a tag", tag.clone())]).unwrap();
    for form in [Form::Utf8, Form::Hex, Form::Base64] {
        for bytes in form.of_bytes(&tag) {
            let findings = search.over([Blob::new("it", [b"((", bytes.as_slice()].concat())]).unwrap();
            assert_eq!(findings.hits.len(), 1, "{form:?}");
            assert_eq!(findings.hits[0].form, form);
        }
    }
}

#[test]
fn a_place_called_by_a_needle_is_found_and_not_repeated() {
    let name = format!("export of {CANARY}.csv");
    let findings = search().over([Blob::new(&name, CANARY)]).unwrap();
    let told: Vec<_> = findings.hits.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["the canary (Utf8) in the name of place 1, byte 10", "the canary (Utf8) in place 1, byte 0"]
    );
}

#[test]
fn what_is_told_of_a_search_tells_no_needle() {
    let needle = Needle::text("the canary", CANARY);
    let search = Search::new([needle.clone()]).unwrap();
    let findings = search.over([Blob::new("it", CANARY)]).unwrap();
    let told = format!("{needle:?} {findings:?} {}", findings.hits[0]);
    assert!(!told.contains("zoe@"), "{told}");
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let findings = found(noise(4 << 20));
    assert_eq!(findings.hits, []);
    assert_eq!(findings.places, 1);
    assert!(findings.bytes >= 4 << 20, "all of it was searched");
}

#[test]
fn a_search_for_nothing_or_over_nothing_is_void() {
    let of = |needles: Vec<Needle>| Search::new(needles).map(|_| ());
    assert_eq!(of(Vec::new()), Err(Void::NoNeedles));
    assert_eq!(of(vec![Needle::text("it", "Ada")]), Err(Void::TooShort { needle: "it".into() }));
    let twice = vec![Needle::text("it", "Ada Lovelace"), Needle::text("it", "Bob Babbage")];
    assert_eq!(of(twice), Err(Void::Twice { needle: "it".into() }));
    assert_eq!(search().over([Blob::new("it", "")]), Err(Void::NothingSearched));
    assert_eq!(search().over(Vec::<Blob>::new()), Err(Void::NothingSearched));
}

proptest! {
    #[test]
    fn a_text_is_found_wherever_it_lies(before in 0_usize..5000, after in 0_usize..5000, form in 0_usize..7) {
        let noise = noise(before + after);
        for bytes in Form::ALL[form].of(CANARY) {
            let all = [&noise[..before], bytes.as_slice(), &noise[before..]].concat();
            // Beside a zero byte, UTF-16 reads in both byte orders.
            let there = |hit: &&Hit| hit.form == Form::ALL[form] && hit.offset == before as u64;
            prop_assert_eq!(found(all).hits.iter().filter(there).count(), 1);
        }
    }
}
