//! What a run of the matrix came to: for a terminal, as JSON, as a page.

mod ask;
mod form;
mod make;
mod page;
mod rule;
mod table;

pub use self::ask::Failure;
pub use self::form::{CaseOf, Cell, Column, FORMAT, PartVersion, Report};
pub use self::page::page;
pub use self::rule::Rule;
pub use self::table::{failures, summary, table, width};
