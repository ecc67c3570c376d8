//! Fuzzes [`oubliette_fuzz::certificate`].

#![cfg_attr(fuzzing, no_main)]

oubliette_fuzz::target!(certificate);
