//! One decision: what was read for it, and what it changes.
//!
//! All of it is of one generation. Where somebody else writes in between it ends with
//! `Conflict`, and is decided anew.

use std::collections::HashMap;
use std::sync::Arc;

use oubliette_core::{ErasureId, Error, ErrorKind, KeyId, Result, SubjectId};

use crate::error::{conflict, corrupt};
use crate::keyring::Keyring;
use crate::member::Member;
use crate::records::{Commit, Generation, Kind, Place};
use crate::roots::Epoch;
use crate::sealing::Secret;
use crate::sheet::Sheet;
use crate::vault::Inner;
use crate::wire::{ErasureRow, Head, KeyRow, OpenBucket, PAGE, Page, Record, Subject, Text, Wraps};

pub(crate) struct Act<'v> {
    vault: &'v Inner,
    generation: Option<Generation>,
    head: Option<Head>,
    head_changed: bool,
    pub(crate) subjects: Sheet<Subject>,
    pub(crate) keys: Sheet<KeyRow>,
    pub(crate) texts: Sheet<Text>,
    pub(crate) erasures: Sheet<ErasureRow>,
    pub(crate) pages: Sheet<Page>,
    requests: HashMap<ErasureId, u64>,
    /// Bucket keys that this act draws.
    drawn: HashMap<u64, Secret>,
    put: Vec<(Place, Vec<u8>)>,
    remove: Vec<Place>,
    evicts: bool,
}

/// What to read.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) subjects: Vec<SubjectId>,
    pub(crate) keys: Vec<KeyId>,
    pub(crate) texts: Vec<SubjectId>,
    pub(crate) erasures: Vec<u64>,
    pub(crate) requests: Vec<ErasureId>,
    pub(crate) pages: Vec<(Epoch, u32)>,
}

impl<'v> Act<'v> {
    pub(crate) fn new(vault: &'v Inner) -> Self {
        Self {
            vault,
            generation: None,
            head: None,
            head_changed: false,
            subjects: Sheet::new(),
            keys: Sheet::new(),
            texts: Sheet::new(),
            erasures: Sheet::new(),
            pages: Sheet::new(),
            requests: HashMap::new(),
            drawn: HashMap::new(),
            put: Vec::new(),
            remove: Vec::new(),
            evicts: false,
        }
    }

    /// Reads what was not read yet, and the head, in one round trip.
    pub(crate) async fn load(&mut self, wanted: Wanted) -> Result<()> {
        let subjects = self.subjects.unread(wanted.subjects);
        let keys = self.keys.unread(wanted.keys);
        let texts = self.texts.unread(wanted.texts);
        let erasures = self.erasures.unread(wanted.erasures);
        let pages = self.pages.unread(wanted.pages);
        let requests = wanted.requests;
        let mut places = vec![Head::place()];
        places.extend(subjects.iter().map(Subject::place));
        places.extend(keys.iter().map(KeyRow::place));
        places.extend(texts.iter().map(Text::place));
        places.extend(erasures.iter().map(ErasureRow::place));
        places.extend(pages.iter().map(Page::place));
        places.extend(requests.iter().map(request));
        if places.len() == 1 && self.head.is_some() {
            return Ok(());
        }
        let read = self.vault.records.read(&places).await?;
        self.at(read.generation)?;
        let mut records = places.iter().zip(read.records);
        let mut next = || records.next().and_then(|(place, bytes)| bytes.map(|bytes| (place, bytes)));
        let sealing = &self.vault.secrets.records;
        let head = next();
        if self.head.is_none() {
            let (place, bytes) = head.ok_or_else(gone)?;
            self.head = Some(sealing.decode(place, &bytes)?);
        }
        macro_rules! sheet {
            ($ids:ident) => {
                for id in $ids {
                    let record = next().map(|(place, bytes)| sealing.decode(place, &bytes)).transpose()?;
                    self.$ids.keep(id, record);
                }
            };
        }
        sheet!(subjects);
        sheet!(keys);
        sheet!(texts);
        sheet!(erasures);
        sheet!(pages);
        for id in requests {
            if let Some((place, bytes)) = next() {
                self.requests.insert(id, sealing.decode(place, &bytes)?);
            }
        }
        Ok(())
    }

    pub(crate) async fn load_head(&mut self) -> Result<()> {
        self.load(Wanted::default()).await
    }

    pub(crate) async fn load_pages(&mut self, pages: &[(Epoch, u32)]) -> Result<()> {
        self.load(Wanted { pages: pages.to_vec(), ..Wanted::default() }).await
    }

    /// Names of a kind behind a prefix and after a name, and their records.
    pub(crate) async fn list(
        &mut self,
        kind: Kind,
        prefix: &[u8],
        after: &[u8],
        at_most: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let listed = self.vault.records.list(kind, prefix, after, at_most).await?;
        self.at(listed.generation)?;
        Ok(listed.records)
    }

    fn at(&mut self, generation: Generation) -> Result<()> {
        match *self.generation.get_or_insert(generation) == generation {
            true => Ok(()),
            false => Err(conflict("vault")),
        }
    }

    /// The sequence of an erasure that was asked for.
    pub(crate) fn sequence(&self, id: ErasureId) -> Option<u64> {
        self.requests.get(&id).copied()
    }

    pub(crate) fn head(&self) -> Result<&Head> {
        self.head.as_ref().ok_or_else(unread)
    }

    pub(crate) fn head_mut(&mut self) -> Result<&mut Head> {
        self.head_changed = true;
        self.head.as_mut().ok_or_else(unread)
    }

    /// From here on what processes remember is wrong.
    pub(crate) fn evict(&mut self) {
        self.evicts = true;
    }

    /// Puts what is on no sheet.
    pub(crate) fn put(&mut self, place: Place, body: &impl serde::Serialize) -> Result<()> {
        let bytes = self.vault.secrets.records.encode(&place, body)?;
        self.put.push((place, bytes));
        Ok(())
    }

    /// Reads what is on no sheet.
    pub(crate) fn decode<T: serde::de::DeserializeOwned>(&self, place: &Place, bytes: &[u8]) -> Result<T> {
        self.vault.secrets.records.decode(place, bytes)
    }

    /// Puts what stands on its own sealing.
    pub(crate) fn put_sealed(&mut self, place: Place, bytes: Vec<u8>) {
        self.put.push((place, bytes));
    }

    pub(crate) fn remove(&mut self, place: Place) {
        self.remove.push(place);
    }

    /// Whether anything is to be written.
    pub(crate) fn is_changed(&self) -> bool {
        self.subjects.is_changed()
            || self.keys.is_changed()
            || self.texts.is_changed()
            || self.erasures.is_changed()
            || self.pages.is_changed()
            || self.head_changed
            || !self.put.is_empty()
            || !self.remove.is_empty()
    }

    /// Makes the changes.
    pub(crate) async fn commit(mut self) -> Result<()> {
        let sealing = &self.vault.secrets.records;
        let (put, remove) = (&mut self.put, &mut self.remove);
        macro_rules! sheet {
            ($sheet:ident, $record:ty) => {
                for (id, record) in self.$sheet.changes() {
                    let place = <$record>::place(id);
                    match record {
                        Some(record) => {
                            let bytes = sealing.encode(&place, record)?;
                            put.push((place, bytes));
                        }
                        None => remove.push(place),
                    }
                }
            };
        }
        sheet!(subjects, Subject);
        sheet!(keys, KeyRow);
        sheet!(texts, Text);
        sheet!(erasures, ErasureRow);
        sheet!(pages, Page);
        if let Some(head) = self.head.as_ref().filter(|_| self.head_changed) {
            put.push((Head::place(), sealing.encode(&Head::place(), head)?));
        }
        let at = self.generation.ok_or_else(unread)?;
        let commit = Commit { at, put: self.put, remove: self.remove, evicts: self.evicts };
        self.vault.records.commit(&commit).await.map(drop)
    }

    /// Finds room in a bucket: the one that takes keys, or a new one.
    pub(crate) async fn room(&mut self, keyring: &Keyring) -> Result<u64> {
        let size = self.vault.options.bucket;
        if let Some(open) = &mut self.head_mut()?.open
            && open.taken < size
        {
            open.taken += 1;
            return Ok(open.bucket);
        }
        let epoch = self.head()?.epoch;
        let last = self.head()?.pages.checked_sub(1);
        if let Some(last) = last {
            self.load(Wanted { pages: vec![(epoch, last)], ..Wanted::default() }).await?;
        }
        let head = self.head_mut()?;
        let bucket = head.next_bucket;
        head.next_bucket += 1;
        head.begun += 1;
        head.open = Some(OpenBucket { bucket, taken: 1 });
        let key = Secret::draw()?;
        let wrapped = keyring.wrap(bucket, &key)?;
        self.drawn.insert(bucket, key);
        let full = |page: &Page| page.0.len() >= PAGE;
        let page = match last.map(|last| (epoch, last)) {
            Some(id) if !self.pages.get(&id).is_none_or(full) => id,
            _ => {
                let head = self.head_mut()?;
                head.pages += 1;
                let id = (epoch, head.pages - 1);
                self.pages.put(id, Page::default());
                id
            }
        };
        self.pages.edit(&page).ok_or_else(unread)?.0.push(wrapped);
        Ok(bucket)
    }

    /// The key of a bucket, also of one that was just begun.
    pub(crate) fn bucket<'a>(&'a self, keyring: &'a Keyring, bucket: u64) -> Result<&'a Secret> {
        self.drawn.get(&bucket).or_else(|| keyring.bucket(bucket)).ok_or_else(|| {
            corrupt("vault", "a bucket key is missing in the ring: restore the vault").with("bucket", bucket)
        })
    }

    /// Takes out of its buckets what dies: whoever has an old copy opens it until they are renewed.
    pub(crate) fn touch(&mut self, member: &Member, wraps: &Wraps) -> Result<()> {
        let buckets: Vec<u64> = wraps.halves().map(|(bucket, _)| bucket).collect();
        for bucket in buckets {
            self.remove.push(member.place(bucket));
            self.head_mut()?.touched.insert(bucket);
        }
        Ok(())
    }

    /// Fills a keyring with so many pages of the ring of its epoch.
    pub(crate) async fn fill(&mut self, keyring: &mut Keyring, pages: u32) -> Result<()> {
        let pages: Vec<_> = (0..pages).map(|page| (keyring.epoch, page)).collect();
        self.load_pages(&pages).await?;
        for page in &pages {
            keyring.take(self.pages.get(page).ok_or_else(|| {
                corrupt("open", "a page of bucket keys is missing: restore the vault").with("page", page.1)
            })?)?;
        }
        Ok(())
    }

    /// The keys of the epoch that counts.
    pub(crate) async fn keyring(&mut self) -> Result<Arc<Keyring>> {
        let head = self.head.as_ref().ok_or_else(unread)?;
        self.vault.keyring(head).await
    }
}

/// Where the sequence of an erasure stands.
pub(crate) fn request(id: &ErasureId) -> Place {
    Place::new(Kind::Request, *id.as_bytes())
}

/// The records are not where they should be.
pub(crate) fn gone() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "vault",
        "the records of the vault are gone from where they should be: restore them, or check the address",
    )
}

fn unread() -> Error {
    Error::new(ErrorKind::Unexpected, "vault", "something was decided before it was read")
}
