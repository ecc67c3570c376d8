//! The demo in a database or a bucket, which is not the demo's to keep.

use std::path::Path;
use std::str::FromStr as _;

use oubliette::Query;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::NamedTempFile;

use super::raw;
use crate::args::Demo;
use crate::dir::Dir;
use crate::exit::{Exit, FAILED, USAGE};
use crate::place::{Found, Place};
use crate::stores::Stores;

/// Where the stores of a demo are: each demo has schemas, or a folder, of its own, so that it can be
/// repeated.
pub(super) fn stores(args: &Demo, root: &Path) -> Result<Stores, Exit> {
    let mut name = [0; 4];
    aws_lc_rs::rand::fill(&mut name).map_err(|_| Exit::new(FAILED, "the system gives no random bytes"))?;
    let name = format!("demo_{}", hex::encode(name));
    if let Some(place) = &args.s3 {
        let Found::Bucket(bucket) = place.find(root)? else {
            return Err(Exit::new(USAGE, "a bucket is named by its address")
                .next("give --s3 s3://BUCKET, or env:NAME for a variable that holds such a one"));
        };
        let log = Place::Bucket(bucket.below(&name).url());
        return Ok(Stores { log, s3: args.reach.clone(), ..Stores::default() });
    }
    let Some(place) = &args.postgres else { return Ok(Stores::default()) };
    let Found::Database(_) = place.find(root)? else {
        return Err(Exit::new(USAGE, "a database is named by a connection string")
            .next("give --postgres postgres://..., or env:NAME for a variable that holds one"));
    };
    Ok(Stores::in_database(place, name))
}

/// Where the stores of the restored house are.
pub(super) fn stores_beside(stores: &Stores) -> Stores {
    match &stores.log {
        Place::File(_) => Stores::default(),
        Place::Bucket(url) => {
            let log = Place::Bucket(format!("{url}_restored"));
            Stores { log, s3: stores.s3.clone(), ..Stores::default() }
        }
        database => Stores::in_database(database, format!("{}_restored", stores.schema)),
    }
}

/// What a log that is no file gives back, in a file that can be searched; nothing for a log that
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

/// Takes away what a demo that is done has left in a database or a bucket.
pub(super) async fn clear(stores: &Stores, root: &Path) -> Result<(), Exit> {
    for house in [stores, &stores_beside(stores)] {
        match house.log.find(root)? {
            Found::File(_) => {}
            Found::Database(url) => drop_schemas(house, &url).await?,
            Found::Bucket(bucket) => bucket.log(&house.s3).take_away().await?,
        }
    }
    Ok(())
}

async fn drop_schemas(house: &Stores, url: &str) -> Result<(), Exit> {
    // The driver's texts are left out: they may quote the connection string.
    let cannot = |_| Exit::new(FAILED, format!("the schemas of {} cannot be dropped", house.schema));
    let options = PgConnectOptions::from_str(url).map_err(cannot)?.disable_statement_logging();
    let mut connection = options.connect().await.map_err(cannot)?;
    for (store, _) in house.each() {
        // The name is of this demo's making: it needs no quotes.
        let statement = format!("DROP SCHEMA IF EXISTS {} CASCADE", house.schema_of(store));
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.map_err(cannot)?;
    }
    connection.close().await.map_err(cannot)
}
