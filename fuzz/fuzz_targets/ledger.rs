//! Fuzzes [`oubliette_fuzz::ledger`].

#![cfg_attr(fuzzing, no_main)]

oubliette_fuzz::target!(ledger);
