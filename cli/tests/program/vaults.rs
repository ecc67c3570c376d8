//! The vault's own backup: a lost vault is restored, and an old one brings nobody back.

use std::fs;
use std::path::Path;

use oubliette::erasure::{Moment, StepName};
use oubliette::local::{LocalVault, MasterKey, Protection};
use serde_json::json;

use crate::crash::{ERASURE, place};
use crate::killing::kill_at;
use crate::support::{Dir, Run, copy, ok, program, put, run};

/// An age identity and its recipient, and the identity of somebody else.
const IDENTITY: &str = "AGE-SECRET-KEY-14Z0R7U67ZFJZ7KN0V7SAM5GFYSQ79E56V5VUQAX6Q3VYUXUYZ4HSAFAZL6";
const RECIPIENT: &str = "age157ef0wuz7797arxvctzkwms9rjadn4kgg5f0gwy4ef44mmcleedsthjenu";
const STRANGER: &str = "AGE-SECRET-KEY-15ZYJF0RCLX22T8ZCZYM673SX37PDEF8HZZG8U5EGAX36G4TEZEMQL6CX5E";

impl Dir {
    fn identity(&self, name: &str, identity: &str) -> String {
        self.write(name, format!("# created: 2026-01-01T00:00:00Z\n{identity}\n"))
    }

    fn vault(&self) -> std::path::PathBuf {
        self.root().join("vault")
    }

    fn back_the_vault_up(&self, name: &str) -> String {
        let file = self.beside(name).to_str().unwrap().to_owned();
        self.json(["vault", "backup", "--to", &file, "--recipient", RECIPIENT]);
        file
    }

    /// Loses the vault, and restores it from a backup.
    fn restore_the_vault(&self, file: &str) -> Run {
        fs::remove_dir_all(self.vault()).unwrap();
        let identity = self.identity("identity.txt", IDENTITY);
        self.run(["vault", "restore", "--from", file, "--identity", &identity])
    }
}

#[test]
fn a_lost_vault_is_restored_by_its_passphrase() {
    let dir = Dir::with(&["ada", "bob"]);
    dir.forget("bob");
    let before = dir.read();
    let file = dir.beside("vault.age").to_str().unwrap().to_owned();
    let with = |secret: &str, arguments: [&str; 5]| -> Run {
        let mut command = program(arguments);
        command.args(["--json", "--dir", dir.path()]).env("OUBLIETTE_BACKUP_PASSPHRASE", secret);
        command.output().unwrap().into()
    };
    let taken = with("correct horse", ["vault", "backup", "--passphrase", "--to", &file]);
    assert_eq!(taken.code, 0, "{taken:?}");
    assert_eq!(taken.json()["erasures"], 1);
    let text = fs::read(&file).unwrap();
    assert!(text.starts_with(b"age-encryption.org/v1\n-> scrypt "));

    let restore = ["vault", "restore", "--passphrase", "--from", &file];
    // Nothing is restored over a vault that is there.
    let there = with("correct horse", restore);
    assert_eq!(there.code, 3, "{there:?}");
    fs::remove_dir_all(dir.vault()).unwrap();
    assert_eq!(dir.run(["read"]).code, 4);
    let wrong = with("battery staple", restore);
    assert_eq!(wrong.code, 5, "{wrong:?}");
    assert!(!dir.vault().exists(), "nothing was restored");
    let restored = with("correct horse", restore);
    assert_eq!(restored.code, 0, "{restored:?}");
    assert_eq!(dir.read(), before);
    let status = dir.json(["status"]);
    assert_eq!(status["vault"], restored.json()["vault"]);
    // It signs as before, and goes on.
    dir.forget("ada");
    for certificate in dir.certificates() {
        ok(["verify", "--key", status["public_key"].as_str().unwrap(), certificate.to_str().unwrap()]);
    }
}

#[test]
fn a_lost_vault_is_restored_by_whoever_holds_the_identity() {
    let dir = Dir::with(&["ada"]);
    let before = dir.read();
    let to = dir.beside("vault.age").to_str().unwrap().to_owned();
    let by_nobody = dir.run(["vault", "backup", "--to", &to]);
    assert_eq!(by_nobody.code, 2, "{by_nobody:?}");
    let bad = dir.run(["vault", "backup", "--to", &to, "--recipient", "age1nobody"]);
    assert_eq!(bad.code, 3, "{bad:?}");
    assert!(!Path::new(&to).exists());
    let file = dir.back_the_vault_up("vault.age");
    let again = dir.run(["vault", "backup", "--to", &file, "--recipient", RECIPIENT]);
    assert_eq!(again.code, 3, "it is not written over: {again:?}");

    let stranger = dir.identity("stranger.txt", STRANGER);
    fs::rename(dir.vault(), dir.beside("lost")).unwrap();
    let refused = dir.run(["vault", "restore", "--from", &file, "--identity", &stranger]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert_eq!(dir.run(["vault", "restore", "--from", &file, "--identity", "no-such-file"]).code, 4);
    assert!(!dir.vault().exists());
    put(&dir.beside("lost"), &dir.vault());
    assert_eq!(dir.restore_the_vault(&file).code, 0);
    assert_eq!(dir.read(), before);
    // Cut short or changed, it is found out before anything is restored.
    let bytes = fs::read(&file).unwrap();
    let mut flipped = bytes.clone();
    flipped[bytes.len() - 100] ^= 1;
    for damaged in [flipped.as_slice(), &bytes[..bytes.len() - 1]] {
        let file = dir.write("damaged.age", damaged);
        let refused = dir.restore_the_vault(&file);
        assert_eq!(refused.code, 5, "{refused:?}");
        assert!(!dir.vault().exists());
        assert_eq!(dir.run(["read"]).code, 4);
        put(&dir.beside("lost"), &dir.vault());
    }
}

#[test]
fn an_old_vault_does_not_open_what_was_erased_since() {
    let dir = Dir::with(&["ada", "bob"]);
    let old = dir.back_the_vault_up("old.age");
    dir.forget("ada");
    let new = dir.back_the_vault_up("new.age");
    assert_eq!(dir.restore_the_vault(&old).code, 0);
    for arguments in [["read", "--system"], ["status", "--json"], ["subject", "footprint"]] {
        let mut command = program(arguments);
        if arguments[0] == "subject" {
            command.arg("ada");
        }
        let closed = Run::from(command.args(["--dir", dir.path()]).output().unwrap());
        assert_eq!((closed.code, closed.out.as_str()), (5, ""), "{closed:?}");
        assert!(closed.err.contains("the vault is an old copy"), "{closed:?}");
    }
    // The ledger of then fits this vault, and what was swept from the log stays swept.
    let ledger = dir.root().join("ledger/ledger.jsonl");
    fs::rename(&ledger, dir.beside("ledger.jsonl")).unwrap();
    let read = dir.read();
    assert_eq!(read[0]["data"]["customer"]["name"], "nobody");
    fs::rename(dir.beside("ledger.jsonl"), &ledger).unwrap();
    assert_eq!(dir.restore_the_vault(&new).code, 0);
    let read = dir.read();
    assert_eq!(read[0]["data"]["customer"]["name"], "nobody");
    assert_eq!(read[1]["data"]["customer"]["name"], "Name of bob");
}

/// The request is known to the vault, and the keys were alive when it was copied: as a
/// backup, and as a copy of its folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_from_amid_an_erasure_destroys_the_keys_again() {
    for (step, moment) in [
        (StepName::Requested, Moment::Done),
        (StepName::Fenced, Moment::Done),
        (StepName::Destroyed, Moment::Begun),
    ] {
        let at = place(step, moment);
        let dir = Dir::with(&["ada", "bob"]);
        kill_at(ERASURE, &at, &dir.root());
        let file = dir.beside("amid.age");
        let master = MasterKey::file(dir.vault().join("master.key"));
        let vault = LocalVault::open(dir.vault(), master).await.unwrap();
        vault.backup(&file, Protection::recipients([RECIPIENT])).await.unwrap();
        vault.close().await;
        let copied = dir.beside("copied");
        copy(&dir.vault(), &copied);
        dir.json(["status"]);
        assert_eq!(dir.certificates().len(), 1, "{at}: the erasure is finished");

        put(&copied, &dir.vault());
        assert_forgotten(&dir, &format!("{at}, copied"));
        let restored = dir.restore_the_vault(file.to_str().unwrap());
        assert_eq!(restored.code, 0, "{at}: {restored:?}");
        assert_forgotten(&dir, &format!("{at}, restored"));
    }
}

/// Ada cannot be read, nor can she in the log of before the erasure.
fn assert_forgotten(dir: &Dir, at: &str) {
    let read = dir.run(["read"]);
    assert_eq!(read.code, 0, "{at}: {read:?}");
    assert!(!read.out.contains("Name of ada") && read.out.contains("Name of bob"), "{at}: {read:?}");
    let footprint = run(["subject", "footprint", "--dir", dir.path(), "ada", "--json"]);
    assert!(footprint.code == 4 || footprint.json()["footprint"]["parts"] == 0, "{at}: {footprint:?}");
    assert_eq!(dir.json(["status"])["open"], 0, "{at}");
}

#[test]
fn the_state_of_a_vault_is_told_and_it_is_rolled() {
    let dir = Dir::with(&["ada", "bob"]);
    let before = dir.json(["vault", "status"]);
    assert_eq!(
        (&before["epoch"], &before["roots_apart"], &before["level_c"]),
        (&json!(1), &json!(false), &json!(false))
    );
    assert_eq!((&before["last_backup"], &before["backup_due"]), (&json!(null), &json!(true)));
    dir.forget("ada");
    let after = dir.json(["vault", "status"]);
    assert_eq!(
        (&after["epoch"], &after["erasures"], &after["recoverable"]),
        (&json!(2), &json!(1), &json!([]))
    );
    assert!(after["live_keys"].as_u64() < before["live_keys"].as_u64());
    let rolled = dir.json(["vault", "roll"]);
    assert_eq!(rolled["epoch"], 3);
    dir.back_the_vault_up("vault.age");
    let last = dir.json(["vault", "status"]);
    assert_eq!((&last["epoch"], &last["backup_due"]), (&json!(3), &json!(false)));
    assert_eq!(last["last_backup"]["erasures"], 1);
    for command in ["status", "roll"] {
        let told = ok(["vault", command, "--dir", dir.path()]);
        assert!(told.out.contains("epoch"), "{told:?}");
    }
}

/// Whoever has an old backup, what opens it, and the ledger of then has nothing of ada.
#[test]
fn with_the_roots_apart_an_old_backup_opens_nothing_of_who_was_forgotten() {
    let slots = tempfile::tempdir().unwrap();
    let slots = slots.path().join("slots");
    let dir = Dir::made_with(["--roots-apart", "--slots-copy", slots.to_str().unwrap()]);
    dir.fill(&["ada", "bob"]);
    assert_eq!(dir.json(["vault", "status"])["level_c"], true);
    let old = dir.back_the_vault_up("old.age");
    dir.forget("ada");
    let (read, new) = (dir.read(), dir.back_the_vault_up("new.age"));
    let restored = dir.restore_the_vault(&old);
    assert_eq!((restored.code, &restored.json()["slots"]), (0, &json!(null)));
    for put_back in [false, true] {
        if put_back {
            fs::copy(&slots, dir.vault().join("slots")).unwrap();
        }
        let closed = dir.run(["read"]);
        assert_eq!(closed.code, 5, "{closed:?}");
        assert!(
            closed.err.contains(if put_back { "newest backup" } else { "the slots are missing" }),
            "{closed:?}"
        );
    }
    assert_eq!(dir.restore_the_vault(&new).code, 0);
    fs::copy(&slots, dir.vault().join("slots")).unwrap();
    assert_eq!(dir.read(), read);
}
