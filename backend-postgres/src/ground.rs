//! What a store stands on: whether the server lets this user see and do what a sweep needs, and
//! whether it keeps copies that no sweep reaches.

use std::collections::BTreeMap;

use oubliette_core::{Finding, Meaning, Result};
use sqlx::postgres::PgConnection;

use crate::error;

/// A server, as far as this user can see it.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    facts: Facts,
}

/// Settings, rights and copies, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts(pub(crate) BTreeMap<String, String>);

/// Roles that exist where somebody else runs the server.
const PROVIDERS: &[(&str, &str)] = &[
    ("alloydbsuperuser", "AlloyDB"),
    ("avnadmin", "Aiven"),
    ("azure_pg_admin", "Azure"),
    ("cloudsqlsuperuser", "Cloud SQL"),
    ("doadmin", "DigitalOcean"),
    ("neon_superuser", "Neon"),
    ("rds_superuser", "Amazon RDS or Aurora"),
    ("supabase_admin", "Supabase"),
];

impl Ground {
    /// What can be seen over this connection.
    pub(crate) async fn of(connection: &mut PgConnection) -> Result<Self> {
        let roles: Vec<&str> = PROVIDERS.iter().map(|(role, _)| *role).collect();
        let facts: Vec<(String, String)> = sqlx::query_as(include_str!("ground/facts.sql"))
            .bind(roles)
            .fetch_all(connection)
            .await
            .map_err(error::of("open"))?;
        Ok(Self { facts: Facts(facts.into_iter().collect()) })
    }

    /// Why bytes may outlive a sweep; `None` where they do not.
    pub(crate) fn keeps(&self) -> Option<String> {
        let why: Vec<String> = self
            .findings()
            .into_iter()
            .filter_map(|finding| match finding.meaning {
                Meaning::Lowers(why) => Some(why),
                Meaning::Good | Meaning::Passing(_) | Meaning::Unseen(_) => None,
            })
            .collect();
        (!why.is_empty()).then(|| why.join("; "))
    }

    /// Whether this user may write the write-ahead log through, and see that it did.
    pub(crate) fn may_pass_wal(&self) -> bool {
        ["pg_switch_wal", "pg_logical_emit_message", "pg_ls_waldir", "checkpoint"]
            .iter()
            .all(|right| self.facts.is(right, "true"))
    }

    /// Whether this user may see which files there are.
    pub(crate) fn may_see_files(&self) -> bool {
        ["pg_ls_dir", "pg_ls_tmpdir"].iter().all(|right| self.facts.is(right, "true"))
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What bears on whether bytes are gone after a sweep.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let facts = &self.facts;
        vec![
            facts.server(),
            self.rights(),
            facts.archive(),
            facts.replicas(),
            facts.server_log(),
            facts.explained(),
        ]
    }

    fn rights(&self) -> Finding {
        let missing: Vec<&str> = [
            (self.facts.is("pg_read_all_stats", "true"), "see who is in the way (pg_monitor)"),
            (self.may_pass_wal(), "write through the write-ahead log (pg_switch_wal, pg_checkpoint)"),
            (self.may_see_files(), "see files that belong to nobody (pg_ls_dir)"),
        ]
        .iter()
        .filter_map(|(may, what)| (!may).then_some(*what))
        .collect();
        let (found, meaning) = match missing.is_empty() {
            true => ("all that a sweep needs".to_owned(), Meaning::Good),
            false => {
                let missing = missing.join(", ");
                let why = format!("this user may not {missing}: run roles/eraser.sql");
                (format!("not: {missing}"), Meaning::Lowers(why))
            }
        };
        Finding { subject: "rights", found, meaning }
    }
}

impl Facts {
    /// A fact; empty when it is not known.
    pub(crate) fn of(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.of(name) == value
    }

    fn server(&self) -> Finding {
        let version = self.of("version");
        let short = version.split(" on ").next().unwrap_or_default();
        let provider = PROVIDERS.iter().find(|(role, _)| self.is("provider", role)).map(|(_, name)| *name);
        // Those that only speak its protocol tell so in their version, or have no such number.
        let genuine = version.starts_with("PostgreSQL 1") && !version.contains("-YB-");
        let (found, meaning) = match (provider, genuine) {
            (None, true) => (short.to_owned(), Meaning::Good),
            (Some(name), _) => (
                format!("{short}, run by {name}"),
                Meaning::Lowers(format!(
                    "{name} runs the server, and keeps files that nobody else sees: what becomes of them is \
                     attested by the provider, and not verified"
                )),
            ),
            (None, false) => (
                short.to_owned(),
                Meaning::Lowers(
                    "the server is not PostgreSQL itself: how it overwrites is not known here".into(),
                ),
            ),
        };
        Finding { subject: "server", found, meaning }
    }

    fn archive(&self) -> Finding {
        let mode = self.of("archive_mode");
        let meaning = match mode {
            "off" => Meaning::Good,
            _ => Meaning::Lowers(
                "archived WAL keeps what was taken away until it expires there: it is a backup, so end it with \
                 the others (archive_mode)"
                    .to_owned(),
            ),
        };
        Finding { subject: "archive_mode", found: mode.to_owned(), meaning }
    }

    fn replicas(&self) -> Finding {
        let replicas = self.of("replicas");
        let (found, meaning) = match replicas {
            "" => ("none", Meaning::Good),
            replicas => (
                replicas,
                Meaning::Lowers(format!("replicas have files of their own, which are not swept: {replicas}")),
            ),
        };
        Finding { subject: "replicas", found: found.to_owned(), meaning }
    }

    /// Whether the values of statements, sealed as they are, stand in the server's log.
    fn server_log(&self) -> Finding {
        let off = |setting: &&str| self.is(setting, "-1") || self.is(setting, "0");
        let statements = ["mod", "all"].contains(&self.of("log_statement"))
            || ["log_min_duration_statement", "log_min_duration_sample"].iter().any(|it| !self.is(it, "-1"))
            || !off(&"log_transaction_sample_rate");
        let values = statements && !self.is("log_parameter_max_length", "0")
            || !self.is("log_parameter_max_length_on_error", "0");
        let meaning = match values {
            false => Meaning::Good,
            true => Meaning::Lowers(
                "the server's log keeps the values of statements, sealed parts among them: set \
                 log_parameter_max_length and log_parameter_max_length_on_error to 0"
                    .to_owned(),
            ),
        };
        let found = [
            "log_statement",
            "log_min_duration_statement",
            "log_parameter_max_length",
            "log_parameter_max_length_on_error",
        ]
        .map(|name| format!("{name} {}", self.of(name)));
        Finding { subject: "server log", found: found.join(", "), meaning }
    }

    fn explained(&self) -> Finding {
        let (duration, length) =
            (self.of("auto_explain.log_min_duration"), self.of("auto_explain.log_parameter_max_length"));
        // Before 16 it tells no values.
        let values = !["", "-1"].contains(&duration) && !["", "0"].contains(&length);
        let (found, meaning) = match (duration, values) {
            ("" | "-1", _) => ("off".to_owned(), Meaning::Good),
            (_, false) => (format!("on ({duration}), without values"), Meaning::Good),
            (_, true) => (
                format!("on ({duration})"),
                Meaning::Lowers(
                    "auto_explain writes the values of statements into the server's log: set \
                     auto_explain.log_parameter_max_length to 0"
                        .to_owned(),
                ),
            ),
        };
        Finding { subject: "auto_explain", found, meaning }
    }
}
