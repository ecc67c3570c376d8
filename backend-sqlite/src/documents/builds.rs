//! Builds: what was begun, served and ended.

use jiff::Timestamp;
use oubliette_core::{
    Before, Build, BuildId, BuildState, Error, ErrorKind, Fault, Position, ProjectionName, Result, Role,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::field::projection_id;
use crate::bulk::signed;
use crate::error;

const OP: &str = "builds";

/// The error of a call about a build that has no documents.
pub(super) fn missing(op: &'static str, build: BuildId) -> Error {
    Error::new(ErrorKind::NotFound, op, "there is no such build, or it has ended").with("build", build)
}

pub(super) async fn all(readers: &SqlitePool) -> Result<Vec<Build>> {
    let rows = sqlx::query(
        "SELECT build.id, projection.name, version, role, state, position, begun_at, served_at, ended_at,
             fault, (SELECT json_group_array(position ORDER BY position) FROM skipped WHERE build = build.id)
         FROM build JOIN projection ON projection.id = build.projection ORDER BY build.id",
    )
    .fetch_all(readers)
    .await
    .map_err(error::of(OP))?;
    rows.iter().map(decode).collect()
}

pub(super) async fn begin(
    file: &mut SqliteConnection,
    projection: ProjectionName,
    version: u32,
    role: Role,
) -> Result<BuildId> {
    const OP: &str = "begin";
    let projection = projection_id(file, &projection, OP).await?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO build (projection, version, role, state, position, begun_at)
         VALUES (?1, ?2, ?3, 'building', 0, ?4) RETURNING id",
    )
    .bind(projection)
    .bind(i64::from(version))
    .bind(match role {
        Role::Successor => "successor",
        Role::Scratch => "scratch",
    })
    .bind(Timestamp::now().to_string())
    .fetch_one(file)
    .await
    .map_err(error::of(OP))?;
    Ok(BuildId(id.unsigned_abs()))
}

pub(super) async fn serve(file: &mut SqliteConnection, build: BuildId, before: Before) -> Result<()> {
    const OP: &str = "serve";
    let of = error::of(OP);
    let chosen =
        sqlx::query("SELECT projection, state = 'served' FROM build WHERE id = ?1 AND state <> 'ended'")
            .bind(signed(build.0))
            .fetch_optional(&mut *file)
            .await
            .map_err(&of)?
            .ok_or_else(|| missing(OP, build))?;
    if chosen.try_get(1).map_err(&of)? {
        return Ok(());
    }
    let projection: i64 = chosen.try_get(0).map_err(&of)?;
    let served: Option<i64> = sqlx::query_scalar(
        "UPDATE build SET state = 'kept' WHERE projection = ?1 AND state = 'served' RETURNING id",
    )
    .bind(projection)
    .fetch_optional(&mut *file)
    .await
    .map_err(&of)?;
    if let (Some(served), Before::Ended) = (served, before) {
        end(file, BuildId(served.unsigned_abs())).await?;
    }
    sqlx::query("UPDATE build SET state = 'served', served_at = ?2 WHERE id = ?1")
        .bind(signed(build.0))
        .bind(Timestamp::now().to_string())
        .execute(file)
        .await
        .map(drop)
        .map_err(of)
}

pub(super) async fn end(file: &mut SqliteConnection, build: BuildId) -> Result<()> {
    const OP: &str = "end";
    let ended =
        sqlx::query("UPDATE build SET state = 'ended', ended_at = coalesce(ended_at, ?2) WHERE id = ?1")
            .bind(signed(build.0))
            .bind(Timestamp::now().to_string())
            .execute(&mut *file)
            .await
            .map_err(error::of(OP))?;
    if ended.rows_affected() == 0 {
        return Err(missing(OP, build));
    }
    for sql in [
        "DELETE FROM entry WHERE build = ?1",
        "DELETE FROM fresh WHERE build = ?1",
        "DELETE FROM document WHERE build = ?1",
    ] {
        sqlx::query(sql).bind(signed(build.0)).execute(&mut *file).await.map_err(error::of(OP))?;
    }
    Ok(())
}

pub(super) async fn note(file: &mut SqliteConnection, build: BuildId, fault: Option<Fault>) -> Result<()> {
    const OP: &str = "note";
    let fault = fault.map(|fault| serde_json::to_string(&fault)).transpose();
    let fault = fault.map_err(|error| Error::json(ErrorKind::Unexpected, OP, "a fault", &error))?;
    let noted = sqlx::query("UPDATE build SET fault = ?2 WHERE id = ?1 AND state <> 'ended'")
        .bind(signed(build.0))
        .bind(fault)
        .execute(file)
        .await
        .map_err(error::of(OP))?;
    if noted.rows_affected() == 0 { Err(missing(OP, build)) } else { Ok(()) }
}

fn decode(row: &SqliteRow) -> Result<Build> {
    let of = error::of(OP);
    let id: i64 = row.try_get(0).map_err(&of)?;
    let id = BuildId(id.unsigned_abs());
    let damaged = || {
        Error::new(ErrorKind::Corrupt, OP, "the record of a build is damaged: restore the file from a backup")
            .with("build", id)
    };
    let text = |column: usize| row.try_get::<Option<&str>, _>(column).map_err(&of);
    let time = |column: usize| match text(column)? {
        Some(text) => text.parse::<Timestamp>().map(Some).map_err(|_| damaged()),
        None => Ok(None),
    };
    let position: i64 = row.try_get(5).map_err(&of)?;
    let skipped: Option<Vec<Position>> = text(10)?.and_then(|list| serde_json::from_str(list).ok());
    Ok(Build {
        id,
        projection: text(1)?.and_then(|name| ProjectionName::new(name).ok()).ok_or_else(damaged)?,
        version: row.try_get(2).map_err(&of)?,
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
        position: Position(position.unsigned_abs()),
        begun_at: time(6)?.ok_or_else(damaged)?,
        served_at: time(7)?,
        ended_at: time(8)?,
        fault: text(9)?.map(serde_json::from_str).transpose().map_err(|_| damaged())?,
        skipped: skipped.ok_or_else(damaged)?,
    })
}
