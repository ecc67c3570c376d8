//! Fuzzes [`oubliette_fuzz::envelope`].

#![cfg_attr(fuzzing, no_main)]

oubliette_fuzz::target!(envelope);
