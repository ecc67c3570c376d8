use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::house::system_event;
use crate::ids::{Position, StreamId, Version};

fn recorded(stream: &str, event_type: &str) -> Recorded {
    let open = json!({ "erasure": ErasureId::from_bytes([1; 16]), "keys": [KeyId::from_bytes([2; 16])] });
    Recorded {
        position: Position(2),
        stream: StreamId::new(stream).unwrap(),
        version: Version(2),
        recorded_at: Timestamp::UNIX_EPOCH,
        envelope: system_event(event_type, open).unwrap(),
    }
}

#[test]
fn nothing_is_forgotten_for_an_event_of_a_programs_own() {
    let erased = erased_keys(&recorded("$erasure-1", ERASED)).unwrap();
    assert_eq!(erased.keys, [KeyId::from_bytes([2; 16])]);
    for (stream, event_type) in [("customer-1", ERASED), ("$erasure-1", "Other"), ("customer-1", "Other")] {
        assert!(erased_keys(&recorded(stream, event_type)).is_none(), "{event_type} in {stream}");
    }
}
