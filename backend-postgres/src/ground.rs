//! What a store stands on: whether the server lets us see and do what a sweep needs.

use oubliette_core::Result;
use sqlx::postgres::PgConnection;

/// A server, as far as this user can see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ground {
    /// Why bytes may outlive a sweep; `None` where they do not.
    pub(crate) keeps: Option<String>,
}

impl Ground {
    /// What can be seen over this connection.
    pub(crate) async fn of(_connection: &mut PgConnection) -> Result<Self> {
        Ok(Self { keeps: Some("what a sweep has to reach is not looked at yet".to_owned()) })
    }
}
