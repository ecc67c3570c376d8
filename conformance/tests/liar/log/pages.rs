//! What a log that lies makes of a page.

use futures::FutureExt;
use oubliette_core::memory::MemoryLog;
use oubliette_core::{EventLog, Query, Recorded, Select};

use super::{Lie, Notes};

pub(super) fn lied_about(
    lie: Lie,
    mut page: Vec<Recorded>,
    query: &Query,
    notes: &Notes,
    log: &MemoryLog,
) -> Vec<Recorded> {
    let head = log.head().now_or_never().unwrap().unwrap().0;
    page.retain(|event| match (lie, &query.select) {
        (Lie::FillsGapsLater, _) => {
            let position = event.position.0;
            position % 5 != 3 || head == position || head > position + 5
        }
        (Lie::ReadsOverDamage, _) => !notes.damaged || event.version.0 != 7,
        (Lie::SkipsLateCommits, _) => {
            !notes.uncommitted.iter().any(|(first, last)| (first..=last).contains(&&event.position))
        }
        (Lie::ReadsWhatItWroteItself, _) => event.position <= notes.written,
        (Lie::FindsFirstOwners, Select::SealedUnder(keys, _)) => {
            let mut first = event.envelope.parts.iter().flatten().filter_map(|part| part.owners().next());
            first.any(|owner| keys.contains(&owner))
        }
        _ => true,
    });
    for event in &mut page {
        match lie {
            Lie::ReadsWhateverIsThere if notes.damaged => event.envelope.open.reverse(),
            Lie::CountsFromZero => event.version.0 -= 1,
            Lie::LosesTheTime => event.recorded_at = jiff::Timestamp::UNIX_EPOCH,
            _ => {}
        }
        event.version.0 -= notes.dropped_at.get(&event.stream).copied().unwrap_or_default();
        for part in &mut event.envelope.parts {
            part.take_if(|part| part.owners().any(|owner| notes.scrubbed.contains(&owner)));
        }
    }
    page
}
