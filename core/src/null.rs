//! Null objects: what a forgotten value reads as, so that no consumer checks for null.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A type that has a value which means "nothing is known", and behaves.
pub trait NullObject {
    /// The null object of the type.
    fn null() -> Self;
}

macro_rules! null_is_default {
    ($($type:ty),* $(,)?) => {
        $(impl NullObject for $type {
            fn null() -> Self {
                Self::default()
            }
        })*
    };
}

null_is_default!(
    String,
    bool,
    char,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    ()
);

impl<T> NullObject for Option<T> {
    fn null() -> Self {
        None
    }
}

impl<T> NullObject for Vec<T> {
    fn null() -> Self {
        Self::new()
    }
}

impl<K, V> NullObject for BTreeMap<K, V> {
    fn null() -> Self {
        Self::new()
    }
}

impl<K, V, S: Default> NullObject for HashMap<K, V, S> {
    fn null() -> Self {
        Self::default()
    }
}

impl<T> NullObject for BTreeSet<T> {
    fn null() -> Self {
        Self::new()
    }
}

impl<T, S: Default> NullObject for HashSet<T, S> {
    fn null() -> Self {
        Self::default()
    }
}

impl<T: NullObject> NullObject for Box<T> {
    fn null() -> Self {
        Self::new(T::null())
    }
}
