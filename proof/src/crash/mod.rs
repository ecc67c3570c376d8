//! Operations that are stopped anywhere, and what must be there after a restart.
//!
//! A [`Scenario`] is one operation on a house with a history. It is run to its end once; then it
//! is stopped at every boundary (before and after each call of each part, and in the long run at
//! every system call that writes), what there is is opened anew, the operation is asked for
//! again, and the [state] must be that of the undisturbed run.

mod child;
mod desk;
mod place;
mod scenario;
pub mod state;
mod strace;

pub use self::child::{Child, Command, Ended, copy_of, stop_at_each};
pub use self::desk::{Account, Desk, Documents, Noted, RECENT};
pub(crate) use self::desk::{CONTRACT, MARKETING};
pub use self::place::{Log, Parts, Place};
pub use self::scenario::Scenario;
pub(crate) use self::scenario::desks;
pub use self::strace::{Instead, SystemCall};
