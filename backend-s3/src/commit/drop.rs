//! Dropping a stream: a commit from which on none of its events is read.

use oubliette_core::{Dropped, Error, ErrorKind, Result, StreamId};

use crate::format::{Commit, Control};
use crate::shared::{Journal as _, Shared};

const OP: &str = "drop";

/// Drops a stream, and counts the events that go with it.
pub(crate) async fn drop_stream(shared: &Shared, stream: &StreamId) -> Result<Dropped> {
    loop {
        shared.catch_up(OP).await?;
        let (number, version, commits) = {
            let state = shared.state();
            (state.next(), state.version(stream), state.commits_of(stream))
        };
        let mut events = 0;
        for commit in commits {
            let commit = shared.commit(OP, commit).await?;
            let state = shared.state();
            let own =
                commit.events.iter().filter(|event| event.stream == *stream && !state.is_dropped(event));
            events += own.count() as u64;
        }
        if events == 0 {
            return Err(
                Error::new(ErrorKind::NotFound, OP, "the stream has no events").with("stream", stream)
            );
        }
        let commit = Commit::on(&shared.state(), Vec::new(), Control::Drop(stream.clone(), version))?;
        if shared.commit_as(OP, number, commit).await? {
            return Ok(Dropped { events });
        }
    }
}
