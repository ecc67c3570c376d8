//! Several processes at one directory.

use std::collections::HashSet;

use crate::support::{CATALOGUE, Dir, line, ok, program};

#[test]
fn two_imports_at_once_lose_nothing_and_share_no_position() {
    let dir = Dir::new();
    let catalogue = dir.write("catalogue.toml", CATALOGUE);
    let children: Vec<_> = ["one", "two"]
        .map(|side| {
            let lines: String = (0..200).map(|n| line(&format!("{side}-{n}"))).collect();
            let file = dir.write(&format!("{side}.jsonl"), lines);
            program(["import", "--batch", "5", "--dir", dir.path(), "--catalogue", &catalogue, &file])
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .into_iter()
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let read = dir.read();
    let positions: HashSet<_> = read.iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!((read.len(), positions.len()), (400, 400));
    assert!(
        read.iter().all(|event| event["data"]["customer"]["name"].as_str().unwrap().starts_with("Name of"))
    );
}

#[test]
fn the_same_file_imported_by_two_at_once_is_imported_once() {
    let dir = Dir::new();
    let catalogue = dir.write("catalogue.toml", CATALOGUE);
    let lines: String = (0..200).map(|n| line(&format!("c-{n}"))).collect();
    let file = dir.write("events.jsonl", lines);
    let import = || {
        program(["import", "--batch", "5", "--dir", dir.path(), "--catalogue", &catalogue, &file])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut children = [import(), import()];
    let codes: Vec<_> = children.iter_mut().map(|child| child.wait().unwrap().code().unwrap()).collect();
    // Whoever was second in a race is told so, and goes on by running again.
    assert!(codes.iter().all(|code| [0, 8].contains(code)), "{codes:?}");
    ok(["import", "--dir", dir.path(), &file]);
    assert_eq!(dir.read().len(), 200);
}
