//! Backups: taken, checked, restored, expired; stopped anywhere, and tampered with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

mod blind;
mod dropping;
mod expiring;
mod files;
mod formats;
mod restoring;
mod resuming;
mod support;
mod taking;
mod tampering;
