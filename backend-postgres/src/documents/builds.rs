//! Builds: what was begun, served and ended.

use jiff::Timestamp;
use oubliette_core::{
    Before, Build, BuildId, BuildState, Error, ErrorKind, Fault, Position, ProjectionName, Result, Role,
};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool, PgRow};

use super::field::projection_id;
use crate::commit::signed;
use crate::connections::Failure;
use crate::error;

/// The error of a call about a build that has no documents.
pub(super) fn missing(op: &'static str, build: BuildId) -> Error {
    Error::new(ErrorKind::NotFound, op, "there is no such build, or it has ended").with("build", build)
}

pub(super) async fn all(pool: &PgPool) -> Result<Vec<Build>, Failure> {
    let rows = sqlx::query(
        "SELECT build.id, projection.name, version, role, state, position, begun_at, served_at, ended_at,
             fault, ARRAY(SELECT position FROM skipped WHERE build = build.id ORDER BY position)
         FROM build JOIN projection ON projection.id = build.projection ORDER BY build.id",
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.iter().map(decode).collect::<Result<_>>()?)
}

/// Begins a build; made again with the same token, it is the same one.
pub(super) async fn begin(
    connection: &mut PgConnection,
    projection: &ProjectionName,
    version: u32,
    role: Role,
    token: [u8; 16],
) -> Result<BuildId, Failure> {
    let projection = projection_id(connection, projection).await?;
    // An update that changes nothing, so that it returns the row.
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO build (projection, version, role, state, position, begun_at, begun_by)
         VALUES ($1, $2, $3, 'building', 0, $4, $5)
         ON CONFLICT (begun_by) DO UPDATE SET begun_by = excluded.begun_by RETURNING id",
    )
    .bind(projection)
    .bind(i64::from(version))
    .bind(match role {
        Role::Successor => "successor",
        Role::Scratch => "scratch",
    })
    .bind(Timestamp::now().to_string())
    .bind(token.as_slice())
    .fetch_one(connection)
    .await?;
    Ok(BuildId(id.unsigned_abs()))
}

pub(super) async fn serve(
    connection: &mut PgConnection,
    build: BuildId,
    before: Before,
) -> Result<(), Failure> {
    const OP: &str = "serve";
    // One at a time for each projection: who waited here sees what the other did.
    let projection: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM projection WHERE id = (SELECT projection FROM build WHERE id = $1)
         FOR NO KEY UPDATE",
    )
    .bind(signed(build.0))
    .fetch_optional(&mut *connection)
    .await?;
    let projection = projection.ok_or_else(|| missing(OP, build))?;
    let served: Option<bool> = sqlx::query_scalar(
        "SELECT state = 'served' FROM build WHERE id = $1 AND state <> 'ended' FOR NO KEY UPDATE",
    )
    .bind(signed(build.0))
    .fetch_optional(&mut *connection)
    .await?;
    if served.ok_or_else(|| missing(OP, build))? {
        return Ok(());
    }
    let served: Option<i64> = sqlx::query_scalar(
        "UPDATE build SET state = 'kept' WHERE projection = $1 AND state = 'served' RETURNING id",
    )
    .bind(projection)
    .fetch_optional(&mut *connection)
    .await?;
    if let (Some(served), Before::Ended) = (served, before) {
        end(connection, BuildId(served.unsigned_abs())).await?;
    }
    sqlx::query("UPDATE build SET state = 'served', served_at = $2 WHERE id = $1")
        .bind(signed(build.0))
        .bind(Timestamp::now().to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn end(connection: &mut PgConnection, build: BuildId) -> Result<(), Failure> {
    let ended =
        sqlx::query("UPDATE build SET state = 'ended', ended_at = coalesce(ended_at, $2) WHERE id = $1")
            .bind(signed(build.0))
            .bind(Timestamp::now().to_string())
            .execute(&mut *connection)
            .await?;
    if ended.rows_affected() == 0 {
        return Err(missing("end", build).into());
    }
    for sql in ["DELETE FROM entry WHERE build = $1", "DELETE FROM document WHERE build = $1"] {
        sqlx::query(sql).bind(signed(build.0)).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn note(
    connection: &mut PgConnection,
    build: BuildId,
    fault: Option<&Fault>,
) -> Result<(), Failure> {
    const OP: &str = "note";
    let fault = fault.map(serde_json::to_string).transpose();
    let fault = fault.map_err(|error| Error::json(ErrorKind::Unexpected, OP, "a fault", &error))?;
    let noted = sqlx::query("UPDATE build SET fault = $2 WHERE id = $1 AND state <> 'ended'")
        .bind(signed(build.0))
        .bind(fault)
        .execute(connection)
        .await?;
    if noted.rows_affected() == 0 { Err(missing(OP, build).into()) } else { Ok(()) }
}

fn decode(row: &PgRow) -> Result<Build> {
    const OP: &str = "builds";
    let of = error::of(OP);
    let id: i64 = row.try_get(0).map_err(&of)?;
    let id = BuildId(id.unsigned_abs());
    let damaged = || {
        Error::new(
            ErrorKind::Corrupt,
            OP,
            "the record of a build is damaged: restore the store from a backup",
        )
        .with("build", id)
    };
    let text = |column: usize| row.try_get::<Option<&str>, _>(column).map_err(&of);
    let time = |column: usize| match text(column)? {
        Some(text) => text.parse::<Timestamp>().map(Some).map_err(|_| damaged()),
        None => Ok(None),
    };
    let number = |column: usize| row.try_get::<i64, _>(column).map_err(&of);
    let skipped: Vec<i64> = row.try_get(10).map_err(&of)?;
    Ok(Build {
        id,
        projection: text(1)?.and_then(|name| ProjectionName::new(name).ok()).ok_or_else(damaged)?,
        version: number(2)?.try_into().map_err(|_| damaged())?,
        role: match text(3)? {
            Some("successor") => Role::Successor,
            Some("scratch") => Role::Scratch,
            _ => return Err(damaged()),
        },
        state: match text(4)? {
            Some("building") => BuildState::Building,
            Some("served") => BuildState::Served,
            Some("kept") => BuildState::Kept,
            Some("ended") => BuildState::Ended,
            _ => return Err(damaged()),
        },
        position: Position(number(5)?.unsigned_abs()),
        begun_at: time(6)?.ok_or_else(damaged)?,
        served_at: time(7)?,
        ended_at: time(8)?,
        fault: text(9)?.map(serde_json::from_str).transpose().map_err(|_| damaged())?,
        skipped: skipped.into_iter().map(|position| Position(position.unsigned_abs())).collect(),
    })
}
