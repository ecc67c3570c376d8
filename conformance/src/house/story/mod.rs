//! The story: a few people, planted in every store of a house through real events.

mod people;
mod reading;
mod told;

use std::collections::HashSet;
use std::sync::Arc;

use oubliette_backup::{Backups, FileRegister, Options, Trusted, public_key};
use oubliette_core::erasure::SignedCertificate;
use oubliette_core::ledger::Ledger;
use oubliette_core::{
    Builder, EventLog, Expect, KeyId, Oubliette, Personal, Projection, ProjectionOptions, SubjectId,
};
use tempfile::TempDir;

pub(crate) use self::people::{Cast, Person};
pub(crate) use self::reading::{Reading, events, read, strings};
pub(crate) use self::told::{Account, Brought, ERASED, FOUNDING, Member, Members, OPEN, POLICY, Told};
use super::House;
use crate::sample::{CONTRACT, MARKETING, stream, subject};

/// A house in which the story was told.
pub(crate) struct Story {
    pub(crate) parts: House,
    pub(crate) house: Oubliette,
    pub(crate) cast: Cast,
    pub(crate) projection: Projection<Members>,
    pub(crate) backups: Backups,
    /// What each alias stood for when the story was told.
    pub(crate) pseudonyms: Vec<SubjectId>,
    register: FileRegister,
    /// The register lies here.
    _folder: TempDir,
}

/// Tells the story in a house, and takes a backup.
pub(crate) async fn told(parts: House) -> Story {
    let mut story = Story::begun(parts).await;
    story.happens().await;
    story.derive().await;
    story.back_up(true).await;
    story.goes_on().await;
    story.derive().await;
    story.back_up(false).await;
    story
}

impl Story {
    /// A house in which nothing was told yet.
    pub(crate) async fn begun(parts: House) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let register = FileRegister::new(folder.path().join("register.json"));
        let backups = Backups::new(parts.target.open().await, register.clone());
        let house = builder(&parts, &register, None).await.build().await.expect("a new house opens");
        let cast = Cast::of(house.vault().id());
        let projection = projection(&house).await;
        Self { parts, house, cast, projection, backups, pseudonyms: Vec::new(), register, _folder: folder }
    }

    /// What happens before the first backup.
    pub(crate) async fn happens(&mut self) {
        let namings = self.cast.namings();
        let named = self.house.vault().name(&namings).await.expect("a vault records aliases");
        self.pseudonyms = named.into_iter().flatten().collect();
        let events = self.cast.people.iter().map(|person| (person, self.joins(person)));
        for (person, events) in events.collect::<Vec<_>>() {
            self.append(person.id, events).await;
        }
    }

    /// What happens after it.
    pub(crate) async fn goes_on(&self) {
        let people = &self.cast.people;
        for (n, person) in people.iter().enumerate() {
            let to = &people[(n + 1) % people.len()];
            let (id, both) = (to.id.to_owned(), [subject(person.id), subject(to.id)]);
            let letter = Personal::shared(&both, CONTRACT, person.letter.clone());
            self.append("letters", vec![Told::Wrote { id, letter }]).await;
            self.append(person.id, vec![bought(person), bought(person)]).await;
        }
    }

    fn joins(&self, person: &Person) -> Vec<Told> {
        let (id, who) = (person.id.to_owned(), subject(person.id));
        let (name, email) = (person.name.clone(), person.email.clone());
        let joined = Told::Joined {
            id: id.clone(),
            name: Personal::new(&who, CONTRACT, name),
            email: Personal::new(&who, MARKETING, email),
        };
        let alias = |text: &str| {
            let at = self.cast.namings().into_iter().flat_map(|naming| naming.aliases);
            let at = at.zip(&self.pseudonyms).find(|(name, _)| name.text() == text);
            at.expect("the alias was named").1.clone()
        };
        let noted = |text: &str, note: &str| Told::Noted {
            id: id.clone(),
            note: Personal::new(&alias(text), CONTRACT, note),
        };
        let mut events = vec![joined, noted(&person.logins[0], &person.note)];
        events.extend((0..4).map(|_| bought(person)));
        if person.id == self.cast.people[0].id {
            events.push(noted(&self.cast.desk, &self.cast.desk_note));
        }
        events
    }

    /// Appends to a stream.
    pub(crate) async fn append(&self, name: &str, events: Vec<Told>) {
        self.house.append(stream(name), Expect::Any, events).await.expect("the story is told");
    }

    /// What is said of the person who is erased once more, under their own name.
    pub(crate) fn says_again(&self) -> [Told; 1] {
        [self.says_of(&self.cast.people[0])]
    }

    /// What is said of a person under their own name.
    pub(crate) fn says_of(&self, person: &Person) -> Told {
        let note = Personal::new(&subject(person.id), CONTRACT, person.note.clone());
        Told::Noted { id: person.id.to_owned(), note }
    }

    /// Brings what is derived up to date: documents, and snapshots of both kinds.
    pub(crate) async fn derive(&self) {
        self.projection.catch_up().await.expect("the projection follows");
        self.projection.snapshot(POLICY.keep).await.expect("a snapshot of the projection is taken");
        let accounts = self.house.aggregates::<Account>(POLICY).expect("the house has snapshots");
        for person in &self.cast.people {
            accounts.load(&stream(person.id)).await.expect("an aggregate is loaded");
        }
    }

    /// Takes a backup of the log, in several segments.
    pub(crate) async fn back_up(&self, full: bool) {
        let options = Options::new().full(full).segment_bytes(1_000);
        let taken = self.backups.create(self.house.log(), self.house.vault(), &options, &|_| {}).await;
        taken.expect("a backup is taken");
    }

    /// Erases the person that the story is about.
    pub(crate) async fn erase(&self) -> SignedCertificate {
        self.house.erase(&self.cast.erased()).await.expect("a person is erased")
    }

    /// The keys that die with the person that the story is about.
    pub(crate) async fn dying(&self) -> HashSet<KeyId> {
        let keys = self.house.vault().keys_of(&self.cast.erased()).await.expect("a vault can be asked");
        keys.iter().map(|key| key.id).collect()
    }

    /// The house opened once more, as by a second process, or after a restart.
    pub(crate) fn again(&self) -> impl Future<Output = Builder> {
        builder(&self.parts, &self.register, None)
    }

    /// A house of other stores, or with a ledger that somebody brings.
    pub(crate) fn over(
        &self,
        parts: &House,
        ledger: Option<Arc<dyn Ledger>>,
    ) -> impl Future<Output = Builder> {
        builder(parts, &self.register, ledger)
    }

    /// Restores the newest backup into a log.
    pub(crate) async fn restore(&self, log: &Arc<dyn EventLog>) -> oubliette_core::Result<()> {
        let vault = self.house.vault();
        let key = public_key(&**vault).await.expect("a vault signs");
        let trusted = Trusted { vault: vault.id(), key };
        self.backups.restore(None, log, &trusted, &|_| {}).await.map(drop)
    }
}

async fn builder(parts: &House, register: &FileRegister, ledger: Option<Arc<dyn Ledger>>) -> Builder {
    let ledger = ledger.unwrap_or_else(|| Arc::new(parts.ledger.clone()));
    Oubliette::builder(parts.log.open().await, parts.vault.open().await, ledger)
        .documents(parts.documents.open().await)
        .snapshots(parts.snapshots.open().await)
        .backups(Arc::new(register.clone()))
}

/// The projection of the story in a house.
pub(crate) async fn projection(house: &Oubliette) -> Projection<Members> {
    house.projection(Members, ProjectionOptions::default()).await.expect("a projection opens")
}

fn bought(person: &Person) -> Told {
    Told::Bought { id: person.id.to_owned(), article: OPEN.to_owned() }
}
