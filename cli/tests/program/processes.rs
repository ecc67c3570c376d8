//! Several processes at one directory.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{CATALOGUE, Dir, Run, line, ok, program};

/// Every event changes the same documents: that they are of one position shows in each.
const STEPS: &str = r#"
[[projection]]
name = "steps"
version = 1

[[projection.on]]
key = "$.all[*]"
set = { n = "$.n", at = "@position", name = "$.customer.name" }
count = { events = 1 }

[[projection]]
name = "customers"
version = 1

[[projection.on]]
key = "$.customer.id"
set = { name = "$.customer.name" }
count = { events = 1 }
"#;
const DOCUMENTS: usize = 20;
const CUSTOMERS: usize = 50;

/// With the projections above, and no event.
fn stepping() -> Dir {
    let dir = Dir::new();
    dir.json(["projection", "declare", &dir.write("projections.toml", STEPS)]);
    dir.write("catalogue.toml", CATALOGUE);
    dir
}

/// Imports events of these numbers.
fn step(dir: &Dir, numbers: RangeInclusive<usize>) -> Child {
    let all: Vec<String> = (0..DOCUMENTS).map(|n| format!("all-{n:02}")).collect();
    let name = format!("from-{}.jsonl", numbers.start());
    let lines = numbers.map(|n| {
        let line = line(&format!("c{}", n % CUSTOMERS)).replace("customer-c", "steps-of-");
        line.replace("\"plan\":\"free\"", &format!("\"n\":{n},\"all\":{all:?}"))
    });
    let file = dir.write(&name, lines.collect::<String>());
    let catalogue = dir.beside("catalogue.toml");
    let catalogue = catalogue.to_str().unwrap();
    program(["import", "--batch", "10", "--dir", dir.path(), "--catalogue", catalogue, &file])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The events of an answer, whose documents must all be of its position, and the position.
fn of_one_position(answer: &Value) -> (u64, u64) {
    let position = answer["position"].as_u64().unwrap();
    let documents = answer["documents"].as_array().unwrap();
    let Some(first) = documents.first().map(|document| &document["document"]) else {
        return (0, position);
    };
    assert_eq!(documents.len(), DOCUMENTS);
    assert!(documents.iter().all(|document| document["document"] == *first), "torn: {answer}");
    let events = first["events"].as_u64().unwrap();
    assert!(first["n"] == events && first["at"].as_u64().unwrap() <= position, "{first} at {position}");
    (events, position)
}

#[test]
fn who_reads_and_queries_while_an_import_runs_sees_no_gap_and_nothing_torn() {
    const EVENTS: usize = 2500;
    let dir = stepping();
    let mut import = step(&dir, 1..=EVENTS);
    let running = AtomicBool::new(true);
    let while_it_runs = |look: &mut dyn FnMut()| {
        let mut looked = 0;
        while running.load(Ordering::Relaxed) {
            look();
            looked += 1;
        }
        assert!(looked > 3, "it was over too soon");
    };
    let query = |arguments: [&str; 3]| {
        let mut answers = vec![(0, 0)];
        while_it_runs(&mut || {
            let answer = of_one_position(&dir.json(arguments));
            assert!(answer.0 >= answers.last().unwrap().0 && answer.1 >= answers.last().unwrap().1);
            answers.push(answer);
        });
        answers
    };
    let mut answers = std::thread::scope(|scope| {
        let first = scope.spawn(|| query(["query", "steps", "--limit=100"]));
        let second = scope.spawn(|| query(["query", "steps", "--stale"]));
        let reads = scope.spawn(|| {
            let mut last = 0;
            while_it_runs(&mut || {
                let read = ok(["read", "--dir", dir.path(), "--json", "--system"]).lines();
                assert!(read.iter().zip(1..).all(|(event, position)| event["position"] == position), "a gap");
                let steps = read.iter().filter(|event| event["type"] == "registered");
                assert!(steps.zip(1..).all(|(event, n)| event["data"]["n"] == n), "an event is missing");
                assert!(read.len() >= last);
                last = read.len();
            });
        });
        let runs = scope.spawn(|| while_it_runs(&mut || drop(dir.json(["projection", "run"]))));
        assert!(import.wait().unwrap().success());
        running.store(false, Ordering::Relaxed);
        reads.join().unwrap();
        runs.join().unwrap();
        [first.join().unwrap(), second.join().unwrap()].concat()
    });
    let last = of_one_position(&dir.json(["query", "steps"]));
    assert_eq!(last.0, EVENTS as u64);
    answers.push(last);
    // Each was of the very events up to its position.
    let positions: Vec<_> = dir.read().iter().map(|event| event["position"].as_u64().unwrap()).collect();
    for (events, position) in answers {
        assert_eq!(positions.iter().filter(|at| **at <= position).count() as u64, events, "{position}");
    }
}

#[test]
fn projections_that_are_killed_again_and_again_count_each_event_once() {
    const KILLS: usize = 20;
    const EVENTS: usize = 300;
    let dir = stepping();
    let running = AtomicBool::new(true);
    let (moved, events) = std::thread::scope(|scope| {
        let imports = scope.spawn(|| {
            let mut events = 0;
            while running.load(Ordering::Relaxed) {
                assert!(step(&dir, events + 1..=events + EVENTS).wait().unwrap().success());
                events += EVENTS;
            }
            events
        });
        let mut moved = HashSet::new();
        for kill in 0..KILLS {
            let follow =
                program(["projection", "run", "--follow", "--dir", dir.path()]).stdout(Stdio::null()).spawn();
            // Some come to no event, some to many.
            std::thread::sleep(Duration::from_millis(50 + kill as u64 * 7919 % 800));
            // SIGKILL on Unix: nothing of the process runs after it.
            let mut follow = follow.unwrap();
            follow.kill().unwrap();
            follow.wait().unwrap();
            moved.insert(of_one_position(&dir.json(["query", "steps", "--stale"])));
        }
        running.store(false, Ordering::Relaxed);
        (moved, imports.join().unwrap())
    });
    assert!(moved.len() > 3, "they were killed where nothing went on: {moved:?}");
    for standing in dir.json(["projection", "run"])["projections"].as_array().unwrap() {
        assert_eq!((&standing["position"], &standing["fault"]), (&standing["head"], &Value::Null));
    }
    assert_eq!(of_one_position(&dir.json(["query", "steps"])).0, events as u64);
    let customers = dir.json(["query", "customers"])["documents"].clone();
    assert_eq!(customers.as_array().unwrap().len(), CUSTOMERS);
    for customer in customers.as_array().unwrap() {
        assert_eq!(customer["document"]["events"], events / CUSTOMERS, "{customer}");
    }
    let check = dir.json(["projection", "rebuild", "steps", "--check", "--dry-run"]);
    assert_eq!(check["check"]["differences"].as_array().unwrap().len(), 0);
}

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

#[test]
fn processes_that_begin_a_projection_at_once_feed_one_build_to_its_end() {
    const EVENTS: usize = 6000;
    let dir = Dir::new();
    dir.json(["projection", "declare", &dir.write("projections.toml", STEPS)]);
    dir.write("catalogue.toml", CATALOGUE);
    assert!(step(&dir, 1..=EVENTS).wait().unwrap().success());
    let runs =
        || program(["projection", "run", "--json", "--dir", dir.path()]).stdout(Stdio::piped()).spawn();
    let runs: Vec<_> = [(); 4].map(|()| runs().unwrap()).into_iter().collect();
    for run in runs {
        let run = Run::from(run.wait_with_output().unwrap());
        assert_eq!(run.code, 0, "{run:?}");
    }
    assert_eq!(of_one_position(&dir.json(["query", "steps"])).0, EVENTS as u64);
    let listed = dir.json(["projection", "status"])["projections"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 2, "a build each: {listed}");
}

#[test]
fn who_follows_goes_on_with_what_another_process_has_rebuilt() {
    let dir = stepping();
    assert!(step(&dir, 1..=300).wait().unwrap().success());
    let mut follow = program(["projection", "run", "--follow", "--dir", dir.path()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let reaches = |events| {
        let end = Instant::now() + Duration::from_secs(60);
        while of_one_position(&dir.json(["query", "steps", "--stale"])).0 < events {
            assert!(Instant::now() < end, "nobody brings it to {events}");
        }
    };
    reaches(300);
    for round in 1..=3 {
        dir.json(["projection", "rebuild", "steps"]);
        assert!(step(&dir, round * 300 + 1..=(round + 1) * 300).wait().unwrap().success());
        reaches((round as u64 + 1) * 300);
    }
    follow.kill().unwrap();
    follow.wait().unwrap();
}
