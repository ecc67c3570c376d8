//! Projections as they are written: TOML, with the place of each part for error texts.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    pub(super) projection: Vec<Spanned<ProjectionForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectionForm {
    pub(super) name: Spanned<String>,
    pub(super) version: Spanned<u32>,
    pub(super) description: Option<String>,
    pub(super) on: Vec<Spanned<OnForm>>,
    #[serde(default)]
    pub(super) lookup: Vec<Spanned<LookupForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnForm {
    pub(super) events: Option<Vec<Spanned<String>>>,
    pub(super) key: Spanned<String>,
    #[serde(default)]
    pub(super) set: Places,
    #[serde(default)]
    pub(super) first: Places,
    #[serde(default)]
    pub(super) count: BTreeMap<String, Spanned<i64>>,
    #[serde(default)]
    pub(super) count_by: Places,
    #[serde(default)]
    pub(super) collect: Places,
    #[serde(default)]
    pub(super) remove: bool,
}

/// Fields of the document, and where their values stand in the event.
pub(super) type Places = BTreeMap<String, Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookupForm {
    pub(super) name: Spanned<String>,
    pub(super) at: Spanned<String>,
    pub(super) compare: Spanned<String>,
}
