//! Erasures, as they were registered.

use oubliette_core::{
    Erasure, ErasureId, Error, ErrorKind, Purpose, Reason, Result, Scope, Sequence, SubjectId, Target,
};
use sqlx::sqlite::SqliteConnection;

use crate::error::{corrupt, sql};
use crate::schema::{now, time};
use crate::vault::{Inner, commit};

/// The purpose of the key that seals an alias's text. These keys are the vault's own: they
/// are not handed out, and not told of.
pub(crate) const ALIAS: Purpose = Purpose::declared("oubliette.alias");

/// An erasure and how far it went.
pub(crate) struct Registered {
    pub(crate) erasure: Erasure,
    /// Whether it is settled which keys die.
    pub(crate) doomed: bool,
    pub(crate) readmitted: bool,
}

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        "sequence, id, subject, purpose, reason, registered_at, doomed_at IS NOT NULL, readmitted_at IS NOT NULL"
    };
}

type Row = (i64, Vec<u8>, String, String, String, i64, bool, bool);

/// The purpose as the tables hold it: '' for the whole subject.
pub(crate) fn purpose(target: &Target) -> &str {
    target.purpose().map_or("", Purpose::as_str)
}

/// The number as the tables hold it.
pub(crate) fn stored(sequence: Sequence) -> i64 {
    i64::try_from(sequence.0).unwrap_or(i64::MAX)
}

impl Inner {
    pub(crate) async fn register(&self, target: &Target, reason: &Reason) -> Result<Erasure> {
        if target.purpose() == Some(&ALIAS) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "register",
                "the names that somebody goes by are not erased alone: erase the subject, or the alias",
            ));
        }
        let mut transaction = self.begin("register").await?;
        if let Some(known) = in_force(&mut transaction, target).await? {
            return Ok(known.erasure);
        }
        let (id, at) = (ErasureId::random()?, now());
        let sequence: i64 = sqlx::query_scalar(
            "INSERT INTO erasures (id, subject, purpose, reason, registered_at)
             VALUES (?, ?, ?, ?, ?) RETURNING sequence",
        )
        .bind(id.as_bytes().as_slice())
        .bind(target.subject().as_str())
        .bind(purpose(target))
        .bind(&reason.0)
        .bind(at)
        .fetch_one(&mut *transaction)
        .await
        .map_err(sql("register"))?;
        commit("register", transaction).await?;
        let sequence = Sequence(sequence.unsigned_abs());
        Ok(Erasure { id, sequence, target: target.clone(), reason: reason.clone(), at: time(at)? })
    }

    pub(crate) async fn erasures(&self, after: Sequence) -> Result<Vec<Erasure>> {
        let rows: Vec<Row> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM erasures WHERE sequence > ? ORDER BY sequence"
        ))
        .bind(stored(after))
        .fetch_all(&self.readers)
        .await
        .map_err(sql("erasures"))?;
        rows.into_iter().map(|row| Ok(registered(row)?.erasure)).collect()
    }
}

/// The erasure of a target that stands until the target is readmitted.
pub(crate) async fn in_force(
    connection: &mut SqliteConnection,
    target: &Target,
) -> Result<Option<Registered>> {
    let row: Option<Row> = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM erasures WHERE subject = ? AND purpose = ? AND readmitted_at IS NULL"
    ))
    .bind(target.subject().as_str())
    .bind(purpose(target))
    .fetch_optional(connection)
    .await
    .map_err(sql("register"))?;
    row.map(registered).transpose()
}

pub(crate) async fn by_id(connection: &mut SqliteConnection, id: ErasureId) -> Result<Registered> {
    let row: Option<Row> = sqlx::query_as(concat!("SELECT ", columns!(), " FROM erasures WHERE id = ?"))
        .bind(id.as_bytes().as_slice())
        .fetch_optional(connection)
        .await
        .map_err(sql("erase"))?;
    registered(row.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            "erase",
            "this erasure was never registered here: register its target",
        )
        .with("erasure", id)
    })?)
}

fn registered(row: Row) -> Result<Registered> {
    let (sequence, id, subject, purpose, reason, at, doomed, readmitted) = row;
    let subject = SubjectId::new(subject)?;
    let target = match purpose.as_str() {
        "" => Target::Subject(subject),
        _ => Target::Purpose(Scope::new(subject, Purpose::new(purpose)?)),
    };
    let sequence = u64::try_from(sequence)
        .map_err(|_| corrupt("erasures", "a sequence in vault.db is damaged: restore the vault"))?;
    let erasure = Erasure {
        id: ErasureId::try_from(id.as_slice())?,
        sequence: Sequence(sequence),
        target,
        reason: Reason(reason),
        at: time(at)?,
    };
    Ok(Registered { erasure, doomed, readmitted })
}
