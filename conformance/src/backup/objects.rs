//! Objects: their bytes, their names, and their end.

use oubliette_core::{BackupTarget, ErrorKind};

use crate::Fixture;
use crate::fixture::found;
use crate::sample::refused;

/// Stores what must be taken.
pub(super) async fn put(target: &dyn BackupTarget, name: &str, bytes: &[u8]) {
    target.put(name, bytes).await.expect("a target takes an object");
}

/// Every byte, whatever it is, and however many there are.
pub async fn an_object_survives_as_it_is<F: Fixture<dyn BackupTarget>>(fixture: F) {
    let target = fixture.open().await;
    let every_byte: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
    let lines = b"one\r\ntwo\n\n\0".to_vec();
    for (name, bytes) in [("a/empty", Vec::new()), ("a/b/lines.json", lines), ("large", every_byte)] {
        put(&*target, name, &bytes).await;
        for target in [&target, &fixture.open().await] {
            let there = target.get(name).await.expect("an object that was stored is there");
            assert!(there == bytes, "an object of {} bytes is stored to the byte", bytes.len());
        }
    }
}

/// A name is a relative path of the allowed characters, and leads nowhere else.
pub async fn no_object_lies_outside<F: Fixture<dyn BackupTarget>>(fixture: F) {
    const PROMISE: &str = "a name that leads out of the place is refused";
    let target = fixture.open().await;
    put(&*target, "a/there", b"there").await;
    let outside = ["..", "../a", "a/../../b", "a/..", "/a", "/etc/hostname", "a/./b", ".", "a//b", "a/", ""];
    let forbidden = ["A", "a b", "a\\b", "a\0b", "a\nb", "a:b", "a*", "\u{e4}", "a_b", "~a", "%2e%2e/a"];
    for name in outside.into_iter().chain(forbidden) {
        refused(target.put(name, b"outside").await, ErrorKind::Invalid, PROMISE);
        match target.get(name).await {
            Err(error) => {
                let none = [ErrorKind::Invalid, ErrorKind::NotFound].contains(&error.kind());
                assert!(none, "there is no object of a name that is none: {:?}", error.kind());
            }
            Ok(_) => panic!("{PROMISE}: {name:?} was read"),
        }
        // An error or none: it takes nothing.
        _ = target.take(name).await;
    }
    assert_eq!(target.list("").await.unwrap(), ["a/there"], "{PROMISE}");
    assert_eq!(target.get("a/there").await.unwrap(), b"there", "{PROMISE}");
}

/// The same bytes again are welcome, others are not, also of two at once.
pub async fn an_object_is_never_changed<F: Fixture<dyn BackupTarget>>(fixture: F) {
    const PROMISE: &str = "an object is never changed";
    let (target, other) = (fixture.open().await, fixture.open().await);
    put(&*target, "a/object", b"the first").await;
    for target in [&target, &other] {
        put(&**target, "a/object", b"the first").await;
        for bytes in [&b"the second"[..], b"the firs", b"the first one", b""] {
            refused(target.put("a/object", bytes).await, ErrorKind::Conflict, PROMISE);
            assert_eq!(target.get("a/object").await.unwrap(), b"the first", "{PROMISE}");
        }
    }
    for n in 0..20 {
        let name = format!("race/{n}");
        let (one, two) = (vec![1; 50_000], vec![2; 50_000]);
        let (first, second) = futures::join!(target.put(&name, &one), other.put(&name, &two));
        let stands = match (first, second) {
            (Ok(()), Err(error)) | (Err(error), Ok(())) if error.kind() == ErrorKind::Conflict => {
                target.get(&name).await.unwrap()
            }
            both => panic!("of two who store an object at once, one is refused: {both:?}"),
        };
        assert!(stands == one || stands == two, "an object that two stored at once is one of the two");
        assert!(other.get(&name).await.unwrap() == stands, "{PROMISE}");
    }
}

/// Whether it never was, or another one's name begins like it.
pub async fn a_missing_object_is_not_found<F: Fixture<dyn BackupTarget>>(fixture: F) {
    let target = fixture.open().await;
    for _ in 0..2 {
        for name in ["object", "a", "a/b", "a/b/object-2", "z/y"] {
            refused(target.get(name).await, ErrorKind::NotFound, "a missing object is not found");
        }
        put(&*target, "a/b/object", b"an object").await;
    }
}

/// All that begin with a prefix, wherever it ends, in the order of their bytes.
pub async fn objects_are_listed_by_name<F: Fixture<dyn BackupTarget>>(fixture: F) {
    let target = fixture.open().await;
    assert!(target.list("").await.unwrap().is_empty(), "an empty place lists nothing");
    // `-` and `.` come before `/`, and `10` before `2`.
    let names = ["a-b/c", "a.b", "a/b", "a/b-c", "a/c/10", "a/c/2", "a/c0", "ab", "b/a"];
    for name in names.iter().rev() {
        put(&*target, name, name.as_bytes()).await;
    }
    let listed = |prefix: &'static str| names.iter().copied().filter(move |name| name.starts_with(prefix));
    for target in [&target, &fixture.open().await] {
        for prefix in ["", "a", "a/", "a/b", "a/c", "a/c/", "a/c/1", "ab", "b/a", "b/a/", "c", "../", "/"] {
            let there = target.list(prefix).await.expect("a target can be listed");
            let expected: Vec<&str> = listed(prefix).collect();
            assert_eq!(there, expected, "the objects that begin with {prefix:?} are listed by name");
        }
    }
}

/// It and every byte of it, and no other object; its name can be used again.
pub async fn an_object_that_was_taken_is_gone<F: Fixture<dyn BackupTarget>>(fixture: F) {
    let target = fixture.open().await;
    for name in ["a/taken", "a/taken-not", "a/b/taken"] {
        put(&*target, name, format!("the bytes of {name}.").as_bytes()).await;
    }
    let trace = b"the bytes of a/taken.";
    assert!(
        found(&fixture.residue().await, trace).is_some(),
        "the fixture's residue holds every byte of the place"
    );
    target.take("a/taken").await.expect("an object can be taken");
    for target in [&target, &fixture.open().await] {
        refused(target.get("a/taken").await, ErrorKind::NotFound, "an object that was taken is gone");
        assert_eq!(
            target.list("").await.unwrap(),
            ["a/b/taken", "a/taken-not"],
            "one that was taken is gone"
        );
        for name in ["a/taken", "a", "never"] {
            target.take(name).await.expect("one that is not there is none to take");
        }
        let neighbour = target.get("a/taken-not").await.unwrap();
        assert_eq!(neighbour, b"the bytes of a/taken-not.", "no other object is taken");
    }
    let left = found(&fixture.residue().await, trace).map(str::to_owned);
    assert_eq!(left, None, "an object that was taken leaves no byte behind");
    put(&*target, "a/taken", b"others").await;
    assert_eq!(target.get("a/taken").await.unwrap(), b"others", "the name of one that was taken can be used");
}
