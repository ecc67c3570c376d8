#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod address;
mod aliases;
mod catalogue;
mod compile;
mod draft;
mod fold;
mod form;
mod found;
mod plan;
mod pointer;
mod purpose;
mod report;
mod rule;
mod source;
mod survey;
mod view;

pub use self::aliases::AliasIndex;
pub use self::catalogue::Catalogue;
pub use self::found::Found;
pub use self::purpose::{Basis, PurposeDeclaration};
pub use self::report::{Report, RuleReport};
pub use self::view::DeclaredView;
