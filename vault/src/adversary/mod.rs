//! Adversary C: somebody who holds every byte that was ever at rest, and every root that lives.

mod disclosure;
mod held;
mod rolling;
mod stopped;
