//! Rules: where people stand in an event, and what of it is personal.

use globset::GlobSet;
use oubliette_core::Purpose;
use oubliette_core::alias::AliasKind;
use serde_json::Value;
use serde_json_path::JsonPath;

/// A rule, checked.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) events: GlobSet,
    pub(crate) at: JsonPath,
    pub(crate) subject: Option<JsonPath>,
    pub(crate) aliases: Vec<(AliasKind, JsonPath)>,
    pub(crate) fields: Vec<Fields>,
}

/// Personal fields of what a rule finds.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) paths: Vec<JsonPath>,
    pub(crate) purpose: Purpose,
    pub(crate) null: Value,
    pub(crate) mentions: bool,
}

/// The values at a path, each with its RFC 6901 pointer, which begins with `base`.
pub(crate) fn at<'a>(
    path: &JsonPath,
    value: &'a Value,
    base: &str,
) -> impl Iterator<Item = (String, &'a Value)> {
    let located = path.query_located(value).all();
    located.into_iter().map(move |node| {
        let mut pointer = base.to_owned();
        pointer.push_str(&node.location().to_json_pointer());
        (pointer, node.node())
    })
}
