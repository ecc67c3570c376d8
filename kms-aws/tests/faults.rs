//! What KMS does not do, does and does not tell, or does later.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod fixture;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::{BehaviorVersion, Builder, Credentials, Region};
use oubliette_conformance::run;
use oubliette_core::{ErrorKind, KeyVault as _, VaultId};
use oubliette_kms_aws::{Client, KmsRoots};
use oubliette_servers::{Fault, Faults, LocalStack};
use oubliette_vault::{
    Blob, Destruction, Epoch, MemoryRecords, Opened, Options, RootHolder as _, RootState, Vault,
};

use self::fixture::{aliases, client, config, erase, is_destroyed, is_live, mint, roots};

const FIRST: Epoch = Epoch(1);

fn url() -> String {
    LocalStack::shared().url()
}

/// A proxy whose first so many requests for an action meet a fault.
fn first(count: usize, action: &'static str, fault: Fault) -> Faults {
    let left = AtomicUsize::new(count);
    Faults::before(&url(), move |request| {
        let take = |left: usize| left.checked_sub(1);
        let met =
            request.action == action && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok();
        met.then_some(fault)
    })
}

/// A proxy that answers an action like this for ever.
fn always(action: &'static str, status: u16, code: &'static str) -> Faults {
    first(usize::MAX, action, Fault::Refused(status, code))
}

/// Roots that wait for a moment only.
async fn hasty(url: &str) -> KmsRoots {
    KmsRoots::builder().client(client(url)).patience(Duration::from_millis(300)).build().await
}

async fn made() -> (VaultId, Blob) {
    let vault = VaultId::random().unwrap();
    (vault, roots(&url()).await.create(vault, FIRST).await.unwrap())
}

async fn opens(roots: &KmsRoots, vault: VaultId, blob: &Blob) -> bool {
    matches!(roots.open(vault, FIRST, blob).await.unwrap(), Opened::Root(_))
}

#[test]
fn what_passes_is_tried_again_by_the_sdk() {
    run(async {
        let (vault, blob) = made().await;
        let passing = [
            (400, "ThrottlingException"),
            (500, "KMSInternalException"),
            (503, "DependencyTimeoutException"),
        ];
        for (status, code) in passing {
            let faults = first(3, "Decrypt", Fault::Refused(status, code));
            assert!(opens(&roots(&faults.url()).await, vault, &blob).await, "{code}");
            assert_eq!(faults.requests().len(), 4, "{code}");
        }
        let faults = first(2, "Decrypt", Fault::ReplyLost);
        assert!(opens(&roots(&faults.url()).await, vault, &blob).await);
    });
}

/// The confusion that must never be: a root that is out of reach is not a root that is gone.
#[test]
fn whatever_kms_says_but_for_one_thing_is_not_read_as_gone() {
    use ErrorKind::{Denied, LimitExceeded, Unavailable, Unexpected};
    run(async {
        let (vault, blob) = made().await;
        let told = [
            (400, "ThrottlingException", Unavailable),
            (500, "KMSInternalException", Unavailable),
            (400, "AccessDeniedException", Denied),
            (400, "ExpiredTokenException", Denied),
            (400, "UnrecognizedClientException", Denied),
            (400, "RequestExpired", Unavailable),
            (400, "LimitExceededException", LimitExceeded),
            (400, "ValidationException", Unexpected),
            (404, "UnknownOperationException", Unexpected),
        ];
        for (status, code, kind) in told {
            for action in ["Decrypt", "DescribeKey"] {
                let faults = always(action, status, code);
                let roots = hasty(&faults.url()).await;
                let error = match action {
                    "Decrypt" => roots.open(vault, FIRST, &blob).await.unwrap_err(),
                    _ => roots.state(vault, FIRST, &blob).await.unwrap_err(),
                };
                assert_eq!(error.kind(), kind, "{action}: {code}");
                let text = format!("{error:?}");
                let names = text.contains(&format!("needs kms:{action}"));
                assert_eq!(names, code == "AccessDeniedException", "{text}");
                assert!(!text.contains("000000000000"), "no account is told: {text}");
            }
        }
        assert!(opens(&roots(&url()).await, vault, &blob).await);
    });
}

#[test]
fn without_a_server_or_credentials_a_root_is_out_of_reach() {
    run(async {
        let (vault, blob) = made().await;
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = hasty(&format!("http://{nobody}")).await.open(vault, FIRST, &blob).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        let nameless = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .endpoint_url(url())
            .retry_config(RetryConfig::disabled())
            .build();
        let roots = KmsRoots::builder().client(Client::from_conf(nameless)).build().await;
        let error = roots.open(vault, FIRST, &blob).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    });
}

#[test]
fn a_permission_that_is_missing_is_named_wherever_it_is_missed() {
    run(async {
        let all = [
            ("CreateKey", "kms:CreateKey"),
            ("CreateAlias", "kms:CreateAlias"),
            ("GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext"),
            ("DescribeKey", "kms:DescribeKey"),
            ("DisableKey", "kms:DisableKey"),
            ("ScheduleKeyDeletion", "kms:ScheduleKeyDeletion"),
        ];
        for (action, needs) in all {
            let faults = always(action, 400, "AccessDeniedException");
            let roots = hasty(&faults.url()).await;
            let vault = VaultId::random().unwrap();
            let done = match roots.create(vault, FIRST).await {
                Ok(blob) => roots.destroy(vault, FIRST, &blob).await.map(drop),
                Err(error) => Err(error),
            };
            let error = done.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{action}");
            assert!(error.to_string().contains(needs), "{error}");
        }
    });
}

#[test]
fn a_key_that_cannot_be_named_or_used_is_not_left_behind() {
    run(async {
        for action in ["CreateAlias", "GenerateDataKeyWithoutPlaintext"] {
            let faults = always(action, 400, "AccessDeniedException");
            let vault = VaultId::random().unwrap();
            hasty(&faults.url()).await.create(vault, FIRST).await.unwrap_err();
            let asked = faults.requests().into_iter().map(|request| request.action);
            let asked: Vec<_> = asked.filter(|action| action == "ScheduleKeyDeletion").collect();
            assert_eq!(asked.len(), 1, "{action}");
        }
    });
}

/// Each call of a life, its answer lost once, and then whole.
#[test]
fn a_lost_reply_changes_nothing() {
    let calls =
        ["CreateAlias", "GenerateDataKeyWithoutPlaintext", "Decrypt", "DisableKey", "ScheduleKeyDeletion"];
    run(async {
        for action in calls {
            let faults = first(1, action, Fault::ReplyLost);
            let roots = roots(&faults.url()).await;
            let vault = VaultId::random().unwrap();
            let blob = roots.create(vault, FIRST).await.unwrap();
            assert!(opens(&roots, vault, &blob).await, "{action}");
            let end = roots.destroy(vault, FIRST, &blob).await.unwrap();
            assert!(matches!(end, Destruction::Pending(_)), "{action}");
        }
    });
}

/// What KMS was told is not what all of it knows at once.
#[test]
fn a_key_that_is_not_seen_yet_is_waited_for() {
    run(async {
        for action in ["CreateAlias", "GenerateDataKeyWithoutPlaintext"] {
            let faults = first(2, action, Fault::Refused(400, "NotFoundException"));
            let roots = roots(&faults.url()).await;
            let vault = VaultId::random().unwrap();
            let blob = roots.create(vault, FIRST).await.unwrap();
            assert!(opens(&roots, vault, &blob).await, "{action}");
        }
    });
}

#[test]
fn a_root_is_not_called_destroyed_before_kms_agrees() {
    run(async {
        let (vault, blob) = made().await;
        // It says that it is done, and it is not.
        let faults = always("ScheduleKeyDeletion", 400, "KMSInvalidStateException");
        let error = hasty(&faults.url()).await.destroy(vault, FIRST, &blob).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let looks = faults.requests().into_iter().filter(|request| request.action == "DescribeKey").count();
        assert!(looks > 2, "it was waited for: {looks}");
        let end = roots(&url()).await.destroy(vault, FIRST, &blob).await.unwrap();
        assert!(matches!(end, Destruction::Pending(_)));
    });
}

#[test]
fn what_is_not_there_is_gone_only_where_the_vault_is_known() {
    run(async {
        let (vault, blob) = made().await;
        let gone = always("DescribeKey", 400, "NotFoundException");
        let elsewhere = hasty(&gone.url()).await;
        assert_eq!(elsewhere.state(vault, FIRST, &blob).await.unwrap(), RootState::Destroyed);
        assert_eq!(elsewhere.destroy(vault, FIRST, &blob).await.unwrap(), Destruction::Done);
        let direct = client(&url());
        for alias in aliases(&direct, vault).await {
            direct.delete_alias().alias_name(alias.alias_name.unwrap()).send().await.unwrap();
        }
        assert_eq!(elsewhere.state(vault, FIRST, &blob).await.unwrap_err().kind(), ErrorKind::WrongVault);
        assert_eq!(elsewhere.destroy(vault, FIRST, &blob).await.unwrap_err().kind(), ErrorKind::WrongVault);
    });
}

/// A pending deletion that passes, and one that somebody cancelled, as the vault tells of them.
#[test]
fn a_vault_tells_when_an_old_root_is_gone_for_good_or_was_brought_back() {
    run(async {
        let records = MemoryRecords::new();
        let open = async |url: &str| {
            let roots = Arc::new(roots(url).await);
            Vault::open(Arc::new(records.clone()), roots, Options::new()).await.unwrap()
        };
        let holder = Arc::new(roots(&url()).await);
        let vault = Vault::create(Arc::new(records.clone()), holder, Options::new()).await.unwrap();
        mint(&vault, ["ada".to_owned()]).await;
        let erasure = erase(&vault, "ada").await;
        let status = vault.status().await.unwrap();
        assert!(status.pending[0].until.is_some());
        assert_eq!((status.pending.len(), status.recoverable), (1, vec![erasure]));

        let (_, old) = vault.roots().await.unwrap().remove(1);
        let arn = String::from_utf8_lossy(&old.0).into_owned();
        let key = arn.split("key/").nth(1).unwrap()[..36].to_owned();
        let direct = client(&url());
        direct.cancel_key_deletion().key_id(&key).send().await.unwrap();
        let status = vault.status().await.unwrap();
        assert_eq!((status.pending[0].until, status.recoverable), (None, vec![erasure]));

        let gone = always("DescribeKey", 400, "NotFoundException");
        let status = open(&gone.url()).await.status().await.unwrap();
        assert!(status.pending.is_empty() && status.recoverable.is_empty());
        assert_eq!(vault.promise().unrecoverable_within, Some(Duration::from_secs(8 * 24 * 60 * 60)));
    });
}

/// Reads go on while the lease lasts; after that they fail closed, and nobody is taken for erased.
#[test]
fn an_outage_is_not_noticed_before_the_lease_ends_and_is_never_an_erasure() {
    run(async {
        static DOWN: AtomicUsize = AtomicUsize::new(0);
        let faults = Faults::before(&url(), |_| {
            (DOWN.load(Ordering::SeqCst) == 1).then_some(Fault::Refused(503, "KMSInternalException"))
        });
        let records = Arc::new(MemoryRecords::new());
        let lease = Duration::from_secs(2);
        let holder = Arc::new(hasty(&faults.url()).await);
        let vault = Vault::create(records, holder, Options::new().lease(lease)).await.unwrap();
        let keys = mint(&vault, ["ada".to_owned(), "grace".to_owned()]).await;
        erase(&vault, "grace").await;
        tokio::time::sleep(lease).await;
        assert!(is_live(&vault, &keys[0]).await);
        DOWN.store(1, Ordering::SeqCst);
        assert!(is_live(&vault, &keys[0]).await);
        tokio::time::sleep(lease).await;
        let error = vault.find(&[keys[0].id()]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        DOWN.store(0, Ordering::SeqCst);
        assert!(is_live(&vault, &keys[0]).await && is_destroyed(&vault, &keys[1]).await);
    });
}

#[test]
fn without_a_region_it_is_told_what_to_name() {
    run(async {
        let nowhere = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .build();
        let roots = KmsRoots::builder().client(Client::from_conf(nowhere)).build().await;
        let error = roots.create(VaultId::random().unwrap(), FIRST).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("region"), "{error}");
    });
}

/// The SDK has an end of its own: what it is set to is what it does.
#[test]
fn patience_has_an_end() {
    run(async {
        let (vault, blob) = made().await;
        let faults = first(usize::MAX, "Decrypt", Fault::Delayed(Duration::from_secs(2)));
        let timeouts = aws_sdk_kms::config::timeout::TimeoutConfig::builder();
        let timeouts = timeouts.operation_attempt_timeout(Duration::from_millis(100)).build();
        let slow = Client::from_conf(config(&faults.url()).timeout_config(timeouts).build());
        let roots = KmsRoots::builder().client(slow).build().await;
        let error = roots.open(vault, FIRST, &blob).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(faults.requests().len(), 5);
    });
}
