//! Fences: behind one, nothing is minted.

use oubliette_core::{Erasure, ErasureId, Error, ErrorKind, Result, SubjectId, Target};
use sqlx::sqlite::SqliteConnection;

use crate::erasures::{Registered, by_id, in_force, purpose, stored};
use crate::error::sql;
use crate::family::{Member, family};
use crate::schema::now;
use crate::vault::{Inner, commit, json};

impl Inner {
    pub(crate) async fn fence(&self, id: ErasureId) -> Result<()> {
        let mut transaction = self.begin("fence").await?;
        let known = by_id(&mut transaction, id).await?;
        if !known.doomed && !known.readmitted {
            let family = family(&mut transaction, known.erasure.target.subject()).await?;
            raise(&mut transaction, &known.erasure, &family).await?;
        }
        commit("fence", transaction).await?;
        // Also when nothing was left to do: whoever did it may have died before this.
        self.slots.renew_stamp()
    }

    pub(crate) async fn readmit(&self, target: &Target) -> Result<()> {
        let mut transaction = self.begin("readmit").await?;
        let known = in_force(&mut transaction, target).await?;
        let Some(Registered { erasure, doomed, .. }) = known else { return Err(no_fence()) };
        if !fences(&mut transaction, &erasure).await? {
            return Err(no_fence());
        }
        // What is alive behind a fence is old, and must not serve the one who returns.
        if !doomed && holds_keys(&mut transaction, target).await? {
            return Err(Error::new(
                ErrorKind::Incomplete,
                "readmit",
                "the erasure of this target is not finished: finish it, then readmit",
            )
            .with("erasure", erasure.id));
        }
        // The pseudonyms of dead aliases stay fenced: they stand for nobody any more.
        sqlx::query(
            "DELETE FROM fences WHERE erasure = ?1 AND (subject = ?2 OR subject NOT IN
             (SELECT subject FROM aliases WHERE gone = 1))",
        )
        .bind(stored(erasure.sequence))
        .bind(target.subject().as_str())
        .execute(&mut *transaction)
        .await
        .map_err(sql("readmit"))?;
        sqlx::query("UPDATE erasures SET readmitted_at = ? WHERE sequence = ?")
            .bind(now())
            .bind(stored(erasure.sequence))
            .execute(&mut *transaction)
            .await
            .map_err(sql("readmit"))?;
        advance(&mut transaction).await?;
        commit("readmit", transaction).await?;
        self.slots.renew_stamp()
    }
}

/// Fences the target of an erasure, and the aliases that die with it. Aliases that
/// others claim too live on, and others may mint for them.
pub(crate) async fn raise(
    connection: &mut SqliteConnection,
    erasure: &Erasure,
    family: &[Member],
) -> Result<()> {
    let own = family.iter().filter(|member| !member.shared).map(|member| &member.alias);
    let subjects: Vec<&SubjectId> = own.chain([erasure.target.subject()]).collect();
    raise_for(connection, erasure, &subjects).await
}

/// Fences these subjects, to the extent of the erasure.
pub(crate) async fn raise_for(
    connection: &mut SqliteConnection,
    erasure: &Erasure,
    subjects: &[&SubjectId],
) -> Result<()> {
    sqlx::query(
        "INSERT OR IGNORE INTO fences (subject, purpose, erasure) SELECT value, ?2, ?3 FROM json_each(?1)",
    )
    .bind(json(&subjects)?)
    .bind(purpose(&erasure.target))
    .bind(stored(erasure.sequence))
    .execute(&mut *connection)
    .await
    .map_err(sql("fence"))?;
    advance(connection).await
}

/// Counts a change after which what a process remembers of aliases may be wrong.
pub(crate) async fn advance(connection: &mut SqliteConnection) -> Result<()> {
    let counted = sqlx::query("UPDATE vault SET generation = generation + 1").execute(connection).await;
    counted.map(drop).map_err(sql("fence"))
}

async fn fences(connection: &mut SqliteConnection, erasure: &Erasure) -> Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM fences WHERE erasure = ? AND subject = ?)")
        .bind(stored(erasure.sequence))
        .bind(erasure.target.subject().as_str())
        .fetch_one(connection)
        .await
        .map_err(sql("readmit"))
}

async fn holds_keys(connection: &mut SqliteConnection, target: &Target) -> Result<bool> {
    let family = family(connection, target.subject()).await?;
    let own = family.iter().filter(|member| !member.shared).map(|member| &member.alias);
    let subjects: Vec<&SubjectId> = own.chain([target.subject()]).collect();
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM live WHERE subject IN (SELECT value FROM json_each(?1))
                        AND ?2 IN ('', purpose))",
    )
    .bind(json(&subjects)?)
    .bind(purpose(target))
    .fetch_one(connection)
    .await
    .map_err(sql("readmit"))
}

fn no_fence() -> Error {
    Error::new(ErrorKind::NotFound, "readmit", "there is no fence for this target: nothing is in its way")
}
