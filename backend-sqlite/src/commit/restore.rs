//! Taking events as another log recorded them, and the quarantine until all is in order.

use oubliette_core::{Error, ErrorKind, Position, Recorded, Restored, Result};
use sqlx::{Row, SqlitePool};

use super::plan::Plan;
use super::{Committer, drop, scrub};
use crate::bulk::signed;
use crate::error;
use crate::read::END;

const OP: &str = "restore";

/// Where the restore of a log in quarantine ends.
pub(crate) async fn quarantine(readers: &SqlitePool) -> Result<Option<Position>> {
    const OP: &str = "quarantine";
    let row = sqlx::query("SELECT quarantine FROM log").fetch_one(readers).await.map_err(error::of(OP))?;
    let until: Option<i64> = row.try_get(0).map_err(error::of(OP))?;
    Ok(until.map(|until| Position(until.unsigned_abs())))
}

impl Committer {
    pub(super) async fn restore(&mut self, page: &Restored) -> Result<()> {
        let versions = page.dropped.iter().map(|dropped| dropped.version.0);
        let most = versions.fold(page.until.0, u64::max);
        if most > END.unsigned_abs() {
            return Err(Error::new(ErrorKind::LimitExceeded, OP, "a log has no such position or version")
                .with("is", most)
                .with("limit", END));
        }
        let restored = self.take_back(page).await;
        if restored.is_err() {
            self.roll_back().await;
        }
        // The next append looks everything up anew.
        self.heads.forget();
        self.published.send_replace(restored?);
        Ok(())
    }

    /// One transaction for the page, its end and the quarantine. Returns the log's head.
    async fn take_back(&mut self, page: &Restored) -> Result<u64> {
        let head = self.begin().await.map_err(error::of(OP))?;
        page.check(Position(head), self.heads.quarantine())?;
        let new = |event: &&Recorded| event.position.0 > head && !page.drops(event);
        let events: Vec<_> = page.events.iter().filter(new).collect();
        let envelopes = events.iter().map(|event| &event.envelope);
        let scrubbed = scrub::scrubbed_of(&mut self.connection, envelopes).await.map_err(error::of(OP))?;
        let mut plan = Plan::new(&self.heads, Default::default()).refusing(scrubbed);
        events.iter().for_each(|event| plan.restore(event));
        // What is beyond the last event was given to events that are no more. Where streams
        // were dropped there is a floor: who remembers a new log looks again.
        let last = events.last().map_or(head, |event| event.position.0);
        let floor = Some(page.through.0).filter(|through| *through > last || !page.dropped.is_empty());
        sqlx::query("UPDATE log SET quarantine = ?1, floor = max(floor, coalesce(?2, 0))")
            .bind(signed(page.until.0))
            .bind(floor.map(signed))
            .execute(&mut self.connection)
            .await
            .map_err(error::of(OP))?;
        if !page.dropped.is_empty() {
            let streams: Vec<_> = page.dropped.iter().map(|gone| (&gone.stream, gone.version.0)).collect();
            drop::take_events(&mut self.connection, &streams).await.map_err(error::of(OP))?;
        }
        let inserted = self.inserter.insert(&mut self.connection, &plan, None).await;
        inserted.map_err(|error| match error::is_constraint(&error) {
            true => Error::new(ErrorKind::Invalid, OP, "the versions of a stream are not in order"),
            false => error::from_driver(OP, &error),
        })?;
        self.backlog.grow(&plan.parts);
        Ok(head.max(page.through.0))
    }

    pub(super) async fn release(&mut self) -> Result<()> {
        let released = self.open_up().await;
        if released.is_err() {
            self.roll_back().await;
        }
        released
    }

    async fn open_up(&mut self) -> Result<()> {
        self.begin().await.map_err(error::of(OP))?;
        self.heads.are_whole()?;
        for sql in ["UPDATE log SET quarantine = NULL", "COMMIT"] {
            sqlx::query(sql).execute(&mut self.connection).await.map_err(error::of(OP))?;
        }
        Ok(())
    }

    /// Begins a transaction behind the write lock, and looks the log's head up in it.
    async fn begin(&mut self) -> Result<u64, sqlx::Error> {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.connection).await?;
        self.heads.refresh(&mut self.connection).await?;
        Ok(self.heads.head())
    }
}
