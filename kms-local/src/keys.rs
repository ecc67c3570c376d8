//! Keys: minting, finding, and telling of them.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use oubliette_core::{
    Dead, ErasureId, Error, ErrorKind, Fingerprint, Key, KeyId, KeyRecord, KeyState, Purpose, Result, Scope,
    SubjectId,
};
use sqlx::sqlite::SqliteConnection;

use crate::erasures::ALIAS;
use crate::error::{corrupt, sql};
use crate::family::family;
use crate::root::Wrapped;
use crate::schema::{now, time};
use crate::sealing::draw;
use crate::vault::{Inner, commit, json};

/// The columns of [`WrappedRow`], of a table `keys` called `k`.
macro_rules! wrapped_columns {
    () => {
        "k.slot, k.id, k.subject, k.purpose, k.fingerprint, k.wrapped"
    };
}
pub(crate) use wrapped_columns;

pub(crate) type WrappedRow = (i64, Vec<u8>, String, String, Vec<u8>, Vec<u8>);

/// A [`WrappedRow`], whether the key is doomed, and whether it is dead.
type StateRow = (i64, Vec<u8>, String, String, Vec<u8>, Vec<u8>, bool, bool);

/// What `find` found, and which keys it cannot be certain of.
pub(crate) struct Found {
    pub(crate) states: Vec<KeyState>,
    /// Keys that are being destroyed, or do not open, and why.
    pub(crate) doubtful: Vec<Error>,
}

impl Found {
    /// The states, once nothing is being destroyed: what does not open now is damaged.
    pub(crate) fn certain(mut self) -> Result<Vec<KeyState>> {
        self.doubtful.pop().map_or(Ok(self.states), Err)
    }
}

impl Inner {
    /// The key of each scope, where the cache has it.
    pub(crate) fn cached(&self, stamp: u64, scopes: &[Scope]) -> Vec<Option<Key>> {
        let now = Instant::now();
        let mut cache = self.cache();
        cache.refresh(stamp);
        scopes.iter().map(|scope| cache.key(scope, now)).collect()
    }

    /// Mints what neither the cache nor the vault has.
    pub(crate) async fn mint(
        &self,
        stamp: u64,
        scopes: &[Scope],
        cached: Vec<Option<Key>>,
    ) -> Result<Vec<Key>> {
        let mut missing: Vec<&Scope> = Vec::new();
        let mut seen = HashSet::new();
        for (scope, key) in scopes.iter().zip(&cached) {
            if key.is_none() && seen.insert(scope) {
                missing.push(scope);
            }
        }
        if missing.iter().any(|scope| scope.purpose == ALIAS) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "mint",
                "the vault keeps this purpose for itself: choose another name",
            )
            .with("purpose", ALIAS));
        }
        let mut transaction = self.begin("mint").await?;
        refuse_fenced(&mut transaction, &missing).await?;
        let mut keys = self.live(&mut transaction, &missing).await?;
        let minted: Vec<Key> = missing
            .into_iter()
            .filter(|scope| !keys.contains_key(*scope))
            .map(|scope| Key::generate(scope.clone()))
            .collect::<Result<_>>()?;
        self.store(&mut transaction, &minted).await?;
        commit("mint", transaction).await?;
        keys.extend(minted.into_iter().map(|key| (key.scope().clone(), key)));

        let mut cache = self.cache();
        for key in keys.values() {
            cache.insert(stamp, key.id(), KeyState::Live(key.clone()));
        }
        let all = scopes.iter().zip(cached).map(|(scope, key)| key.or_else(|| keys.get(scope).cloned()));
        all.collect::<Option<_>>()
            .ok_or_else(|| Error::new(ErrorKind::Unexpected, "mint", "a scope was left without a key"))
    }

    async fn live(
        &self,
        connection: &mut SqliteConnection,
        scopes: &[&Scope],
    ) -> Result<HashMap<Scope, Key>> {
        let rows: Vec<WrappedRow> = sqlx::query_as(concat!(
            "SELECT ",
            wrapped_columns!(),
            " FROM json_each(?1) AS s
              CROSS JOIN live AS l ON l.subject = s.value ->> 'subject' AND l.purpose = s.value ->> 'purpose'
              CROSS JOIN keys AS k ON k.slot = l.slot"
        ))
        .bind(json(&scopes)?)
        .fetch_all(connection)
        .await
        .map_err(sql("mint"))?;
        let keys = rows.into_iter().map(|row| self.unwrap(&wrapped(row)?));
        keys.map(|key| key.map(|key| (key.scope().clone(), key))).collect()
    }

    /// Stores new keys: their slots first, on the disk, then their rows.
    pub(crate) async fn store(&self, connection: &mut SqliteConnection, keys: &[Key]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let first: i64 = sqlx::query_scalar("SELECT coalesce(max(slot) + 1, 0) FROM keys")
            .fetch_one(&mut *connection)
            .await
            .map_err(sql("mint"))?;
        let secrets = keys.iter().map(|_| draw()).collect::<Result<Vec<_>>>()?;
        let at = now();
        let rows = (first..).zip(keys.iter().zip(&secrets)).map(|(slot, (key, secret))| {
            let Scope { subject, purpose } = key.scope();
            let wrapped = hex::encode(self.root.wrap(secret, key)?);
            Ok((slot, key.id(), subject, purpose, at, hex::encode(key.fingerprint().0), wrapped))
        });
        let rows = json(&rows.collect::<Result<Vec<_>>>()?)?;
        self.slots.write(first, &secrets)?;
        sqlx::query(
            "INSERT INTO keys (slot, id, subject, purpose, minted_at, fingerprint, wrapped)
             SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4,
                    unhex(value ->> 5), unhex(value ->> 6) FROM json_each(?1)",
        )
        .bind(&rows)
        .execute(&mut *connection)
        .await
        .map_err(sql("mint"))?;
        sqlx::query(
            "INSERT INTO live (subject, purpose, slot)
             SELECT value ->> 2, value ->> 3, value ->> 0 FROM json_each(?1)",
        )
        .bind(&rows)
        .execute(connection)
        .await
        .map_err(sql("mint"))?;
        Ok(())
    }

    pub(crate) fn unwrap(&self, wrapped: &Wrapped) -> Result<Key> {
        let slot = self.slots.read(wrapped.slot)?.ok_or_else(|| {
            corrupt(
                "unwrap",
                "a key's slot is destroyed, but vault.db has no record of its death: vault.db is older than \
                 slots, restore both from one backup",
            )
            .with("key", wrapped.id)
        })?;
        self.root.unwrap(&slot, wrapped)
    }

    pub(crate) async fn find(&self, ids: &[KeyId]) -> Result<Found> {
        let stamp = self.slots.stamp()?;
        let mut states: Vec<Option<KeyState>> = {
            let now = Instant::now();
            let mut cache = self.cache();
            cache.refresh(stamp);
            ids.iter().map(|id| cache.state(*id, now)).collect()
        };
        let missing: HashSet<KeyId> =
            ids.iter().zip(&states).filter(|(_, state)| state.is_none()).map(|(id, _)| *id).collect();
        let mut doubtful = Vec::new();
        if !missing.is_empty() {
            let found = self.fetch(&missing, &mut doubtful).await?;
            for (state, id) in states.iter_mut().zip(ids).filter(|(state, _)| state.is_none()) {
                *state = found.get(id).cloned();
            }
            let mut cache = self.cache();
            for (id, state) in found {
                cache.insert(stamp, id, state);
            }
        }
        let states = states.into_iter().map(|state| state.unwrap_or(KeyState::Unknown)).collect();
        Ok(Found { states, doubtful })
    }

    async fn fetch(
        &self,
        ids: &HashSet<KeyId>,
        doubtful: &mut Vec<Error>,
    ) -> Result<HashMap<KeyId, KeyState>> {
        let rows: Vec<StateRow> = sqlx::query_as(concat!(
            "SELECT ",
            wrapped_columns!(),
            ", d.slot IS NOT NULL, d.at IS NOT NULL FROM json_each(?1) AS i
              CROSS JOIN keys AS k ON k.id = unhex(i.value) LEFT JOIN deaths AS d ON d.slot = k.slot"
        ))
        .bind(json(ids)?)
        .fetch_all(&self.readers)
        .await
        .map_err(sql("find"))?;
        let mut found = HashMap::new();
        for (slot, id, subject, purpose, fingerprint, bytes, doomed, dead) in rows {
            let wrapped = wrapped((slot, id, subject, purpose, fingerprint, bytes))?;
            if dead {
                found.insert(wrapped.id, KeyState::Destroyed(wrapped.fingerprint));
            } else if doomed {
                doubtful.push(
                    Error::new(ErrorKind::Unavailable, "find", "a key is being destroyed: try again")
                        .with("key", wrapped.id),
                );
            } else {
                match self.unwrap(&wrapped) {
                    Ok(key) => drop(found.insert(wrapped.id, KeyState::Live(key))),
                    // Perhaps its slot was overwritten after its row was read.
                    Err(error) if error.kind() == ErrorKind::Corrupt => doubtful.push(error),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(found)
    }

    pub(crate) async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>> {
        let mut transaction = self.readers.begin().await.map_err(sql("keys_of"))?;
        let family = family(&mut transaction, subject).await?;
        let aliases: Vec<&SubjectId> = family.iter().map(|member| &member.alias).collect();
        let rows: Vec<RecordRow> = sqlx::query_as(
            "SELECT k.id, k.subject, k.purpose, k.minted_at, e.id, d.at, e.reason
             FROM keys AS k
             LEFT JOIN deaths AS d ON d.slot = k.slot AND d.at IS NOT NULL
             LEFT JOIN erasures AS e ON e.sequence = d.erasure
             WHERE k.purpose <> ?3
               AND (k.subject = ?1
                    OR k.subject IN (SELECT value FROM json_each(?2))
                    OR k.slot IN (SELECT slot FROM deaths WHERE erasure IN
                                  (SELECT sequence FROM erasures WHERE subject = ?1)))
             ORDER BY k.slot",
        )
        .bind(subject.as_str())
        .bind(json(&aliases)?)
        .bind(ALIAS.as_str())
        .fetch_all(&mut *transaction)
        .await
        .map_err(sql("keys_of"))?;
        rows.into_iter().map(|row| record(subject, row)).collect()
    }
}

type RecordRow = (Vec<u8>, String, String, i64, Option<Vec<u8>>, Option<i64>, Option<String>);

fn record(subject: &SubjectId, row: RecordRow) -> Result<KeyRecord> {
    let (id, holder, purpose, minted_at, erasure, at, reason) = row;
    let destroyed = match (erasure, at, reason) {
        (Some(erasure), Some(at), Some(reason)) => {
            Some(Dead { erasure: ErasureId::try_from(erasure.as_slice())?, at: time(at)?, reason })
        }
        _ => None,
    };
    Ok(KeyRecord {
        id: KeyId::try_from(id.as_slice())?,
        purpose: Purpose::new(purpose)?,
        alias: (holder != subject.as_str()).then(|| SubjectId::new(&holder)).transpose()?,
        minted_at: time(minted_at)?,
        destroyed,
    })
}

pub(crate) fn wrapped(row: WrappedRow) -> Result<Wrapped> {
    let (slot, id, subject, purpose, fingerprint, bytes) = row;
    let fingerprint = fingerprint.try_into().map_err(|_| {
        corrupt("find", "a fingerprint in vault.db is damaged: restore the vault from its backup")
    })?;
    Ok(Wrapped {
        slot,
        id: KeyId::try_from(id.as_slice())?,
        scope: Scope::new(SubjectId::new(subject)?, Purpose::new(purpose)?),
        fingerprint: Fingerprint(fingerprint),
        bytes,
    })
}

async fn refuse_fenced(connection: &mut SqliteConnection, scopes: &[&Scope]) -> Result<()> {
    let fenced: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM json_each(?1) AS s CROSS JOIN fences AS f
                        ON f.subject = s.value ->> 'subject' AND f.purpose IN ('', s.value ->> 'purpose'))",
    )
    .bind(json(&scopes)?)
    .fetch_one(connection)
    .await
    .map_err(sql("mint"))?;
    if !fenced {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Erased,
        "mint",
        "the subject, or this purpose of theirs, was erased: readmit them to hold data of theirs again",
    ))
}
