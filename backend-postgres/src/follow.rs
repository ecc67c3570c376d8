//! Following: who waits is woken by this process's own commits, by what others tell over
//! LISTEN and NOTIFY, and looks from time to time when neither comes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use oubliette_core::{Position, Result};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{OnceCell, watch};
use tokio::time::{sleep, timeout};

use crate::commit::Writer;
use crate::error;

const OP: &str = "wait";
/// The least time between two notices. A notice takes a lock of the whole server for a moment: so
/// it is no part of a commit, and one serves many.
const BETWEEN: Duration = Duration::from_millis(10);
/// How often to look without being told: notices get lost with a connection, and who appended may
/// have ended before it told anybody.
const LOOK: Duration = Duration::from_millis(500);
/// The same, while there are events beyond the head: an append before them has not ended, and if
/// it is undone nobody tells.
const CLOSE_LOOK: Duration = Duration::from_millis(10);

/// Who waits for the log's head to move.
pub(crate) struct Follow {
    channel: String,
    /// Changes whenever another process told that it appended.
    told: OnceCell<watch::Receiver<()>>,
}

impl Follow {
    /// Starts to tell others what this process appends.
    pub(crate) fn new(writer: &Arc<Writer>, channel: String) -> Self {
        tokio::spawn(tell(writer.pool.clone(), writer.published.subscribe(), channel.clone()));
        Self { channel, told: OnceCell::new() }
    }

    /// The head, once it is beyond `position`.
    pub(crate) async fn beyond(&self, position: Position, writer: &Writer) -> Result<Position> {
        let mut ours = writer.published.subscribe();
        let listen = || async { listen(writer.pool.clone(), self.channel.clone()) };
        let mut others = self.told.get_or_init(listen).await.clone();
        loop {
            // What comes from here on wakes; what came before is seen.
            ours.mark_unchanged();
            others.mark_unchanged();
            let now = writer.standing(OP).await?;
            if now.head > position {
                return Ok(now.head);
            }
            let look = if now.seen > now.head { CLOSE_LOOK } else { LOOK };
            let woken = async {
                tokio::select! {
                    changed = ours.changed() => changed,
                    changed = others.changed() => changed,
                }
            };
            if let Ok(Err(_)) = timeout(look, woken).await {
                return Err(error::closed(OP));
            }
        }
    }
}

/// Tells others whenever this process appended, until it closes the log.
async fn tell(pool: PgPool, mut published: watch::Receiver<u64>, channel: String) {
    while published.changed().await.is_ok() {
        // Nothing is lost with a notice, and so it does not wait for the disk.
        let told = sqlx::query("SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, '')")
            .bind(channel.as_str())
            .execute(&pool)
            .await;
        if let Err(error) = told {
            // Others look by themselves.
            tracing::debug!(error = ?error::from_driver("notify", &error), "others are not told of an append");
        }
        sleep(BETWEEN).await;
    }
}

/// Listens to what others tell, until nobody wants to know any more.
fn listen(pool: PgPool, channel: String) -> watch::Receiver<()> {
    let (tell, told) = watch::channel(());
    tokio::spawn(async move {
        while !tell.is_closed() {
            if let Err(error) = pass_on(&pool, &channel, &tell).await {
                tracing::debug!(error = ?error::from_driver("listen", &error), "listening is begun anew");
                sleep(LOOK).await;
            }
        }
    });
    told
}

async fn pass_on(pool: &PgPool, channel: &str, tell: &watch::Sender<()>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(channel).await?;
    loop {
        tell.send_replace(());
        tokio::select! {
            // None: the connection was lost, and is made anew. Whatever was told meanwhile is lost.
            told = listener.try_recv() => drop(told?),
            () = tell.closed() => return Ok(()),
        }
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("channel", &self.channel).finish_non_exhaustive()
    }
}
