//! A house whose log is in S3, and that nobody is shown how to get in.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use oubliette_servers::Ministack;

use crate::support::{CATALOGUE, Dir, Run, line, program, run};

/// Stand in every environment here, and must stand in no output.
const ID: &str = "planted-id";
const SECRET: &str = "planted-secret";
const BUCKET: &str = "shop";

/// A server with a bucket.
fn server() -> Ministack {
    let server = Ministack::fresh();
    on_server(&server, async |client| {
        client.create_bucket().bucket(BUCKET).send().await.unwrap();
    });
    server
}

fn on_server<T>(server: &Ministack, work: impl AsyncFnOnce(Client) -> T) -> T {
    let config = aws_sdk_s3::config::Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(server.url())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .force_path_style(true);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work(Client::from_conf(config.build())))
}

/// Every key in the bucket.
fn keys(server: &Ministack) -> Vec<String> {
    on_server(server, async |client| {
        let listed = client.list_object_versions().bucket(BUCKET).send().await.unwrap();
        listed.versions().iter().filter_map(|version| version.key().map(str::to_owned)).collect()
    })
}

/// Runs the program at its most talkative, with credentials that it finds as AWS's programs do, and sees that
/// it does not tell them.
fn hidden(command: &mut Command) -> Run {
    let command = credentials(command).env("OUBLIETTE_LOG", "trace");
    let run: Run = command.output().unwrap().into();
    for planted in [ID, SECRET] {
        let told = [&run.out, &run.err].map(|told| told.lines().find(|line| line.contains(planted)));
        assert_eq!(told, [None, None]);
    }
    // What else it says is long.
    let err = run.err.lines().filter(|line| !line.contains("TRACE") && !line.contains("DEBUG"));
    Run { err: err.collect::<Vec<_>>().join("\n"), ..run }
}

fn credentials(command: &mut Command) -> &mut Command {
    command.env("AWS_ACCESS_KEY_ID", ID).env("AWS_SECRET_ACCESS_KEY", SECRET)
}

/// A house with its log and its snapshots in the bucket.
fn house(server: &Ministack) -> Dir {
    let dir = Dir::not_made();
    let url = server.url();
    let init = ["init", "--dir", dir.path(), "--log", "s3://shop/prod", "--snapshots", "s3://shop/prod"];
    let reach = ["--s3-endpoint", &url, "--s3-region", "us-east-1", "--s3-path-style"];
    let made = hidden(program(init).args(reach));
    assert_eq!(made.code, 0, "{made:?}");
    let catalogue = dir.write("catalogue.toml", CATALOGUE);
    let events = dir.write("events.jsonl", line("ada") + &line("bob"));
    let imported = on(&dir, &["import", "--catalogue", &catalogue, &events]);
    assert_eq!(imported.code, 0, "{imported:?}");
    dir
}

fn on(dir: &Dir, arguments: &[&str]) -> Run {
    let [command, rest @ ..] = arguments else { panic!("there is a command") };
    hidden(program([command]).args(rest).args(["--json", "--dir", dir.path()]))
}

#[test]
fn a_house_with_its_log_in_a_bucket_does_all_that_a_house_does() {
    let server = server();
    let dir = house(&server);
    assert!(["log", "snapshots"].iter().all(|store| !dir.root().join(store).exists()));
    let keys = keys(&server);
    assert!(
        keys.iter().all(|key| key.starts_with("prod/log/") || key.starts_with("prod/snapshots/")),
        "{keys:?}"
    );
    let config = std::fs::read_to_string(dir.root().join("oubliette.toml")).unwrap();
    assert!(config.contains("log = \"s3://shop/prod\"") && config.contains("[s3]"), "{config}");

    let forgotten = on(&dir, &["forget", "ada", "--yes", "--now"]);
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    let read = on(&dir, &["read"]);
    assert!(read.out.contains("Name of bob") && !read.out.contains("Name of ada"), "{read:?}");
    let status = on(&dir, &["status"]).json();
    assert_eq!(status["stores"]["log"], "in S3, s3://shop/prod/log");
    let doctor = on(&dir, &["doctor"]).json();
    for (n, store) in [(0, "log"), (2, "snapshots")] {
        assert_eq!(doctor[n]["store"], store);
        let findings = doctor[n]["findings"].as_array().unwrap();
        assert!(findings.iter().any(|finding| finding["subject"] == "conditional writes"), "{doctor}");
        assert!(findings.iter().all(|finding| finding["meaning"] != "lowers"), "{doctor}");
    }
    let scan = on(&dir, &["scan", "--text", "Name of ada"]);
    assert_eq!(scan.json()["unsearched"], serde_json::json!(["log", "snapshots"]));
}

#[test]
fn a_place_in_s3_may_come_from_the_environment() {
    let server = server();
    let dir = Dir::not_made();
    let place = |command: &mut Command| {
        hidden(command.env("SHOP_LOG", "s3://shop/prod").env("AWS_ENDPOINT_URL", server.url()))
    };
    let init = ["init", "--dir", dir.path(), "--log", "env:SHOP_LOG", "--s3-region", "us-east-1"];
    let made = place(program(init).arg("--s3-path-style"));
    assert_eq!(made.code, 0, "{made:?}");
    let status = place(&mut program(["status", "--json", "--dir", dir.path()]));
    assert_eq!(status.json()["stores"]["log"], "in S3, s3://shop/prod/log");
    assert_eq!(hidden(&mut program(["status", "--dir", dir.path()])).code, 5);
}

#[test]
fn two_processes_append_to_a_log_in_a_bucket() {
    let server = server();
    let dir = house(&server);
    let plans = |writer: &str| (0..300).map(|n| format!("{writer}-{n}")).collect::<Vec<_>>();
    let importing = ["one", "other"].map(|writer| {
        let lines: String = plans(writer).iter().map(|plan| line("bob").replace("free", plan)).collect();
        let events = dir.write(writer, lines);
        let mut import = program(["import", "--batch", "10", "--dir", dir.path(), &events]);
        credentials(&mut import).stdout(Stdio::null()).spawn().unwrap()
    });
    for mut process in importing {
        assert!(process.wait().unwrap().success());
    }
    let read = on(&dir, &["read", "--stream", "customer-bob"]).lines();
    let versions: Vec<u64> = read.iter().filter_map(|event| event["version"].as_u64()).collect();
    assert_eq!(versions, (1..=601).collect::<Vec<_>>(), "nothing is lost, and nothing twice");
}

#[test]
fn a_log_that_is_gone_from_its_bucket_is_not_taken_for_a_new_one() {
    let server = server();
    let dir = house(&server);
    on_server(&server, async |client| {
        for key in client.list_objects_v2().bucket(BUCKET).send().await.unwrap().contents() {
            client.delete_object().bucket(BUCKET).key(key.key().unwrap()).send().await.unwrap();
        }
    });
    for _ in 0..2 {
        let lost = on(&dir, &["status"]);
        assert_eq!(lost.code, 5, "{lost:?}");
        assert!(lost.err.contains("the event log in S3, s3://shop/prod/log is missing or empty"), "{lost:?}");
    }
}

#[test]
fn a_backup_is_restored_into_a_bucket_and_never_over_what_is_there() {
    let server = server();
    let dir = house(&server);
    let backups = dir.beside("backups");
    let backups = backups.to_str().unwrap();
    assert_eq!(on(&dir, &["backup", "create", "--to", backups]).code, 0);
    assert_eq!(on(&dir, &["forget", "ada", "--yes"]).code, 0);
    let (into, url) = (dir.beside("restored"), server.url());
    let restore = |place: &str| {
        let mut command = program(["backup", "restore", "--dir", dir.path(), "--from", backups, "--into"]);
        command.arg(&into).args(["--log", place, "--s3-endpoint", &url, "--s3-region", "us-east-1"]);
        hidden(command.arg("--s3-path-style"))
    };
    for taken in ["s3://shop/prod", "s3://shop/prod/", "s3://shop", "s3://shop/prod/below"] {
        let over = restore(taken);
        assert_eq!(over.code, 2, "{taken}: {over:?}");
    }
    let restored = restore("s3://shop/restored");
    assert_eq!(restored.code, 0, "{restored:?}");
    let read = hidden(&mut program(["read", "--json", "--dir", into.to_str().unwrap()]));
    assert!(read.out.contains("Name of bob") && !read.out.contains("Name of ada"), "{read:?}");
}

#[test]
fn no_refusal_tells_a_secret() {
    let server = server();
    let taken = house(&server);
    let (dir, url) = (Dir::not_made(), server.url());
    let init = ["init", "--dir", dir.path()];
    let reach = ["--s3-endpoint", &url, "--s3-region", "us-east-1", "--s3-path-style"];
    for (arguments, code) in [
        (vec!["--log", "s3://planted:planted-secret@shop"], 3),
        (vec!["--log", "s3://shop/prod?secret=planted-secret"], 3),
        (vec!["--logg", "s3://planted-secret@shop"], 2),
        (vec!["--log", "s3://shop/prod", "--s3-endpoint=https://planted:planted-secret@host"], 2),
        (vec!["--log", "s3://no-such-bucket"], 4),
        (vec!["--log", "s3://shop/prod"], 3),
        (vec!["--documents", "s3://shop/new"], 3),
    ] {
        let is_reached = !arguments.iter().any(|argument| argument.contains("endpoint"));
        let reach = if is_reached { &reach[..] } else { &[] };
        let refused = hidden(program(init).args(&arguments).args(reach));
        assert_eq!(refused.code, code, "{arguments:?}: {refused:?}");
        assert!(!dir.root().exists(), "{arguments:?}");
    }
    // A file with a password in the address.
    let config = taken.root().join("oubliette.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("http://", "http://planted:planted-secret@")).unwrap();
    assert_eq!(on(&taken, &["status"]).code, 5);
}

#[test]
fn a_store_that_is_away_is_told_as_such() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dir = Dir::not_made();
    let url = format!("http://{nobody}");
    let init = ["init", "--dir", dir.path(), "--log", "s3://shop", "--s3-endpoint", &url];
    let away = hidden(program(init).args(["--s3-region", "us-east-1", "--s3-path-style"]));
    assert_eq!(away.code, 1, "{away:?}");
    assert!(!dir.root().exists());
}

#[test]
fn the_demo_proves_the_same_with_its_log_in_a_bucket_and_leaves_nothing_there() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let url = server.url();
    for name in ["once", "again"] {
        let root = folder.path().join(name);
        let mut demo =
            program(["demo", "--json", "--dir", root.to_str().unwrap(), "--s3", "s3://shop/demos"]);
        let reach = ["--s3-endpoint", &url, "--s3-region", "us-east-1", "--s3-path-style"];
        let demo = hidden(demo.args(reach));
        assert_eq!(demo.code, 0, "{demo:?}");
        let proof = demo.json();
        let claims = proof["claims"].as_array().unwrap();
        assert_eq!(claims.len(), 12, "{claims:?}");
        assert!(claims.iter().all(|claim| claim["holds"] == true), "{claims:?}");
        assert_eq!(run(["verify", proof["certificate"].as_str().unwrap()]).code, 0);
    }
    assert_eq!(keys(&server), Vec::<String>::new());
}
