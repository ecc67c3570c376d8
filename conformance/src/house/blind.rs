//! Law 1: no store sees a personal text or a key. Law 10: the search for them can fail.

use aws_lc_rs::digest;
use oubliette_core::scan::Form;
use oubliette_core::{DocumentQuery, Key};

use super::bytes::{MARK, markers, searched, texts};
use super::story::{Story, told};
use super::{Evidence, House};
use crate::fixture::Blob;
use crate::search::Needle;

/// No text of anybody is in any byte of any store, at any time.
pub(super) async fn no_text_is_at_rest(parts: House) -> Evidence {
    const PROMISE: &str = "no personal text is at rest";
    let story = told(parts).await;
    let all = || texts(story.cast.texts()).collect::<Vec<_>>();
    let shown = searched(all(), &story.shown().await, "what is read");
    let seen = all().len();
    for (name, _) in story.cast.texts() {
        assert!(shown.of(&name).next().is_some(), "void: {name} is not read");
    }
    let mut evidence = Evidence { found_before: seen as u64, ..Evidence::default() };
    for moment in ["told", "erased", "swept"] {
        match moment {
            "erased" => drop(story.erase().await),
            "swept" => drop(story.house.sweep().await.expect("a house is swept")),
            _ => {}
        }
        let mark = story.mark().await;
        for it in story.at_rest().await {
            let marks = markers(it.store, &mark);
            let mut found = searched([all(), marks.clone()].concat(), &it.blobs, it.store);
            let (marker, hits): (Vec<_>, Vec<_>) =
                std::mem::take(&mut found.hits).into_iter().partition(|hit| hit.needle == MARK);
            assert!(hits.is_empty(), "{PROMISE}, when it was {moment}, in {}: {}", it.store, list(&hits));
            let blind = !marks.is_empty() && marker.is_empty();
            assert!(!blind, "void: the bytes of {} do not show what is stored", it.store);
            evidence = evidence.and(Evidence::looked(&found));
            evidence.found_of_others += marker.len() as u64;
        }
    }
    evidence
}

fn list(hits: &[crate::search::Hit]) -> String {
    hits.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// No key is in any byte of any store, and the vault's hold it wrapped.
pub(super) async fn no_key_is_at_rest(parts: House) -> Evidence {
    const PROMISE: &str = "no key is at rest in the clear";
    let story = told(parts).await;
    let sealed = story.ciphertexts().await;
    let ring = story.ring(&sealed).await;
    let keys: Vec<Key> = ring.keys().cloned().collect();
    let secrets = |keys: &[Key]| -> Vec<Needle> {
        keys.iter().map(|key| Needle::bytes(key.id().to_string(), key.secret().as_slice())).collect()
    };
    let planted = Blob::new("planted", [b"..".as_slice(), keys[0].secret(), b".."].concat());
    let found = searched(secrets(&keys), &[planted], "what is planted");
    assert!(!found.hits.is_empty(), "void: a key that is planted is not found");
    let mut evidence = Evidence { found_before: 1, ..Evidence::default() };
    for again in [false, true] {
        if again {
            story.erase().await;
        }
        for it in story.at_rest().await {
            let found = searched(secrets(&keys), &it.blobs, it.store);
            let hits = list(&found.hits);
            assert!(found.hits.is_empty(), "{PROMISE}, in {}: {hits}", it.store);
            evidence = evidence.and(Evidence::looked(&found));
            if it.store == "log" {
                // Its bytes are those of the store: keys are named in it.
                let names = keys
                    .iter()
                    .map(|key| Needle::bytes(key.id().to_string(), key.id().as_bytes().as_slice()));
                let named = searched(names.collect(), &it.blobs, it.store).hits.len() as u64;
                assert!(named > 0, "void: the log names no key");
                evidence.found_of_others += named;
            }
        }
    }
    evidence
}

/// What finds documents is no text and no plain hash of one, and goes with the person.
pub(super) async fn an_index_tells_nothing_and_forgets(parts: House) -> Evidence {
    const PROMISE: &str = "a blind index tells nothing, and forgets";
    let story = told(parts).await;
    let [ada, _, eve] = &story.cast.people;
    let by = [("email", &ada.email, &eve.email), ("name", &ada.name, &eve.name)];
    let tokens: Vec<_> = story.served().await.iter().flat_map(|it| it.tokens.clone()).collect();
    assert!(tokens.len() >= 4, "void: nothing is indexed");
    let algorithms = [
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        &digest::SHA256,
        &digest::SHA384,
        &digest::SHA512,
        &digest::SHA512_256,
    ];
    for (lookup, lost, kept) in by {
        for text in [lost, kept, &lost.to_lowercase(), &kept.to_lowercase()] {
            for algorithm in algorithms {
                let plain = digest::digest(algorithm, text.as_bytes());
                let mut windows = plain.as_ref().windows(16);
                let told = windows.any(|window| tokens.iter().any(|token| token.hash == *window));
                assert!(!told, "{PROMISE}: the {lookup} is found by its {algorithm:?}");
            }
        }
        for (text, who) in [(lost, 1), (kept, 1)] {
            let found = found(&story, lookup, text).await;
            assert_eq!(found, who, "void: by {lookup} nobody is found before");
        }
    }
    let dead = story.dying().await;
    story.erase().await;
    for run in ["the erasure", "a rebuild"] {
        for (lookup, lost, kept) in by {
            assert_eq!(found(&story, lookup, lost).await, 0, "{PROMISE}: found by {lookup}, after {run}");
            assert_eq!(found(&story, lookup, kept).await, 1, "others are found, after {run}");
        }
        let left: Vec<_> = story.served().await.iter().flat_map(|it| it.tokens.clone()).collect();
        let undead =
            left.iter().filter(|token| token.owners.iter().any(|owner| dead.contains(owner))).count();
        assert_eq!(undead, 0, "{PROMISE}: {undead} entries are left, after {run}");
        story.projection.rebuild().await.expect("a projection can be rebuilt");
    }
    Evidence {
        needles: 4,
        trials: 8 * algorithms.len() as u64,
        found_before: 2,
        found_of_others: 2,
        ..Evidence::default()
    }
}

async fn found(story: &Story, lookup: &str, text: &str) -> usize {
    let found = story.projection.find(lookup, text, &DocumentQuery::all()).await;
    found.expect("a lookup can be asked").documents.len()
}

/// What is planted in a store's bytes is found, in every form, also packed; and it is not
/// found without.
pub(super) async fn the_search_can_fail(parts: House) -> Evidence {
    const PROMISE: &str = "a search that cannot fail proves nothing";
    let story = told(parts).await;
    let text = story.cast.people[0].name.clone();
    let mut evidence = Evidence::default();
    let mark = story.mark().await;
    for it in story.at_rest().await {
        let marks = markers(it.store, &mark);
        let needles = || [vec![Needle::text("planted", text.clone())], marks.clone()].concat();
        let before = searched(needles(), &it.blobs, it.store);
        let planted = before.of("planted").next();
        assert!(planted.is_none(), "{PROMISE}: it is found before it is planted");
        if !marks.is_empty() {
            assert!(before.of(MARK).next().is_some(), "void: {} shows nothing", it.store);
            evidence.found_of_others += 1;
        }
        // Beside the store's own bytes, one blob for each form and container.
        let mut blobs = it.blobs.clone();
        let own = blobs.len();
        for form in Form::ALL {
            for (n, bytes) in form.of(&text).into_iter().enumerate() {
                for (container, packed) in packed(&bytes) {
                    let bytes = [b"beside ".as_slice(), &packed].concat();
                    blobs.push(Blob::new(format!("{form:?} {n} in {container}"), bytes));
                }
            }
        }
        let found = searched(needles(), &blobs, it.store);
        for blob in &blobs[own..] {
            let mut places = found.of("planted").map(|hit| hit.place.as_str());
            assert!(places.any(|place| place.starts_with(&blob.name)), "void: {} is not found", blob.name);
            evidence.found_before += 1;
        }
        evidence = evidence.and(Evidence::looked(&before));
    }
    // The controls of the certificate itself.
    let verification = story.erase().await.certificate().verification.clone();
    assert!(verification.parts_before > 0, "void: the certificate counts nothing before: {verification:?}");
    assert!(
        verification.neighbours_opened > 0,
        "void: the certificate opens nothing of others: {verification:?}"
    );
    evidence
}

/// Bytes as they are, and in containers.
fn packed(bytes: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(bytes).expect("memory can be written to");
    [
        ("nothing", bytes.to_vec()),
        ("gzip", gzip.finish().expect("memory can be written to")),
        ("zstd", zstd::encode_all(bytes, 0).expect("memory can be written to")),
    ]
}
