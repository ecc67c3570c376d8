//! What PostgreSQL compresses.
//!
//! `fixtures/heap-*.page` are the first pages of two tables of PostgreSQL 15.18 on x86-64,
//! copied from the data directory after a checkpoint. Each holds one row:
//!
//! ```sql
//! create table note_pglz (id int, body text compression pglz);
//! insert into note_pglz select 1, string_agg(
//!   'Line '||n||': the customer is Zoe Canary-Pglz, once more; ', '') from generate_series(1,60) n;
//! ```
//!
//! and the same with `lz4` and `Zoe Canary-Lz4`.

use oubliette_conformance::Blob;
use oubliette_conformance::search::{Findings, Needle, Search};

use crate::{noise, places};

const PGLZ: &[u8] = include_bytes!("fixtures/heap-pglz.page");
const LZ4: &[u8] = include_bytes!("fixtures/heap-lz4.page");

/// The last line: it is written once, and in the page only as copies of what came before.
const LAST: &str = "Line 60: the customer is Zoe Canary-";

fn found(text: &str, page: &[u8]) -> Findings {
    Search::new([Needle::text("the last line", text)]).unwrap().over([Blob::new("heap", page)]).unwrap()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_value_that_postgres_compressed_is_found_in_its_page() {
    for (page, name) in [(PGLZ, "pglz"), (LZ4, "lz4")] {
        assert!(!contains(page, LAST), "plain grep does not see it");
        let findings = found(LAST, page);
        let [place] = places(&findings)[..] else { panic!("{findings:?}") };
        assert!(place.starts_with(&format!("heap > PostgreSQL {name} at ")), "{place}");
    }
}

#[test]
fn a_compressed_value_is_found_wherever_its_page_lies() {
    for page in [PGLZ, LZ4] {
        for shift in [1, 2, 3, 4097] {
            assert_eq!(found(LAST, &[noise(shift), page.to_vec()].concat()).hits.len(), 1, "{shift}");
        }
    }
}

#[test]
fn a_compressed_value_is_found_in_a_packed_copy_of_its_page() {
    let packed = zstd::encode_all(PGLZ, 3).unwrap();
    let findings = found(LAST, &packed);
    let [place] = places(&findings)[..] else { panic!("{findings:?}") };
    assert!(place.starts_with("heap > zstd at 0 > PostgreSQL pglz at "), "{place}");
}

#[test]
fn what_a_damaged_value_still_says_is_found() {
    let first = "Line 1: the customer is Zoe Canary-Pglz";
    // The value stands at the end of the page, and its beginning is intact.
    let cut = PGLZ.get(..PGLZ.len() - 100).unwrap();
    assert_eq!(found(first, cut).hits.len(), 1);
    assert_eq!(found(LAST, cut).hits, []);
}
