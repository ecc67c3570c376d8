use super::*;

const SHORTEST: [usize; 2] = [2 + 16 + 32 + 12 + 16, 2 + 2 * 16 + 32 + 12 + 16];

/// The bytes of a part of nothing, under keys 1 to `owners`.
fn part(owners: u8) -> Vec<u8> {
    let mut bytes = vec![FORMAT, owners];
    (1..=owners).for_each(|n| bytes.extend_from_slice(&[n; 16]));
    for (len, byte) in [(COMMITMENT, 0xc0), (NONCE, 0xd0), (TAG, 0xe0)] {
        bytes.extend(std::iter::repeat_n(byte, len));
    }
    bytes
}

#[test]
fn each_field_of_a_part_is_found_where_it_stands() {
    for owners in [1, 2, 255] {
        let part = SealedPart::from_bytes(part(owners)).unwrap();
        assert!(part.owners().eq((1..=owners).map(|n| KeyId::from_bytes([n; 16]))));
        assert_eq!(part.fingerprint(), Fingerprint([0xc0; 32]));
        assert_eq!(part.nonce(), [0xd0; 12]);
        assert_eq!(part.ciphertext(), [0xe0; 16]);
        assert_eq!(part.traces(), (&[0xd0; 12][..], &[0xe0; 16][..]));
    }
    let longer = SealedPart::from_bytes([part(2), vec![0xf0; 20]].concat()).unwrap();
    assert_eq!(longer.ciphertext(), [[0xe0; 16].as_slice(), &[0xf0; 20]].concat());
    assert_eq!(longer.traces().1, [0xf0; 16]);
}

#[test]
fn a_part_shorter_than_its_head_and_tag_is_corrupt() {
    for (owners, shortest) in (1..).zip(SHORTEST) {
        let bytes = part(owners);
        assert_eq!(bytes.len(), shortest);
        for len in 0..shortest {
            let cut = SealedPart::from_bytes(bytes[..len].to_vec());
            assert_eq!(cut.unwrap_err().kind(), ErrorKind::Corrupt, "{owners} owners cut at {len}");
        }
    }
}

#[test]
fn a_part_of_no_format_or_no_owner_is_corrupt() {
    for at in [0, 1] {
        let mut bytes = part(1);
        bytes[at] = 0;
        assert_eq!(SealedPart::from_bytes(bytes).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    let mut bytes = part(1);
    bytes[0] = FORMAT + 1;
    assert_eq!(SealedPart::from_bytes(bytes).unwrap_err().kind(), ErrorKind::NewerFormat);
}

#[test]
fn owners_that_are_out_of_order_or_the_same_are_corrupt() {
    for owners in [[2, 1], [1, 1]] {
        let mut bytes = part(2);
        bytes[2..18].fill(owners[0]);
        bytes[18..34].fill(owners[1]);
        assert_eq!(SealedPart::from_bytes(bytes).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn the_buffer_of_a_part_is_as_large_as_the_part_and_never_grown() {
    // A buffer that grows leaves a copy of the plaintext behind.
    for (owners, shortest) in (1..).zip(SHORTEST) {
        let ids = (1..=owners).map(|n| KeyId::from_bytes([n; 16])).collect::<Vec<_>>();
        let bytes = SealedPart::start(ids.into_iter(), 10);
        assert_eq!(bytes.capacity(), shortest + 10);
        assert_eq!(bytes, part(owners)[..2 + 16 * usize::from(owners)]);
    }
}

#[test]
fn a_part_is_shown_by_its_size_alone() {
    let part = SealedPart::from_bytes(part(2)).unwrap();
    assert_eq!(format!("{part:?}"), format!("SealedPart(2 owners, {} bytes)", SHORTEST[1]));
}
