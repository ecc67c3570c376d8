//! Documents of projections.

mod builds;
mod config;
mod decode;
mod field;
mod forget;
mod page;
mod store;
mod words;
mod write;

pub use self::config::SqliteDocumentsBuilder;
pub use self::store::SqliteDocuments;
