//! Fuzzes [`oubliette_fuzz::segment`].

#![cfg_attr(fuzzing, no_main)]

oubliette_fuzz::target!(segment);
