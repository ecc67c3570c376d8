//! One file a command.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod forget;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod read;
pub(crate) mod status;
pub(crate) mod subject;
pub(crate) mod verify;
