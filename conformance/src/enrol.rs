//! The macros that turn a list of cases into tests, names, and a call by name.

/// One `#[test]` for each promise of [`EventLog`](oubliette_core::EventLog).
///
/// The argument is a type that is a `Fixture<dyn EventLog>`.
#[macro_export]
macro_rules! event_log {
    ($fixture:ty) => {
        mod event_log {
            #[allow(unused_imports)]
            use super::*;
            $crate::__log_cases! { __tests! ($fixture, dyn $crate::core::EventLog, log) }
        }
    };
}

/// One `#[test]` for each promise of [`KeyVault`](oubliette_core::KeyVault).
///
/// The argument is a type that is a `Fixture<dyn KeyVault>`.
#[macro_export]
macro_rules! key_vault {
    ($fixture:ty) => {
        mod key_vault {
            #[allow(unused_imports)]
            use super::*;
            $crate::__vault_cases! { __tests! ($fixture, dyn $crate::core::KeyVault, vault) }
        }
    };
}

/// One `#[test]` for each promise of [`Documents`](oubliette_core::Documents).
///
/// The argument is a type that is a `Fixture<dyn Documents>`.
#[macro_export]
macro_rules! documents {
    ($fixture:ty) => {
        mod documents {
            #[allow(unused_imports)]
            use super::*;
            $crate::__document_cases! { __tests! ($fixture, dyn $crate::core::Documents, documents) }
        }
    };
}

/// One `#[test]` for each promise of [`SnapshotStore`](oubliette_core::SnapshotStore).
///
/// The argument is a type that is a `Fixture<dyn SnapshotStore>`.
#[macro_export]
macro_rules! snapshot_store {
    ($fixture:ty) => {
        mod snapshot_store {
            #[allow(unused_imports)]
            use super::*;
            $crate::__snapshot_cases! { __tests! ($fixture, dyn $crate::core::SnapshotStore, snapshots) }
        }
    };
}

/// One `#[test]` for each promise of [`BackupTarget`](oubliette_core::BackupTarget).
///
/// The argument is a type that is a `Fixture<dyn BackupTarget>`.
#[macro_export]
macro_rules! backup_target {
    ($fixture:ty) => {
        mod backup_target {
            #[allow(unused_imports)]
            use super::*;
            $crate::__backup_cases! { __tests! ($fixture, dyn $crate::core::BackupTarget, backup) }
        }
    };
}

/// One `#[test]` for each promise of [`Ledger`](oubliette_core::Ledger).
///
/// The argument is a type that is a `Fixture<dyn Ledger>`.
#[macro_export]
macro_rules! ledger {
    ($fixture:ty) => {
        mod ledger {
            #[allow(unused_imports)]
            use super::*;
            $crate::__ledger_cases! { __tests! ($fixture, dyn $crate::core::Ledger, ledger) }
        }
    };
}

/// One `#[test]` for each promise of [`Projector`](oubliette_core::Projector).
///
/// The argument is a type that is [`Projected`](crate::Projected). For a store of documents
/// there is one: `Viewed<F>` of its own fixture `F`.
#[macro_export]
macro_rules! projector {
    ($fixture:ty) => {
        mod projector {
            #[allow(unused_imports)]
            use super::*;
            $crate::__projector_cases! { __tests! ($fixture, dyn $crate::core::Projector, projector) }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    (($fixture:ty, $part:ty, $cases:ident) $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $crate::run(async {
                    $crate::$cases::$case(<$fixture as $crate::Fixture<$part>>::fresh().await).await;
                });
            }
        )*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __names {
    (() $($case:ident)*) => { &[$(stringify!($case)),*] };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __by_name {
    (($name:ident, $fixture:ident) $($case:ident)*) => {
        match $name {
            $(stringify!($case) => $case($fixture).await,)*
            _ => panic!("there is no case of this name"),
        }
    };
}
