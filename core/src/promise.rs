//! Promises: how fast a part of the house forgets at worst.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How fast forgotten data is out of reach at worst. `None` is "never".
///
/// Promises compose by the worst: a house forgets as fast as its slowest part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Until no process can read it any more: caches are leases.
    pub unreadable_within: Duration,
    /// Until nobody can bring the key back, not from an old copy either (level C).
    pub unrecoverable_within: Option<Duration>,
    /// Until the dead bytes are gone from the store as well (level D).
    pub bytes_gone: Option<Duration>,
}

impl Promise {
    /// Everything at once: where parts that promise more or less are composed from.
    pub const AT_ONCE: Self = Self {
        unreadable_within: Duration::ZERO,
        unrecoverable_within: Some(Duration::ZERO),
        bytes_gone: Some(Duration::ZERO),
    };

    /// The worst of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let worst = |a: Option<Duration>, b: Option<Duration>| Some(a?.max(b?));
        Self {
            unreadable_within: self.unreadable_within.max(other.unreadable_within),
            unrecoverable_within: worst(self.unrecoverable_within, other.unrecoverable_within),
            bytes_gone: worst(self.bytes_gone, other.bytes_gone),
        }
    }

    /// Whether this promise is at least as good as `required`.
    pub fn meets(self, required: Self) -> bool {
        self.and(required) == required
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn promises() -> impl Strategy<Value = Promise> {
        let time = || (0..5_u64).prop_map(Duration::from_secs);
        (time(), proptest::option::of(time()), proptest::option::of(time())).prop_map(|(a, b, c)| Promise {
            unreadable_within: a,
            unrecoverable_within: b,
            bytes_gone: c,
        })
    }

    proptest! {
        #[test]
        fn a_house_promises_no_more_than_any_part(a in promises(), b in promises()) {
            prop_assert!(a.meets(a.and(b)) && b.meets(a.and(b)));
            prop_assert_eq!(a.and(b), b.and(a));
            prop_assert_eq!(a.and(Promise::AT_ONCE), a);
        }
    }

    #[test]
    fn never_does_not_meet_a_time() {
        let never = Promise { bytes_gone: None, ..Promise::AT_ONCE };
        assert!(!never.meets(Promise { bytes_gone: Some(Duration::MAX), ..Promise::AT_ONCE }));
        assert!(Promise::AT_ONCE.meets(never));
    }
}
