//! Fixtures behind a pointer: combinations are made at run time.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::fixture::{Blob, Fixture};

/// One store of some backend, whichever fixture made it.
pub trait Store<Part: ?Sized>: Send + Sync + 'static {
    /// Opens it, as [`Fixture::open`].
    fn open(&self) -> BoxFuture<'_, Arc<Part>>;

    /// Every byte that it has at rest, as [`Fixture::residue`].
    fn residue(&self) -> BoxFuture<'_, Vec<Blob>>;
}

impl<Part: ?Sized + 'static, F: Fixture<Part>> Store<Part> for F {
    fn open(&self) -> BoxFuture<'_, Arc<Part>> {
        Box::pin(Fixture::open(self))
    }

    fn residue(&self) -> BoxFuture<'_, Vec<Blob>> {
        Box::pin(Fixture::residue(self))
    }
}

/// A new store of a fixture's.
pub async fn fresh<Part: ?Sized + 'static, F: Fixture<Part>>() -> Arc<dyn Store<Part>> {
    Arc::new(F::fresh().await)
}
