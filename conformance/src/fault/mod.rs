//! Parts with faults: they fail, stall, drop a reply, run out of space, or end the process,
//! at a chosen call.
//!
//! One [`Plan`] stands behind all parts of a house and counts their calls. [`Faulty`] wraps a
//! part of any trait:
//!
//! ```
//! use std::sync::Arc;
//!
//! use oubliette_conformance::fault::{Fault, Faulty, Moment, Plan};
//! use oubliette_core::memory::MemoryLog;
//! use oubliette_core::{ErrorKind, EventLog};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let plan = Plan::new();
//! let log: Arc<dyn EventLog> = Arc::new(Faulty::new(Arc::new(MemoryLog::new()) as Arc<dyn EventLog>, &plan));
//! plan.arm(2, Fault::Fails(Moment::Before));
//! log.head().await.unwrap();
//! assert_eq!(log.head().await.unwrap_err().kind(), ErrorKind::Unavailable);
//! log.head().await.unwrap();
//! # }
//! ```

mod faulty;
mod plan;

pub use self::faulty::Faulty;
pub use self::plan::{Call, Fault, Moment, Plan};
