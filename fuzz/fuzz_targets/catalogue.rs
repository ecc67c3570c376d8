//! Fuzzes [`oubliette_fuzz::catalogue`].

#![cfg_attr(fuzzing, no_main)]

oubliette_fuzz::target!(catalogue);
