//! The demo in a database, which is not the demo's to keep.

use std::path::Path;
use std::str::FromStr as _;

use oubliette::Query;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::NamedTempFile;

use super::raw;
use crate::dir::Dir;
use crate::exit::{Exit, FAILED, USAGE};
use crate::place::{Found, Place};
use crate::stores::Stores;

/// Where the stores of a demo are: each demo has schemas of its own, so that it can be repeated.
pub(super) fn stores(postgres: Option<&Place>, root: &Path) -> Result<Stores, Exit> {
    let Some(place) = postgres else { return Ok(Stores::default()) };
    if place.file(root).is_some() {
        return Err(Exit::new(USAGE, "a database is named by a connection string")
            .next("give --postgres postgres://..., or env:NAME for a variable that holds one"));
    }
    let mut name = [0; 4];
    aws_lc_rs::rand::fill(&mut name).map_err(|_| Exit::new(FAILED, "the system gives no random bytes"))?;
    Ok(Stores::in_database(place, format!("demo_{}", hex::encode(name))))
}

/// Where the stores of the restored house are.
pub(super) fn stores_beside(stores: &Stores) -> Stores {
    match &stores.log {
        Place::File(_) => Stores::default(),
        database => Stores::in_database(database, format!("{}_restored", stores.schema)),
    }
}

/// What the log in a database gives back, in a file that can be searched; nothing for a log that
/// is a file itself.
pub(super) async fn given_back(dir: &Dir) -> Result<Option<NamedTempFile>, Exit> {
    if dir.config().stores().log.file(dir.root()).is_some() {
        return Ok(None);
    }
    let failed = |error| Exit::failed("cannot keep what the log gives back", &error);
    let file = NamedTempFile::new().map_err(failed)?;
    std::fs::write(file.path(), raw(dir, Query::all()).await?.concat()).map_err(failed)?;
    Ok(Some(file))
}

/// Drops the schemas of a demo that is done.
pub(super) async fn drop_schemas(stores: &Stores, root: &Path) -> Result<(), Exit> {
    let Found::Database(url) = stores.log.find(root)? else { return Ok(()) };
    // The driver's texts are left out: they may quote the connection string.
    let cannot = |_| Exit::new(FAILED, format!("the schemas of {} cannot be dropped", stores.schema));
    let options = PgConnectOptions::from_str(&url).map_err(cannot)?.disable_statement_logging();
    let mut connection = options.connect().await.map_err(cannot)?;
    for house in [stores, &stores_beside(stores)] {
        for (store, _) in house.each() {
            // The name is of this demo's making: it needs no quotes.
            let statement = format!("DROP SCHEMA IF EXISTS {} CASCADE", house.schema_of(store));
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.map_err(cannot)?;
        }
    }
    connection.close().await.map_err(cannot)
}
