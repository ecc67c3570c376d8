//! Scans: what is planted is found, also in what is compressed; in a healthy directory nothing is.

use std::fs;

use crate::support::{Dir, ok};

#[test]
fn a_text_is_found_wherever_and_however_it_stands() {
    let dir = Dir::with(&["ada-lovelace"]);
    dir.back_up();
    let scan = ["scan", "--text", "Grace Hopper, rear admiral", "--subject", "ada-lovelace"];
    let nothing = dir.json(scan);
    assert_eq!(nothing["hits"].as_object().unwrap().len(), 0);
    // The text, and her name and address.
    assert_eq!(nothing["texts"], 3);
    assert!(nothing["files"].as_u64().unwrap() > 5 && nothing["forms"].as_u64().unwrap() > 4, "{nothing}");

    let text = "amid others: Grace Hopper, rear admiral, and more";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let packed = [b"head".as_slice(), &zstd::encode_all(text.repeat(9).as_bytes(), 0).unwrap()].concat();
    let planted = dir.root().join("planted");
    for (bytes, says) in [
        (text.as_bytes().to_vec(), "Utf8"),
        (utf16, "Utf16"),
        (hex::encode(text).into_bytes(), "Hex"),
        (packed, "inside zstd"),
    ] {
        fs::write(&planted, bytes).unwrap();
        let found = dir.run(scan);
        assert_eq!(found.code, 7, "{says}: {found:?}");
        let hits = found.json()["hits"].clone();
        assert!(
            hits.as_object().unwrap().keys().any(|hit| hit.contains("planted") && hit.contains(says)),
            "{says}: {hits}"
        );
        // Which text it is is not told.
        assert!(!found.out.contains("Hopper") && !found.err.contains("Hopper"), "{found:?}");
    }
    fs::remove_file(&planted).unwrap();
    // A name is a place as well, and so is a folder elsewhere.
    let elsewhere = dir.beside("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("Grace Hopper, rear admiral"), "").unwrap();
    assert_eq!(dir.run(scan).code, 0);
    let [a, b, c, d, e] = scan;
    let found = dir.run([a, b, c, d, e, elsewhere.to_str().unwrap()]);
    assert_eq!(found.code, 7, "{found:?}");
    assert_eq!(dir.run([a, b, c, d, e, "no-such-place"]).code, 4);
}

#[test]
fn whatever_is_readable_about_somebody_is_looked_for() {
    let dir = Dir::with(&["ada-lovelace", "bob"]);
    let planted = dir.root().join("planted");
    // Aliases of all are looked for, other values of those who are named.
    fs::write(&planted, "Name of ada-lovelace").unwrap();
    assert_eq!(dir.run(["scan"]).code, 0);
    assert_eq!(dir.run(["scan", "--subject", "bob"]).code, 0);
    assert_eq!(dir.run(["scan", "--subject", "ada-lovelace"]).code, 7);
    fs::write(&planted, "write to ADA-Lovelace@example.org").unwrap();
    fs::remove_file(&planted).unwrap();
    // After the erasure nothing of hers is left to be looked for.
    dir.forget("ada-lovelace");
    let scanned = dir.json(["scan", "--subject", "ada-lovelace", "--text", "Name of ada-lovelace"]);
    assert_eq!(scanned["hits"].as_object().unwrap().len(), 0);
}

#[test]
fn a_scan_says_what_it_passed_over_and_refuses_to_look_for_nothing() {
    let dir = Dir::new();
    let nothing = dir.run(["scan"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
    assert_eq!(dir.run(["scan", "--text", "Ada"]).code, 2);
    let dir = Dir::with(&["ada-lovelace"]);
    // Too short to be told from chance, and the name of a field in every event.
    let scan = ["scan", "--text", "Ada", "--text", "customer", "--text", "Grace Hopper"];
    let scanned = dir.json(scan);
    assert_eq!(
        (&scanned["passed_over"], &scanned["texts"]),
        (&2.into(), &2.into()),
        "the alias is looked for as well"
    );
    let told = ok(["scan", "--dir", dir.path(), "--text", "Ada"]).out;
    assert!(told.contains("1 texts were passed over"), "{told}");
}
