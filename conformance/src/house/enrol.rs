//! The macro that enrols a combination of parts, and the list of cases.

/// One `#[test]` for each law of the house, over a combination of parts.
///
/// The arguments are types that are a `Fixture` of `dyn EventLog`, `dyn KeyVault`,
/// `dyn SnapshotStore`, `dyn Documents` and `dyn BackupTarget`, in this order.
#[macro_export]
macro_rules! house {
    ($log:ty, $vault:ty, $snapshots:ty, $documents:ty, $backups:ty) => {
        mod house {
            #[allow(unused_imports)]
            use super::*;
            $crate::__house_cases! { __house_tests! ($log, $vault, $documents, $snapshots, $backups) }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __house_tests {
    (($log:ty, $vault:ty, $documents:ty, $snapshots:ty, $target:ty) $($case:ident: $shows:expr, $says:literal;)*) => {
        $(
            #[test]
            fn $case() {
                $crate::run(async {
                    let house = $crate::House::fresh::<$log, $vault, $documents, $snapshots, $target>().await;
                    let evidence = $crate::house::case(stringify!($case), house).await;
                    assert_ne!(evidence, $crate::Evidence::default(), "a case says what it looked at");
                });
            }
        )*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __house_names {
    (() $($case:ident: $shows:expr, $says:literal;)*) => {
        &[$(Case { name: stringify!($case), shows: $shows, says: $says }),*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __house_by_name {
    // Boxed: one case is not as large as all of them.
    (($name:ident, $house:ident) $($case:ident: $shows:expr, $says:literal;)*) => {
        match $name {
            $(stringify!($case) => Box::pin($case($house)).await,)*
            _ => panic!("there is no case of this name"),
        }
    };
}
