//! Where a store is: in a file, in a PostgreSQL database, or in S3.

use std::convert::Infallible;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::bucket::Bucket;
use crate::exit::{CLOSED, Exit};

/// What connection strings begin with.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Where a store is, as `oubliette.toml` and the command line say. Its `Debug` shows no connection string.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) enum Place {
    /// A file. A relative path is relative to the directory.
    File(PathBuf),
    /// A database, by its connection string.
    Database(String),
    /// A bucket and a folder in it, by its address.
    Bucket(String),
    /// A database or a bucket, by an environment variable that holds the one or the other.
    Env(String),
}

/// Where a store is found.
pub(crate) enum Found {
    File(PathBuf),
    /// The connection string.
    Database(String),
    Bucket(Bucket),
}

impl Place {
    /// Where it is, for the directory at `root`.
    pub(crate) fn find(&self, root: &Path) -> Result<Found, Exit> {
        match self {
            Self::File(path) => Ok(Found::File(root.join(path))),
            Self::Database(url) => Ok(Found::Database(url.clone())),
            Self::Bucket(url) => Ok(Found::Bucket(Bucket::parse(url)?)),
            Self::Env(name) => match env::var(name) {
                Ok(url) if is_connection(&url) => Ok(Found::Database(url)),
                Ok(url) if Bucket::is_named_by(&url) => Ok(Found::Bucket(Bucket::parse(&url)?)),
                _ => Err(Exit::new(
                    CLOSED,
                    format!(
                        "the environment variable {name} holds no connection string, and names no bucket"
                    ),
                )
                .next(format!("set it: {name}=postgres://... or {name}=s3://..."))),
            },
        }
    }

    /// The file; `None` for a database or a bucket.
    pub(crate) fn file(&self, root: &Path) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(root.join(path)),
            Self::Database(_) | Self::Bucket(_) | Self::Env(_) => None,
        }
    }
}

/// Whether a text names a place that is no file.
pub(crate) fn is_elsewhere(text: &str) -> bool {
    is_connection(text) || Bucket::is_named_by(text)
}

/// Whether a text looks like a connection string.
fn is_connection(text: &str) -> bool {
    let text = text.trim_start().to_ascii_lowercase();
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// The same text without addresses, of those that were given: credentials may stand in them.
pub(crate) fn without_addresses<'a>(text: &str, given: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = text.to_owned();
    for given in given {
        // An option and its value may be one argument.
        let value =
            given.split_once('=').filter(|(option, _)| option.starts_with('-')).map(|(_, value)| value);
        for secret in [given, value.unwrap_or(given)] {
            if let Some((scheme, _)) = secret.split_once("://") {
                text = text.replace(secret, &format!("{scheme}://..."));
            }
        }
    }
    text
}

impl From<String> for Place {
    fn from(text: String) -> Self {
        match text.strip_prefix("env:") {
            Some(name) => Self::Env(name.to_owned()),
            None if is_connection(&text) => Self::Database(text),
            None if Bucket::is_named_by(&text) => Self::Bucket(text),
            None => Self::File(text.into()),
        }
    }
}

/// Any text names a place: a parser that refused one would quote it.
impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.to_owned().into())
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        match place {
            Place::File(path) => path.to_string_lossy().into_owned(),
            Place::Database(url) | Place::Bucket(url) => url,
            Place::Env(name) => format!("env:{name}"),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Database(_) => f.write_str("Database"),
            Self::Bucket(_) => f.write_str("Bucket"),
            Self::Env(name) => f.debug_tuple("Env").field(name).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_it_was_read() {
        for (text, is) in [
            ("log/log.db", Place::File("log/log.db".into())),
            ("env:SHOP_DB", Place::Env("SHOP_DB".to_owned())),
            ("postgres://u:p@h/d", Place::Database("postgres://u:p@h/d".to_owned())),
            ("PostgreSQL://h/d", Place::Database("PostgreSQL://h/d".to_owned())),
            ("s3://shop/prod", Place::Bucket("s3://shop/prod".to_owned())),
        ] {
            let place = Place::from(text.to_owned());
            assert_eq!(place, is, "{text}");
            assert_eq!(String::from(place), text);
        }
    }

    #[test]
    fn no_address_is_shown() {
        let url = "postgres://u:planted@h/d";
        for place in [url, "s3://key:planted@shop"] {
            assert!(!format!("{:?}", Place::from(place.to_owned())).contains("planted"));
        }
        let given = ["init", "--log", url, "--documents=s3://key:planted@shop"];
        let text = format!("unexpected argument '{url}' and '{}'", given[3]);
        let shown = without_addresses(&text, given);
        assert_eq!(shown, "unexpected argument 'postgres://...' and '--documents=s3://...'");
    }
}
