//! Sealing and opening one 200-byte field.

use std::hint::black_box;
use std::time::Instant;

use oubliette::seal::{Nonces, Place, Unsealed, open, seal};
use oubliette::{EventId, Key, KeyState, Padding, Purpose, Scope, StreamId};

use crate::events::subject;
use crate::report::Report;

const PARTS: usize = 2000;

pub(crate) fn run(quick: bool, report: &mut Report) {
    let rounds = if quick { 3 } else { 51 };
    let key = Key::generate(Scope::new(subject(1), Purpose::declared("contract"))).unwrap();
    let keys = [key.clone()];
    let stream = StreamId::new("stream").unwrap();
    let place = Place { stream: &stream, event: EventId::random().unwrap(), part: 0 };
    let text = [b'x'; 200];
    let states = [KeyState::Live(key)];
    let (mut sealing, mut opening) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let copied = time(|| {
            for _ in 0..PARTS {
                black_box(black_box(&text).to_vec());
            }
        });
        let mut parts = Vec::with_capacity(PARTS);
        let sealed = time(|| {
            let mut nonces = Nonces::of(PARTS);
            for _ in 0..PARTS {
                parts.push(seal(place, &keys, black_box(&text), Padding::None, &mut nonces).unwrap());
            }
        });
        let opened = time(|| {
            for part in &parts {
                assert!(matches!(open(place, black_box(part), &states), Ok(Unsealed::Known(_))));
            }
        });
        if round > 0 {
            sealing.push((copied, sealed));
            opening.push((copied, opened));
        }
    }
    report.section("Seal and open a 200-byte part, all included, beside copying it", "us");
    report.row("seal", &sealing);
    report.row("open", &opening);
}

/// Microseconds a part.
#[allow(clippy::cast_precision_loss, reason = "a time is rounded anyway")]
fn time(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() * 1e6 / PARTS as f64
}
