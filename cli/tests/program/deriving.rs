//! What is derived from the events: declared, run, queried, and forgetting with them.

use std::fs;

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::support::{Dir, copy, line, put};

/// Who the customers are, and who they are by plan.
const PROJECTIONS: &str = r#"
[[projection]]
name = "customers"
version = 1

[[projection.on]]
key = "$.customer.id"
set = { name = "$.customer.name", email = "$.customer.email", plan = "$.plan" }
count = { events = 1 }

[[projection.lookup]]
name = "email"
at = "/email"
compare = "identifier"

[[projection]]
name = "plans"
version = 1

[[projection.on]]
key = "$.plan"
first = { earliest = "$.customer.name" }
set = { latest = "$.customer.name" }
count = { events = 1 }
"#;

/// Customers by another version of the declaration.
const SECOND: &str = r#"
[[projection]]
name = "customers"
version = 2

[[projection.on]]
key = "$.customer.id"
set = { called = "$.customer.name" }
count_by = { plans = "$.plan" }
"#;

/// Plans by personal names: no event can be applied.
const CARELESS: &str = r#"
[[projection]]
name = "careless"
version = 1

[[projection.on]]
key = "$.customer.name"
count = { events = 1 }
"#;

impl Dir {
    /// With small events of `customers` in it, and declared projections.
    fn declared(customers: &[&str]) -> Self {
        let dir = Self::with(customers);
        dir.declare(PROJECTIONS);
        dir
    }

    fn declare(&self, text: &str) {
        self.json(["projection", "declare", &self.write("projections.toml", text)]);
    }

    /// The documents of a query.
    fn documents<const N: usize>(&self, query: [&str; N]) -> Vec<Value> {
        self.json(query)["documents"].as_array().unwrap().clone()
    }

    fn keys<const N: usize>(&self, query: [&str; N]) -> Vec<String> {
        let documents = self.documents(query);
        documents.iter().map(|document| document["key"].as_str().unwrap().to_owned()).collect()
    }

    fn customer(&self, key: &str) -> Value {
        self.json(["query", "customers", "--key", key])
    }

    /// The build of a projection that is served.
    fn served(&self, projection: &str) -> Value {
        let status = self.json(["projection", "status"]);
        let mut builds = status["projections"].as_array().unwrap().iter().map(|listed| &listed["build"]);
        builds.find(|build| build["projection"] == projection && build["state"] == "served").unwrap().clone()
    }

    async fn documents_db(&self) -> SqliteConnection {
        let path = self.root().join("documents/documents.db");
        SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
    }

    /// Writes another plan into the document of bob, behind the program's back.
    async fn change_bob(&self, sum: &'static str) {
        let change = format!(
            "UPDATE document SET open = replace(open, '\"free\"', '\"gold\"'), {sum} WHERE key = 'bob'"
        );
        let changed = sqlx::query(sqlx::AssertSqlSafe(change)).execute(&mut self.documents_db().await).await;
        assert_eq!(changed.unwrap().rows_affected(), 1);
    }

    /// Documents in whose rows one of these keys is named, but for what they have lost.
    async fn held_under(&self, keys: &[Value]) -> i64 {
        let mut documents = self.documents_db().await;
        let mut held = 0;
        for key in keys {
            held += sqlx::query_scalar::<_, i64>(
                "SELECT count(*) FROM document, (SELECT unhex(?1, '-') AS id) key
                 WHERE instr(carried, key.id) OR instr(owners, key.id) OR instr(tokens, key.id)",
            )
            .bind(key.as_str().unwrap())
            .fetch_one(&mut documents)
            .await
            .unwrap();
        }
        held
    }
}

#[test]
fn a_declaration_that_is_none_is_refused_with_its_line_and_nothing_is_kept() {
    let dir = Dir::with(&["ada"]);
    let none = dir.run(["query", "customers"]);
    assert_eq!(none.code, 2, "{none:?}");
    assert!(none.err.contains("projection declare"), "{none:?}");
    for (from, to, line) in [
        ("at = \"/email\"", "at = \"/address\"", 13),
        ("key = \"$.plan\"", "key = \"$.[\"", 21),
        ("name = \"plans\"", "name = \"customers\"", 17),
        ("count = { events = 1 }", "counts = { events = 1 }", 9),
    ] {
        assert!(PROJECTIONS.contains(from), "{from}");
        let file = dir.write("bad.toml", PROJECTIONS.replacen(from, to, 1));
        let refused = dir.run(["projection", "declare", &file]);
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(
            refused.err.contains("bad.toml") && refused.err.contains(&format!("line {line}")),
            "{refused:?}"
        );
    }
    assert_eq!(dir.run(["projection", "declare", "no-such-file"]).code, 4);
    assert_eq!(dir.run(["query", "customers"]).code, 2);
}

#[test]
fn documents_are_found_by_key_by_open_field_and_by_personal_value() {
    let dir = Dir::declared(&["ada", "bob", "eve"]);
    dir.import(&line("bob").replace("free", "gold"));
    let ran = dir.json(["projection", "run"]);
    for standing in ran["projections"].as_array().unwrap() {
        assert_eq!((&standing["position"], &standing["fault"]), (&standing["head"], &Value::Null));
    }
    let bob = json!({ "name": "Name of bob", "email": "bob@example.org", "plan": "gold", "events": 2 });
    assert_eq!(dir.customer("bob"), json!({ "key": "bob", "complete": true, "document": bob }));
    let missing = dir.run(["query", "customers", "--key", "mallory"]);
    assert_eq!(missing.code, 4, "{missing:?}");

    assert_eq!(dir.keys(["query", "customers"]), ["ada", "bob", "eve"]);
    assert_eq!(dir.keys(["query", "customers", "--where", "/plan=free"]), ["ada", "eve"]);
    assert_eq!(dir.keys(["query", "customers", "--where", "/events>=2"]), ["bob"]);
    assert_eq!(dir.keys(["query", "customers", "--where", "/events<2", "--where", "/plan=gold"]), [""; 0]);
    assert_eq!(dir.run(["query", "customers", "--where", "plan=free"]).code, 2);

    assert_eq!(dir.keys(["query", "customers", "--find", "email=EVE@example.org"]), ["eve"]);
    assert_eq!(dir.keys(["query", "customers", "--find", "email=mallory@example.org"]), [""; 0]);
    assert_eq!(dir.run(["query", "customers", "--find", "name=Name of eve"]).code, 4);
    assert_eq!(dir.run(["query", "nothing"]).code, 4);

    // Page after page.
    let first = dir.json(["query", "customers", "--limit", "2"]);
    assert_eq!((&first["more"], &first["documents"][1]["key"]), (&true.into(), &"bob".into()));
    let last = dir.json(["query", "customers", "--limit", "2", "--after", "bob"]);
    assert_eq!((&last["more"], &last["documents"][0]["key"]), (&false.into(), &"eve".into()));
    assert_eq!(last["documents"].as_array().unwrap().len(), 1);
    assert_eq!(last["position"], dir.json(["status"])["head"]);
}

#[test]
fn a_query_for_a_purpose_withholds_the_others() {
    let dir = Dir::declared(&["ada"]);
    let asked = |purpose| dir.json(["query", "customers", "--purpose", purpose]);
    let (contract, marketing) = (asked("contract"), asked("marketing"));
    assert_eq!(contract["documents"][0]["document"]["name"], "Name of ada");
    assert_eq!(contract["complete"], true);
    assert_eq!(marketing["documents"][0]["document"]["name"], "nobody");
    assert_eq!(marketing["documents"][0]["document"]["plan"], "free");
    // Withheld is not gone.
    assert_eq!((&marketing["complete"], &marketing["gone"]), (&false.into(), &json!([])));
}

#[test]
fn a_stale_query_answers_with_what_is_built() {
    let dir = Dir::declared(&["ada"]);
    let stale = dir.json(["query", "customers", "--stale"]);
    assert_eq!((&stale["position"], &stale["documents"]), (&0.into(), &json!([])));
    dir.json(["projection", "run"]);
    dir.import(&line("bob"));
    let stale = dir.json(["query", "customers", "--stale"]);
    assert_eq!(stale["documents"].as_array().unwrap().len(), 1);
    assert_eq!(dir.keys(["query", "customers"]), ["ada", "bob"]);
}

#[test]
fn a_projection_that_cannot_apply_an_event_stands_still_and_the_others_go_on() {
    let dir = Dir::with(&["ada", "bob"]);
    dir.declare(&format!("{PROJECTIONS}{CARELESS}"));
    let ran = dir.run(["projection", "run"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("1 of 3 projections stand still"), "{ran:?}");
    assert!(ran.err.contains("careless at 2: ") && ran.err.contains("personal value"), "{ran:?}");
    assert!(!ran.err.contains("Name of"), "{ran:?}");
    let standings = ran.json()["projections"].clone();
    let standing = |name: &str| standings.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(standing("customers")["position"], standing("customers")["head"]);
    assert_eq!(
        (&standing("careless")["position"], &standing("careless")["fault"]["position"]),
        (&1.into(), &2.into())
    );

    // It is told also where nothing runs, and by a query of it alone.
    assert_eq!(dir.served("careless")["fault"]["position"], 2);
    assert_eq!(dir.served("plans")["fault"], Value::Null);
    let asked = dir.run(["query", "careless"]);
    assert_eq!(asked.code, 1, "{asked:?}");
    assert!(asked.err.contains("position 2") && asked.err.contains("projection skip"), "{asked:?}");
    assert_eq!(dir.json(["query", "careless", "--stale"])["position"], 1);
    assert_eq!(dir.keys(["query", "customers"]), ["ada", "bob"]);
}

#[test]
fn an_event_is_skipped_knowingly_and_only_the_next_one() {
    let dir = Dir::declared(&["ada"]);
    // A fraction is no key: the plans cannot take it, the customers can.
    dir.import(&line("bob").replace("\"free\"", "0.5"));
    dir.import(&line("eve"));
    assert_eq!(dir.run(["projection", "run"]).code, 1);
    let at = dir.served("plans")["fault"]["position"].clone();
    assert_eq!(at, dir.read()[1]["position"]);
    let wrong = dir.run(["projection", "skip", "plans", "2"]);
    assert_eq!(wrong.code, 8, "{wrong:?}");
    dir.json(["projection", "skip", "plans", &at.to_string()]);
    dir.json(["projection", "run"]);
    let served = dir.served("plans");
    assert_eq!((&served["skipped"], &served["fault"]), (&json!([at]), &Value::Null));
    let plans = dir.documents(["query", "plans"]);
    let free = json!({ "earliest": "Name of ada", "latest": "Name of eve", "events": 2 });
    assert_eq!(plans, [json!({ "key": "free", "complete": true, "document": free })]);
    assert_eq!(dir.keys(["query", "customers"]), ["ada", "bob", "eve"]);
}

#[test]
fn a_new_version_is_switched_to_when_it_has_caught_up_and_the_old_one_still_answers() {
    let dir = Dir::declared(&["ada", "bob"]);
    dir.json(["projection", "run"]);
    let old = dir.json(["query", "customers"]);
    dir.declare(&format!("{PROJECTIONS}{SECOND}"));
    // Until it has caught up the old one is served.
    assert_eq!(dir.json(["query", "customers", "--stale"]), old);
    dir.json(["projection", "run"]);
    dir.import(&line("ada").replace("free", "gold"));
    let new = dir.json(["query", "customers"]);
    assert_eq!(new["version"], 2);
    assert_eq!(
        new["documents"][0]["document"],
        json!({ "called": "Name of ada", "plans": { "free": 1, "gold": 1 } })
    );
    // A past answer is given again, to the byte.
    assert_eq!(dir.json(["query", "customers", "--code-version", "1"]), old);
    assert_eq!(dir.run(["query", "customers", "--code-version", "3"]).code, 4);

    let listed = dir.json(["projection", "list"]);
    let customers = &listed["projections"][0];
    let builds: Vec<_> = customers["builds"].as_array().unwrap().iter().collect();
    let states: Vec<_> =
        builds.iter().map(|build| (build["version"].clone(), build["state"].clone())).collect();
    assert_eq!(states, [(1.into(), "kept".into()), (2.into(), "served".into())]);
    assert_eq!(customers["declared"].as_array().unwrap().len(), 2);
    // The past, by either version.
    let then = |version| dir.json(["state", "customers", "--as-of", "2", "--code-version", version]);
    assert_eq!(then("1")["documents"][0]["document"]["name"], "Name of ada");
    assert_eq!(then("2")["documents"][0]["document"]["called"], "Name of ada");
    assert_eq!(dir.run(["state", "customers", "--as-of", "2", "--code-version", "3"]).code, 4);
}

#[test]
fn who_is_forgotten_is_null_in_documents_and_everybody_else_is_as_before() {
    let dir = Dir::declared(&["ada", "bob", "eve"]);
    dir.json(["projection", "run"]);
    let before = dir.documents(["query", "customers"]);
    let certificate = dir.forget("ada");
    assert_eq!(certificate["certificate"]["forgotten"]["documents"], 2, "her own, and that of her plan");
    assert_eq!(certificate["certificate"]["verification"]["derived_left"]["documents"], 0);

    let after = dir.documents(["query", "customers"]);
    let nobody = json!({ "name": "nobody", "email": "nobody", "plan": "free", "events": 1 });
    let ada = json!({ "key": "ada", "complete": false, "document": nobody, "gone": ["contract"] });
    assert_eq!(after[0], ada);
    // To the byte: as text, with the order of fields.
    assert_eq!(after[1].to_string(), before[1].to_string());
    assert_eq!(after[2].to_string(), before[2].to_string());
    let plan = &dir.documents(["query", "plans"])[0]["document"];
    assert_eq!(*plan, json!({ "earliest": "nobody", "latest": "Name of eve", "events": 3 }));
    let found = |who: &str| dir.keys(["query", "customers", "--find", &format!("email={who}@example.org")]);
    assert_eq!((found("ada"), found("bob")), (Vec::<String>::new(), vec!["bob".to_owned()]));

    // A rebuild over her gives the same bytes.
    for projection in ["customers", "plans"] {
        let stale = dir.json(["query", projection]);
        let compared = stale["documents"].as_array().unwrap().len();
        for arguments in [["--check", "--dry-run"].as_slice(), &["--check"], &[]] {
            let mut rebuild = crate::support::program(["projection", "rebuild", projection, "--json"]);
            let output = rebuild.args(arguments).args(["--dir", dir.path()]).output().unwrap();
            let run = crate::support::Run::from(output);
            assert_eq!(run.code, 0, "{run:?}");
            let switched = !arguments.contains(&"--dry-run");
            assert_eq!(run.json()["switched"], switched);
            if arguments.contains(&"--check") {
                let check = &run.json()["check"];
                assert_eq!((&check["compared"], &check["differences"]), (&compared.into(), &json!([])));
            }
            assert_eq!(dir.json(["query", projection]), stale);
        }
    }
}

#[test]
fn the_past_has_forgotten_as_well_and_says_for_which_purposes_with_a_snapshot_or_without() {
    let taken = |with_snapshot: bool| {
        let dir = Dir::declared(&["ada", "bob"]);
        let time = Timestamp::now().to_string();
        let at = dir.json(["status"])["head"].to_string();
        if with_snapshot {
            assert_eq!(dir.json(["snapshot", "customers"])["position"].to_string(), at);
        }
        dir.import(&line("bob").replace("free", "gold"));
        let ask = |as_of: &str| dir.json(["state", "customers", "--as-of", as_of]);
        let then = ask(&at);
        assert_eq!(then["complete"], true);
        assert_eq!(then["documents"][0]["document"]["name"], "Name of ada");
        assert_eq!(then["documents"][1]["document"]["plan"], "free");
        assert_eq!(ask(&time), then);
        dir.forget("ada");
        let now = ask(&at);
        assert_eq!((&now["complete"], &now["gone"]), (&false.into(), &json!(["contract"])));
        assert_eq!(now["documents"][0]["document"]["name"], "nobody");
        assert_eq!(now["documents"][1], then["documents"][1]);
        assert_eq!(ask(&time), now);
        // Asked again, from a snapshot that was mended.
        assert_eq!(ask(&at), now);
        // After him the present is as it was, too.
        assert_eq!(dir.customer("bob")["document"]["plan"], "gold");
        let one = dir.json(["state", "customers", "--as-of", &at, "--key", "ada"]);
        assert_eq!(one, now["documents"][0]);
        assert_eq!(dir.run(["state", "customers", "--as-of", "yesterday"]).code, 2);
        now
    };
    assert_eq!(taken(true), taken(false));
}

#[tokio::test]
async fn a_changed_document_is_named_by_a_check_and_not_switched_to() {
    let dir = Dir::declared(&["ada", "bob", "eve"]);
    dir.json(["projection", "run"]);
    dir.forget("ada");
    // By someone who takes the row's sum away, as documents of an earlier release have none.
    dir.change_bob("sum = NULL").await;
    let check = dir.run(["projection", "rebuild", "customers", "--check"]);
    assert_eq!(check.code, 7, "{check:?}");
    let report = check.json();
    let differs = json!([{ "document": "bob", "differs": "changed", "erasures": [] }]);
    assert_eq!(
        (&report["check"]["differences"], &report["passed"], &report["switched"]),
        (&differs, &false.into(), &false.into())
    );
    assert_eq!(dir.customer("bob")["document"]["plan"], "gold", "what is served is not switched");
    // A rebuild without a check is what mends it.
    dir.json(["projection", "rebuild", "customers"]);
    assert_eq!(dir.customer("bob")["document"]["plan"], "free");
    assert_eq!(
        dir.json(["projection", "rebuild", "customers", "--check"])["check"]["differences"],
        json!([])
    );
}

#[tokio::test]
async fn a_damaged_document_is_an_error_and_a_rebuild_mends_it() {
    let dir = Dir::declared(&["ada", "bob"]);
    dir.json(["projection", "run"]);
    dir.change_bob("sum = sum").await;
    let damaged = dir.run(["query", "customers"]);
    assert_eq!(damaged.code, 5, "{damaged:?}");
    assert!(damaged.err.contains("damaged"), "{damaged:?}");
    dir.json(["projection", "rebuild", "customers"]);
    assert_eq!(dir.customer("bob")["document"]["plan"], "free");
}

#[tokio::test]
async fn old_documents_put_back_are_reminded_before_anything_is_read() {
    let dir = Dir::declared(&["ada", "bob", "eve"]);
    dir.json(["projection", "run"]);
    dir.json(["snapshot", "customers"]);
    let old = dir.beside("old");
    for folder in ["documents", "snapshots"] {
        copy(&dir.root().join(folder), &old.join(folder));
    }
    let certificate = dir.forget("ada");
    dir.forget("bob");
    let now = dir.json(["query", "customers"]);
    for folder in ["documents", "snapshots"] {
        put(&old.join(folder), &dir.root().join(folder));
    }
    let keys = certificate["certificate"]["keys"].as_array().unwrap();
    assert_ne!(dir.held_under(keys).await, 0);
    // Whatever is asked first.
    dir.json(["status"]);
    assert_eq!(dir.held_under(keys).await, 0);
    let named = dir.json(["projection", "rebuild", "customers", "--check"])["check"]["differences"].clone();
    for difference in named.as_array().unwrap() {
        assert!(["ada", "bob"].contains(&difference["document"].as_str().unwrap()), "{named}");
    }
    assert_eq!(dir.json(["query", "customers"]), now);
    assert_eq!(dir.keys(["query", "customers", "--find", "email=ada@example.org"]), [""; 0]);
    let then = dir.json(["state", "customers", "--as-of", "5"]);
    assert_eq!(then["documents"][0]["document"]["name"], "nobody");
    assert_eq!(then["documents"][2]["document"]["name"], "Name of eve");
}

#[test]
fn documents_that_are_lost_are_made_again() {
    let dir = Dir::declared(&["ada", "bob"]);
    dir.forget("ada");
    let before = dir.json(["query", "customers"]);
    for folder in ["documents", "snapshots"] {
        fs::remove_dir_all(dir.root().join(folder)).unwrap();
    }
    assert_eq!(dir.json(["query", "customers"]), before);
}
