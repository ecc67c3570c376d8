//! Documents of projections.

mod builds;
mod config;
mod decode;
mod field;
mod filter;
mod forget;
mod page;
mod store;
mod words;
mod write;

pub use self::config::PostgresDocumentsBuilder;
pub use self::store::PostgresDocuments;
