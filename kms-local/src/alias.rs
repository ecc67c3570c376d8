//! Aliases in vault.db: read into memory, recorded, and begun anew.

use oubliette_core::alias::{Alias, AliasKind, AliasName, Naming};
use oubliette_core::{ErasureId, Key, Result, Scope, SubjectId};
use sqlx::sqlite::SqliteConnection;

use crate::erasures::{ALIAS, by_id};
use crate::error::{corrupt, sql};
use crate::family::{Member, family};
use crate::fence::raise;
use crate::keys::{wrapped, wrapped_columns};
use crate::names::{Known, Names, Pair, draw};
use crate::sealing::{open, seal};
use crate::vault::{Inner, commit, json};

/// Aliases and the keys that seal their texts, as [`Row`]s.
macro_rules! sealed_aliases {
    ($filter:literal) => {
        concat!(
            "SELECT a.id, a.kind, a.sealed, ",
            wrapped_columns!(),
            " FROM aliases AS a
              LEFT JOIN live AS l ON l.subject = a.subject AND l.purpose = 'oubliette.alias'
              LEFT JOIN keys AS k ON k.slot = l.slot WHERE a.gone = 0 AND ",
            $filter
        )
    };
}

type Row = (i64, i64, Vec<u8>, i64, Vec<u8>, String, String, Vec<u8>, Vec<u8>);

impl Inner {
    /// The answer, if nothing has to be recorded for it.
    pub(crate) async fn known(&self, namings: &[Naming]) -> Result<Option<Vec<Vec<SubjectId>>>> {
        let stamp = self.slots.stamp()?;
        let names = self.names.lock().await;
        if names.generation.is_none() || names.stamp != stamp {
            return Ok(None);
        }
        let plan = names.plan(namings)?;
        Ok(plan.is_recorded().then_some(plan.answer))
    }

    pub(crate) async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>> {
        let mut names = self.names.lock().await;
        let stamp = self.slots.stamp()?;
        let mut transaction = self.begin("name").await?;
        self.refresh(&mut transaction, &mut names, stamp).await?;
        let plan = names.plan(namings)?;
        if plan.is_recorded() {
            return Ok(plan.answer);
        }
        let aliases: Vec<&Known> = plan.aliases.values().collect();
        self.insert(&mut transaction, &aliases).await?;
        for (table, pairs) in [
            (
                "INSERT INTO claims (alias, subject) SELECT value ->> 0, value ->> 1 FROM json_each(?)",
                &plan.claims,
            ),
            (
                "INSERT INTO links (alias, other) SELECT value ->> 0, value ->> 1 FROM json_each(?)",
                &plan.links,
            ),
        ] {
            sqlx::query(table).bind(json(pairs)?).execute(&mut *transaction).await.map_err(sql("name"))?;
        }
        let fenced = follow_fences(&mut transaction, &plan.answer.concat()).await?;
        commit("name", transaction).await?;
        if fenced {
            self.slots.renew_stamp()?;
        }
        Ok(names.apply(plan))
    }

    pub(crate) async fn aliases(&self) -> Result<Vec<Alias>> {
        let mut names = self.names.lock().await;
        let stamp = self.slots.stamp()?;
        // In the line of those who write: none of them is between a row and its slot then.
        let mut transaction = self.begin("aliases").await?;
        self.refresh(&mut transaction, &mut names, stamp).await?;
        Ok(names.list())
    }

    /// Reads what was recorded since, or everything where something was taken away.
    async fn refresh(&self, connection: &mut SqliteConnection, names: &mut Names, stamp: u64) -> Result<()> {
        let generation: i64 = sqlx::query_scalar("SELECT generation FROM vault")
            .fetch_one(&mut *connection)
            .await
            .map_err(sql("name"))?;
        if names.generation != Some(generation) {
            *names = Names::default();
            let fenced: Vec<String> =
                sqlx::query_scalar("SELECT DISTINCT subject FROM fences WHERE purpose = ''")
                    .fetch_all(&mut *connection)
                    .await
                    .map_err(sql("name"))?;
            names.fenced = fenced.into_iter().map(SubjectId::new).collect::<Result<_>>()?;
        }
        let aliases: Vec<Row> = sqlx::query_as(sealed_aliases!("a.id > ? ORDER BY a.id"))
            .bind(names.last_alias)
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("name"))?;
        for row in aliases {
            names.last_alias = row.0;
            let known = self.opened(row)?;
            names.known.insert(known.name.folded(), known);
        }
        for (table, last, pairs) in [
            (
                "SELECT id, alias, subject FROM claims WHERE id > ? ORDER BY id",
                &mut names.last_claim,
                &mut names.claims,
            ),
            (
                "SELECT id, alias, other FROM links WHERE id > ? ORDER BY id",
                &mut names.last_link,
                &mut names.links,
            ),
        ] {
            let rows: Vec<(i64, String, String)> =
                sqlx::query_as(table).bind(*last).fetch_all(&mut *connection).await.map_err(sql("name"))?;
            for (id, one, other) in rows {
                *last = id;
                pairs.insert(pair(one, other)?);
            }
        }
        // Last, so that what was read in part is read again.
        (names.generation, names.stamp) = (Some(generation), stamp);
        Ok(())
    }

    fn opened(
        &self,
        (_, kind, sealed, slot, id, subject, purpose, fingerprint, bytes): Row,
    ) -> Result<Known> {
        let key = self.unwrap(&wrapped((slot, id, subject, purpose, fingerprint, bytes))?)?;
        let subject = key.scope().subject.clone();
        let broken = || {
            corrupt("name", "an alias does not open: restore the vault from its backup")
                .with("alias", &subject)
        };
        let plain = open(&self.root.naming(&key)?, &context(&subject, kind), &sealed)?.ok_or_else(broken)?;
        let text = std::str::from_utf8(&plain).map_err(|_| broken())?;
        let kind = match kind {
            IDENTIFIER => AliasKind::Identifier,
            NAME => AliasKind::Name,
            _ => return Err(broken()),
        };
        Ok(Known { name: AliasName::new(kind, text), subject })
    }

    /// Seals aliases, each under a key of its own, and stores them.
    async fn insert(&self, connection: &mut SqliteConnection, aliases: &[&Known]) -> Result<()> {
        let scopes = aliases.iter().map(|known| Scope::new(known.subject.clone(), ALIAS));
        let keys = scopes.map(Key::generate).collect::<Result<Vec<_>>>()?;
        let rows = aliases.iter().zip(&keys).map(|(Known { name, subject }, key)| {
            let kind = kind(name);
            let sealed = seal(&self.root.naming(key)?, &context(subject, kind), name.text().as_bytes())?;
            Ok((subject, kind, hex::encode(sealed)))
        });
        let rows = json(&rows.collect::<Result<Vec<_>>>()?)?;
        self.store(connection, &keys).await?;
        sqlx::query(
            "INSERT INTO aliases (subject, kind, sealed)
             SELECT value ->> 0, value ->> 1, unhex(value ->> 2) FROM json_each(?)",
        )
        .bind(rows)
        .execute(connection)
        .await
        .map_err(sql("name"))?;
        Ok(())
    }

    /// Takes the aliases of `family` away. Those that others than `subject` claim begin
    /// anew under other pseudonyms, with the claims and links that are left.
    pub(crate) async fn begin_anew(
        &self,
        connection: &mut SqliteConnection,
        subject: &SubjectId,
        family: &[Member],
    ) -> Result<()> {
        for member in family.iter().filter(|member| member.shared && member.alias != *subject) {
            let row: Row = sqlx::query_as(sealed_aliases!("a.subject = ?"))
                .bind(member.alias.as_str())
                .fetch_one(&mut *connection)
                .await
                .map_err(sql("destroy"))?;
            let anew = Known { subject: draw()?, ..self.opened(row)? };
            self.insert(connection, &[&anew]).await?;
            for moved in [
                "UPDATE claims SET alias = ?2 WHERE alias = ?1 AND subject <> ?3",
                "UPDATE links SET alias = ?2 WHERE alias = ?1 AND ?3 = ?3",
                "UPDATE links SET other = ?2 WHERE other = ?1 AND ?3 = ?3",
            ] {
                sqlx::query(moved)
                    .bind(member.alias.as_str())
                    .bind(anew.subject.as_str())
                    .bind(subject.as_str())
                    .execute(&mut *connection)
                    .await
                    .map_err(sql("destroy"))?;
            }
        }
        let gone: Vec<&SubjectId> = family.iter().map(|member| &member.alias).collect();
        let gone = json(&gone)?;
        for take in [
            "UPDATE aliases SET sealed = zeroblob(length(sealed)), gone = 1
             WHERE subject IN (SELECT value FROM json_each(?1))",
            "DELETE FROM claims WHERE alias IN (SELECT value FROM json_each(?1))",
            "DELETE FROM links WHERE alias IN (SELECT value FROM json_each(?1))",
            "DELETE FROM links WHERE other IN (SELECT value FROM json_each(?1))",
        ] {
            sqlx::query(take).bind(&gone).execute(&mut *connection).await.map_err(sql("destroy"))?;
        }
        Ok(())
    }
}

/// An alias that comes to stand beside one that is about to die will die with it: the
/// fences of erasures that are not carried out yet reach it at once. Tells if there are any.
async fn follow_fences(connection: &mut SqliteConnection, aliases: &[SubjectId]) -> Result<bool> {
    let erasures: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT DISTINCT e.id FROM json_each(?) AS a CROSS JOIN fences AS f ON f.subject = a.value
         CROSS JOIN erasures AS e ON e.sequence = f.erasure
         WHERE e.doomed_at IS NULL AND e.readmitted_at IS NULL",
    )
    .bind(json(&aliases)?)
    .fetch_all(&mut *connection)
    .await
    .map_err(sql("name"))?;
    for id in &erasures {
        let erasure = by_id(connection, ErasureId::try_from(id.as_slice())?).await?.erasure;
        let family = family(connection, erasure.target.subject()).await?;
        raise(connection, &erasure, &family).await?;
    }
    Ok(!erasures.is_empty())
}

const IDENTIFIER: i64 = 0;
const NAME: i64 = 1;

fn kind(name: &AliasName) -> i64 {
    match name.kind {
        AliasKind::Identifier => IDENTIFIER,
        AliasKind::Name => NAME,
    }
}

/// Binds an alias's text to its pseudonym and its kind.
fn context(subject: &SubjectId, kind: i64) -> Vec<u8> {
    [kind.to_be_bytes().as_slice(), subject.as_str().as_bytes()].concat()
}

fn pair(one: String, other: String) -> Result<Pair> {
    Ok((SubjectId::new(one)?, SubjectId::new(other)?))
}
