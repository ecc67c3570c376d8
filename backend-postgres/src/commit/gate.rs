//! The gate that every append goes through, and that is shut while the log is changed in another way.
//!
//! Two advisory locks, both held until the transaction ends. The first one is shared by all who
//! append, and whoever scrubs, drops or restores has it alone: meanwhile they count `changes` on.
//! Whoever appends compares that number with the one that their plan was made at, so that a plan
//! need not be checked against tables again. The second one says which positions may still come: see
//! the function `head`.

use sqlx::PgConnection;

/// Whether one who appends may go through: the numbers of the [`Gate`], and how many changes there were
/// when it was planned. It asks the sequences themselves, as `pg_sequences` does: to
/// select from one costs more than all else here. The order is that of the cases.
macro_rules! gate {
    ($log:literal, $changes:literal, $events:literal) => {
        concat!(
            "CASE WHEN pg_advisory_xact_lock_shared(",
            $log,
            ", 0) IS NOT NULL THEN CASE WHEN pg_sequence_last_value('changes') = ",
            $changes,
            " THEN pg_advisory_xact_lock_shared(",
            $events,
            ", coalesce(pg_sequence_last_value('positions'), 0)::bit(32)::int) IS NOT NULL END END"
        )
    };
}
pub(super) use gate;

/// What the locks belong to: the numbers of two of the log's tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    /// Of those who change the log.
    pub(super) log: i32,
    /// Of those who append.
    pub(super) events: i32,
}

impl Gate {
    pub(super) async fn of(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let (log, events) = sqlx::query_as(
            "SELECT 'log'::regclass::oid::bigint::bit(32)::int, 'events'::regclass::oid::bigint::bit(32)::int",
        )
        .fetch_one(connection)
        .await?;
        Ok(Self { log, events })
    }

    /// How many changes there were. Nobody is in the middle of one: what is read from here on is at
    /// least as new.
    pub(super) async fn changes(self, connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT pg_sequence_last_value('changes') FROM pg_advisory_xact_lock_shared($1, 0) AS nobody",
        )
        .bind(self.log)
        .fetch_one(connection)
        .await
    }

    /// Waits for everybody who appends, and keeps them out until the transaction ends. Whatever
    /// they have planned is out of date then.
    pub(super) async fn shut(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let shut = sqlx::query("SELECT nextval('changes') FROM pg_advisory_xact_lock($1, 0) AS alone");
        shut.bind(self.log).execute(connection).await.map(drop)
    }
}
