//! A place in S3, and how it is reached.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use oubliette::s3::{S3Log, S3LogBuilder, S3Snapshots, S3SnapshotsBuilder};
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, INPUT};

/// What such a place begins with.
const SCHEME: &str = "s3://";

/// A bucket, and the folder in it that holds the stores of a house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    name: String,
    folder: String,
}

/// How S3 is reached. With which credentials is not said here: they are looked for where AWS's own programs
/// look.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reach {
    /// Where S3 answers, for a compatible store; AWS unless named here or in AWS_ENDPOINT_URL
    #[arg(long = "s3-endpoint", value_name = "URL")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoint: Option<Endpoint>,
    /// The bucket's region; what AWS_REGION or the profile says unless named
    #[arg(long = "s3-region", value_name = "REGION")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// Put the bucket's name into the path, as most compatible stores want it
    #[arg(long = "s3-path-style")]
    #[serde(default)]
    path_style: bool,
}

/// Where S3 answers: an address without a name or a password in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Endpoint(String);

/// It does not quote what it is about.
#[derive(Debug)]
pub(crate) struct NoEndpoint;

/// A builder, of whatever store, that is told how S3 is reached.
macro_rules! reached {
    ($builder:expr, $reach:expr) => {{
        let mut builder = $builder.path_style($reach.path_style);
        if let Some(Endpoint(url)) = &$reach.endpoint {
            builder = builder.endpoint(url);
        }
        if let Some(region) = &$reach.region {
            builder = builder.region(region);
        }
        builder
    }};
}

impl Bucket {
    /// Whether a text looks like such a place.
    pub(crate) fn is_named_by(text: &str) -> bool {
        let begins = text.trim_start().get(..SCHEME.len());
        begins.is_some_and(|begins| begins.eq_ignore_ascii_case(SCHEME))
    }

    /// The bucket and the folder of `s3://BUCKET/FOLDER`.
    ///
    /// What it refuses it does not quote: somebody may have written a secret there.
    pub(crate) fn parse(place: &str) -> Result<Self, Exit> {
        let rest = place.trim().get(SCHEME.len()..).unwrap_or_default();
        let (name, folder) = rest.split_once('/').unwrap_or((rest, ""));
        let is_named = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(is_named) || !folder.chars().all(|c| is_named(c) || c == '/')
        {
            return Err(Exit::new(
                INPUT,
                "a place in S3 is s3://BUCKET or s3://BUCKET/FOLDER, of letters, digits, `-`, `_` and `.`",
            )
            .next("name the bucket; credentials come from the environment or the profile, as for AWS's programs"));
        }
        Ok(Self { name: name.to_owned(), folder: folder.trim_end_matches('/').to_owned() })
    }

    /// A folder in this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        Self { folder: joined(&self.folder, name), ..self.clone() }
    }

    /// Where it is, for people and for `oubliette.toml`.
    pub(crate) fn url(&self) -> String {
        format!("{SCHEME}{}", joined(&self.name, &self.folder))
    }

    /// Whether the stores of one would lie among those of the other.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let (ours, theirs) = (format!("{}/", self.url()), format!("{}/", other.url()));
        ours.starts_with(&theirs) || theirs.starts_with(&ours)
    }

    /// The event log in it, not yet opened.
    pub(crate) fn log(&self, reach: &Reach) -> S3LogBuilder {
        reached!(S3Log::builder(&self.name), reach).prefix(joined(&self.folder, "log"))
    }

    /// The snapshots in it, not yet opened.
    pub(crate) fn snapshots(&self, reach: &Reach) -> S3SnapshotsBuilder {
        reached!(S3Snapshots::builder(&self.name), reach).prefix(joined(&self.folder, "snapshots"))
    }
}

fn joined(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", only) | (only, "") => only.to_owned(),
        (folder, name) => format!("{folder}/{name}"),
    }
}

impl Reach {
    /// Whether there is nothing to say.
    pub(crate) fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl FromStr for Endpoint {
    type Err = NoEndpoint;

    fn from_str(url: &str) -> Result<Self, NoEndpoint> {
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        match host {
            Some(host) if !host.is_empty() && !url.contains('@') => Ok(Self(url.to_owned())),
            _ => Err(NoEndpoint),
        }
    }
}

impl TryFrom<String> for Endpoint {
    type Error = NoEndpoint;

    fn try_from(url: String) -> Result<Self, NoEndpoint> {
        url.parse()
    }
}

impl From<Endpoint> for String {
    fn from(Endpoint(url): Endpoint) -> Self {
        url
    }
}

impl fmt::Display for NoEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an endpoint is http://HOST or https://HOST, without credentials in it")
    }
}

impl std::error::Error for NoEndpoint {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_s3_is_a_bucket_and_a_folder() {
        for (place, url) in [
            ("s3://shop", "s3://shop"),
            ("S3://shop/", "s3://shop"),
            ("s3://shop/prod/house/", "s3://shop/prod/house"),
        ] {
            assert!(Bucket::is_named_by(place));
            assert_eq!(Bucket::parse(place).unwrap().url(), url);
        }
        for place in ["s3://", "s3:///folder", "s3://key:planted@shop", "s3://shop/a?planted=1"] {
            let refused = Bucket::parse(place).unwrap_err();
            assert!(!format!("{refused:?}").contains("planted"), "{place}");
        }
    }

    #[test]
    fn a_folder_overlaps_with_what_is_in_it_and_not_with_its_neighbour() {
        let bucket = |place: &str| Bucket::parse(place).unwrap();
        let prod = bucket("s3://shop/prod");
        assert!(
            prod.overlaps(&prod) && prod.overlaps(&prod.below("old")) && bucket("s3://shop").overlaps(&prod)
        );
        assert!(
            !prod.overlaps(&bucket("s3://shop/production")) && !prod.overlaps(&bucket("s3://other/prod"))
        );
    }

    #[test]
    fn an_endpoint_holds_no_credentials() {
        assert!("http://127.0.0.1:4566".parse::<Endpoint>().is_ok());
        for url in ["http://", "127.0.0.1", "ftp://host", "https://me:planted@host"] {
            let refused = url.parse::<Endpoint>().unwrap_err();
            assert!(!refused.to_string().contains("planted"), "{url}");
        }
    }
}
