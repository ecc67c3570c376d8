//! What is written, and what is made of it: notes about people, a view and an aggregate.

use oubliette_core::{
    Aggregate, Changes, Lookup, Personal, Purpose, Result, SnapshotPolicy, Snapshotted, SubjectId, View,
    ViewEvent,
};
use serde::{Deserialize, Serialize};

/// The purpose of names.
pub(crate) const CONTRACT: Purpose = Purpose::declared("contract");
/// The purpose of addresses.
pub(crate) const MARKETING: Purpose = Purpose::declared("marketing");
/// Snapshots of aggregates: often, and only the newest.
pub const RECENT: SnapshotPolicy = SnapshotPolicy { every: 2, keep: 1 };

/// A note: a number that says nothing about anybody, and values of one person or two.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Noted {
    /// The one kind of note.
    Noted {
        /// The note's number.
        n: u64,
        /// A name, for the contract.
        name: Option<Personal<String>>,
        /// An address, for marketing.
        mail: Option<Personal<String>>,
        /// A message between two people, for the contract.
        message: Option<Personal<String>>,
    },
}

impl Noted {
    /// A note with a name and an address of one person, and perhaps a message to another.
    pub fn about(n: u64, who: &SubjectId, with: Option<&SubjectId>) -> Self {
        let message = |with: &SubjectId| Personal::shared([who, with], CONTRACT, Self::message_of(n));
        Self::Noted {
            n,
            name: Some(Personal::new(who, CONTRACT, Self::name_of(n))),
            mail: Some(Personal::new(who, MARKETING, Self::mail_of(n))),
            message: with.map(message),
        }
    }

    /// The name in a note of this number.
    pub fn name_of(n: u64) -> String {
        format!("Name the {n}th")
    }

    /// The address in a note of this number.
    pub fn mail_of(n: u64) -> String {
        format!("person-{n}@example.org")
    }

    /// The message in a note of this number.
    pub fn message_of(n: u64) -> String {
        format!("dear you, this is number {n}")
    }
}

/// A document a stream: the last of everything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Desk {
    /// How many notes there were.
    pub notes: u64,
    /// The number of the last one.
    pub last: u64,
    /// The last name.
    pub name: Option<Personal<String>>,
    /// The last address.
    pub mail: Option<Personal<String>>,
    /// All messages.
    pub messages: Vec<Personal<String>>,
}

/// The view that makes [`Desk`]s, in a version.
#[derive(Clone, Copy, Debug)]
pub struct Documents(pub u32);

impl View for Documents {
    type Document = Desk;

    fn name(&self) -> &str {
        "desks"
    }

    fn version(&self) -> u32 {
        self.0
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::identifier("mail", "/mail")]
    }

    fn start(&self) -> Desk {
        Desk::default()
    }

    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Desk>) -> Result<()> {
        let Noted::Noted { n, name, mail, message } = event.data()?;
        changes.update(event.stream().as_str(), move |desk| {
            desk.notes += 1;
            desk.last = n;
            desk.name = name;
            desk.mail = mail;
            desk.messages.extend(message);
        })
    }
}

/// The state of a stream, with personal text in an open field: a snapshot is sealed whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// How many notes there were.
    pub notes: u64,
    /// The names in them, empty where one is forgotten.
    pub names: Vec<String>,
}

impl Aggregate for Account {
    type Event = Noted;
    type Command = ();
    type Refusal = ();

    fn apply(&mut self, Noted::Noted { name, .. }: &Noted) {
        self.notes += 1;
        self.names.extend(name.as_ref().map(Personal::or_null));
    }

    fn decide(&self, (): &()) -> Result<Vec<Noted>, ()> {
        Ok(Vec::new())
    }
}

impl Snapshotted for Account {
    const NAME: &'static str = "account";
    const VERSION: u32 = 1;
}
