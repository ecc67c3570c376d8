//! The catalogue as it is written: TOML, with the place of each part for error texts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    pub(crate) name: String,
    pub(crate) residue: Spanned<ResidueForm>,
    #[serde(default)]
    pub(crate) purpose: BTreeMap<String, Spanned<PurposeForm>>,
    pub(crate) rule: Vec<Spanned<RuleForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResidueForm {
    pub(crate) policy: Spanned<String>,
    pub(crate) purpose: Option<Spanned<String>>,
    pub(crate) null: Option<Spanned<Value>>,
    #[serde(default)]
    pub(crate) ignore: Vec<String>,
    #[serde(default = "four")]
    pub(crate) min_length: usize,
}

fn four() -> usize {
    4
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurposeForm {
    pub(crate) basis: Spanned<String>,
    pub(crate) retention: Spanned<String>,
    pub(crate) description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleForm {
    pub(crate) name: Spanned<String>,
    #[serde(default)]
    pub(crate) events: Option<Vec<Spanned<String>>>,
    pub(crate) at: Spanned<String>,
    pub(crate) subject: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) aliases: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) names: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) fields: Vec<Spanned<FieldsForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldsForm {
    pub(crate) paths: Vec<Spanned<String>>,
    pub(crate) purpose: Spanned<String>,
    #[serde(default)]
    pub(crate) null: Value,
    #[serde(default)]
    pub(crate) mentions: bool,
}
