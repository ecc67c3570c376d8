//! One file a command.

pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod forget;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod projection;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod scan;
pub(crate) mod snapshot;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod subject;
pub(crate) mod sweep;
pub(crate) mod vault;
pub(crate) mod verify;
