//! A container that is not searched makes the search void.

use oubliette_conformance::Blob;
use oubliette_conformance::search::{Bounds, Void};

use crate::search;

const SMALL: Bounds = Bounds { depth: 3, container: 1 << 20, blob: 3 << 20 };

fn void(bytes: Vec<u8>, bounds: Bounds) -> Void {
    search().bounds(bounds).over([Blob::new("it", bytes)]).expect_err("it cannot be searched")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn nested(times: usize) -> Vec<u8> {
    (0..times).fold(b"nothing to be found in here".to_vec(), |packed, _| zstd(&packed))
}

#[test]
fn a_bomb_is_refused_by_name() {
    let bomb = [b"head".to_vec(), zstd(&vec![0; 16 << 20])].concat();
    assert!(bomb.len() < 4096, "it is small");
    let refused = Void::NotSearched { place: "it > zstd at 4".into(), why: "it holds too much" };
    assert_eq!(void(bomb.clone(), SMALL), refused);
    let findings = search().over([Blob::new("it", bomb)]).unwrap();
    assert!(findings.bytes > 16 << 20, "within larger bounds it is searched");
}

#[test]
fn a_bomb_of_postgres_is_refused_by_name() {
    // Heads of a value of 6 + 8 bytes that says it holds 3,000: one byte, then copies of it.
    let mut value = [14_u32 << 2 | 2, 3000].map(u32::to_le_bytes).concat();
    value.extend([0b10, b'a', 0x0f, 1, 255, 0]);
    let bounds = Bounds { container: 200, ..SMALL };
    let place = "it > PostgreSQL pglz at 0".into();
    assert_eq!(void(value, bounds), Void::NotSearched { place, why: "it holds too much" });
}

#[test]
fn many_containers_that_hold_too_much_together_are_refused() {
    let packed = zstd(&vec![0; 1 << 19]);
    let few = packed.repeat(5);
    assert_eq!(search().bounds(SMALL).over([Blob::new("it", few)]).unwrap().opened, 5);
    let many = void(packed.repeat(7), SMALL);
    let why = "it holds too much";
    assert_eq!(many, Void::NotSearched { place: format!("it > zstd at {}", packed.len() * 6), why });
}

#[test]
fn a_container_too_deep_is_refused() {
    let bounded = search().bounds(SMALL);
    assert_eq!(bounded.over([Blob::new("it", nested(3))]).unwrap().opened, 3);
    let place = "it > zstd at 0 > zstd at 0 > zstd at 0 > zstd at 0".into();
    assert_eq!(void(nested(4), SMALL), Void::NotSearched { place, why: "it lies too deep" });
}
