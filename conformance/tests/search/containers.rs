//! Containers, as the tools that people use write them, wherever they lie.

use std::io::Write;
use std::process::{Command, Stdio};

use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Compression, GzBuilder};
use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
use oubliette_core::scan::Form;
use proptest::prelude::*;

use crate::{CANARY, found, noise, places};

/// The canary in every form, in a text long enough to be worth packing.
fn planted() -> Vec<u8> {
    let forms = Form::ALL.into_iter().flat_map(|form| form.of(CANARY));
    forms.flat_map(|bytes| [bytes, b"\n and many more of the same words \n".to_vec()].concat()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    // As the program `lz4` writes it, but in small blocks: one is opened as a whole or not at all.
    let blocks = FrameInfo::new().block_size(BlockSize::Max64KB).content_checksum(true);
    let mut encoder = FrameEncoder::with_frame_info(blocks, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    format!("INSERT INTO t VALUES (E'\\\\x{}');", hex::encode(bytes)).into_bytes()
}

type Pack = (&'static str, fn(&[u8]) -> Vec<u8>);
const PACKS: [Pack; 5] = [("zstd", zstd), ("gzip", gzip), ("zlib", zlib), ("lz4", lz4), ("hex", hex)];

/// What a program makes of these bytes.
fn piped(program: &str, arguments: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut command = Command::new(program);
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is installed");
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait_with_output().unwrap().stdout
}

#[test]
fn every_form_is_found_in_every_container() {
    for (name, pack) in PACKS {
        let findings = found([noise(999), pack(&planted()), noise(77)].concat());
        let inside = findings.hits.iter().filter(|hit| hit.place.starts_with(&format!("it > {name} at ")));
        let mut forms: Vec<_> = inside.map(|hit| hit.form).collect();
        forms.sort();
        assert_eq!(forms, Form::ALL, "{name}");
    }
}

#[test]
fn what_gzip_and_zstd_write_is_opened() {
    for (program, arguments) in
        [("gzip", ["-9", "-c"]), ("zstd", ["-19", "-c"]), ("zstd", ["--fast=3", "-c"])]
    {
        let packed = piped(program, &arguments, &planted());
        let findings = found([b"head".as_slice(), &packed, b"tail"].concat());
        assert!(places(&findings).contains(&format!("it > {program} at 4").as_str()), "{program}");
    }
}

#[test]
fn a_gzip_file_with_all_that_its_head_can_hold_is_opened() {
    let builder = GzBuilder::new().filename("a name").comment("a comment").extra(vec![7; 300]);
    let mut encoder = builder.write(Vec::new(), Compression::default());
    encoder.write_all(&planted()).unwrap();
    let findings = found(encoder.finish().unwrap());
    assert!(places(&findings).contains(&"it > gzip at 0"));
}

#[test]
fn containers_are_opened_in_containers() {
    for (outer, outside) in PACKS {
        for (inner, inside) in PACKS {
            let packed = outside(&[noise(100), inside(&planted()), noise(9)].concat());
            let findings = found([noise(12), packed].concat());
            let way = |place: &&str| {
                place.contains(&format!("> {outer} at ")) && place.contains(&format!("> {inner} at "))
            };
            assert!(places(&findings).iter().any(way), "{inner} in {outer}: {:?}", places(&findings));
        }
    }
}

#[test]
fn one_container_after_the_other_is_opened() {
    for (name, pack) in PACKS {
        let findings =
            found([pack(b"nothing in this one, nothing at all, nothing"), pack(&planted())].concat());
        assert!(places(&findings).iter().any(|place| place.contains(name)), "{name}");
    }
}

#[test]
fn what_is_left_of_a_damaged_container_is_searched() {
    for (name, pack) in PACKS {
        let packed = pack(&[planted(), noise(200_000)].concat());
        let (most, rest) = packed.split_at(packed.len() - 1000);
        let overwritten = [most, &vec![0xff; rest.len()]].concat();
        for damaged in [most.to_vec(), overwritten] {
            let findings = found(damaged);
            assert!(places(&findings).iter().any(|place| place.contains(name)), "{name}");
        }
    }
}

#[test]
fn a_packed_stream_is_searched_up_to_the_byte_that_is_damaged() {
    for (name, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zlib", zlib)] {
        let packed = pack(&[planted(), noise(500)].concat());
        let damaged = [&packed[..packed.len() - 300], &[0xff; 300]].concat();
        assert!(places(&found(damaged)).contains(&format!("it > {name} at 0").as_str()), "{name}");
    }
}

proptest! {
    #[test]
    fn a_container_is_opened_wherever_it_lies(
        before in proptest::collection::vec(any::<u8>(), 0..300), after: Vec<u8>, pack in 0..PACKS.len()
    ) {
        let (name, pack) = PACKS[pack];
        let findings = found([before.clone(), pack(&planted()), after].concat());
        prop_assert!(places(&findings).iter().any(|place| place.contains(name)), "{:?}", places(&findings));
    }

    #[test]
    fn nothing_is_found_and_nothing_fails_in_bytes_that_only_begin_like_a_container(
        head in 0_usize..6, rest in proptest::collection::vec(any::<u8>(), 0..400)
    ) {
        let heads: [&[u8]; 6] = [
            &[0x28, 0xb5, 0x2f, 0xfd], &[0x1f, 0x8b, 8], &[0x78, 0x9c], &[4, 0x22, 0x4d, 0x18], b"\\x00", b"X'00",
        ];
        prop_assert_eq!(found([heads[head], &rest].concat()).hits, vec![]);
    }
}
