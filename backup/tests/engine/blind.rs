//! No backup holds a personal value or a key.

use oubliette_core::BackupTarget;
use oubliette_core::scan::Needles;

use crate::support::{NAME, World, append, plain};

/// Where the events of a segment begin.
const BODY: usize = 101 + 64;

#[tokio::test]
async fn no_object_holds_a_personal_value_or_a_key() {
    let world = World::with_history().await;
    append(&*world.log, "control", vec![plain("{\"open\":\"Analytical Engine\"}")]).await;
    world.take().await;
    world.append("customer-1", 3).await;
    world.take().await;
    let needles = Needles::new([NAME, "Analytical Engine"]).unwrap();
    let secrets = [world.ada.secret(), world.bob.secret()];
    let mut bytes =
        vec![(world.register_path().display().to_string(), std::fs::read(world.register_path()).unwrap())];
    for name in world.objects().await {
        let object = world.target.get(&name).await.unwrap();
        if name.contains("segment") {
            let body = zstd::decode_all(&object[BODY..]).unwrap();
            assert!(!body.is_empty());
            bytes.push((format!("the body of {name}"), body));
        }
        bytes.push((name, object));
    }
    let mut controls = 0;
    for (name, bytes) in bytes {
        for hit in needles.hits(&bytes) {
            assert_eq!(hit.needle, 1, "a personal value stands in {name}");
            controls += 1;
        }
        for secret in secrets {
            let secret = &secret[..];
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "a key stands in {name}");
            let hex = hex::encode(secret);
            assert!(
                !bytes.windows(hex.len()).any(|window| window == hex.as_bytes()),
                "a key stands in {name}"
            );
        }
        if !name.starts_with("the body") {
            for key in [&world.ada, &world.bob] {
                assert!(
                    !String::from_utf8_lossy(&bytes).contains(&key.id().to_string()),
                    "a key id in {name}"
                );
            }
        }
    }
    assert!(controls > 0, "the scan finds what stands there");
}
