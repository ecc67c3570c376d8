//! Changing the log: each change is a commit, and its number decides who was first.

mod append;
mod drop;
mod plan;
mod restore;
mod scrub;

pub(crate) use self::append::{Asked, Committer};
pub(crate) use self::drop::drop_stream;
pub(crate) use self::restore::{release, restore};
pub(crate) use self::scrub::scrub;
