//! Taking events as another log recorded them, and the quarantine until all is in order.

use std::collections::HashMap;

use oubliette_core::{Error, ErrorKind, Position, Recorded, Restored, Result, SealedPart};
use sqlx::{Connection as _, PgConnection};

use super::drop::take_events;
use super::gate::Gate;
use super::{Plan, Standing, Writer, insert, scrubbed_of, signed};
use crate::error;

const OP: &str = "restore";

impl Writer {
    pub(crate) async fn restore(&self, page: &Restored) -> Result<()> {
        let versions = page.dropped.iter().map(|dropped| dropped.version.0);
        let most = versions.fold(page.until.0, u64::max);
        if most > i64::MAX.unsigned_abs() {
            return Err(Error::new(ErrorKind::LimitExceeded, OP, "a log has no such position or version")
                .with("is", most)
                .with("limit", i64::MAX));
        }
        let of = error::of(OP);
        let mut connection = self.pool.acquire().await.map_err(&of)?;
        let mut transaction = connection.begin().await.map_err(&of)?;
        take_back(self.gate, &mut transaction, page).await?;
        transaction.commit().await.map_err(&of)?;
        self.publish(page.through.0);
        Ok(())
    }

    /// Ends the quarantine.
    pub(crate) async fn release(&self) -> Result<()> {
        let of = error::of(OP);
        let mut connection = self.pool.acquire().await.map_err(&of)?;
        let mut transaction = connection.begin().await.map_err(&of)?;
        let standing = standing(self.gate, &mut transaction).await?;
        if let Some(until) = standing.quarantine {
            Restored::check_end(standing.head, until)?;
        }
        sqlx::query("UPDATE log SET quarantine = NULL").execute(&mut *transaction).await.map_err(&of)?;
        transaction.commit().await.map_err(of)
    }
}

/// Where the log stands, behind everybody who appends: nobody does until the transaction ends.
async fn standing(gate: Gate, connection: &mut PgConnection) -> Result<Standing> {
    gate.shut(connection).await.map_err(error::of(OP))?;
    Standing::of(connection).await.map_err(error::of(OP))
}

/// The page, its end and the quarantine.
async fn take_back(gate: Gate, connection: &mut PgConnection, page: &Restored) -> Result<()> {
    let of = error::of(OP);
    let standing = standing(gate, connection).await?;
    page.check(standing.head, standing.quarantine)?;
    let new = |event: &&Recorded| event.position > standing.head && !page.drops(event);
    let events: Vec<_> = page.events.iter().filter(new).collect();
    let parts = events.iter().flat_map(|event| &event.envelope.parts).flatten();
    let owners = parts.flat_map(SealedPart::owners).collect();
    let scrubbed = scrubbed_of(connection, &owners).await.map_err(&of)?;
    let mut plan = Plan::new(HashMap::new(), scrubbed);
    events.iter().for_each(|event| plan.restore(event));
    // What is beyond the last event was given to events that are no more.
    let last = events.last().map_or(standing.head, |event| event.position);
    let floor = if page.through > last { page.through } else { Position::ZERO };
    sqlx::query("UPDATE log SET quarantine = $1, floor = greatest(floor, $2)")
        .bind(signed(page.until.0))
        .bind(signed(floor.0))
        .execute(&mut *connection)
        .await
        .map_err(&of)?;
    if page.through > Position::ZERO {
        sqlx::query(
            "SELECT make_room($1), setval('positions', greatest($1, (SELECT last_value FROM positions)))",
        )
        .bind(signed(page.through.0))
        .execute(&mut *connection)
        .await
        .map_err(&of)?;
    }
    if !page.dropped.is_empty() {
        let streams: Vec<_> = page.dropped.iter().map(|gone| (&gone.stream, gone.version.0)).collect();
        take_events(connection, &streams).await.map_err(&of)?;
    }
    insert::restore(connection, &plan, &events).await.map_err(|error| match error::is_unique(&error) {
        true => Error::new(ErrorKind::Invalid, OP, "the versions of a stream are not in order"),
        false => error::from_driver(OP, &error),
    })
}
