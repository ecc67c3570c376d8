//! What happens in the story: events, the documents of a view, and an aggregate.

use std::collections::BTreeMap;

use oubliette_core::{
    Aggregate, Changes, Lookup, Personal, Result, SnapshotPolicy, Snapshotted, View, ViewEvent,
};
use serde::{Deserialize, Serialize};

/// An open word: it stands readable wherever open parts do.
pub(crate) const OPEN: &str = "open-marker-of-the-story";
/// The stream whose first event names the log's vault.
pub(crate) const FOUNDING: &str = "$oubliette";
/// The type of the event that says that keys were destroyed.
pub(crate) const ERASED: &str = "RightToBeForgottenInvoked";
/// How often the story has snapshots taken.
pub(crate) const POLICY: SnapshotPolicy = SnapshotPolicy { every: 5, keep: 2 };

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Told {
    Joined { id: String, name: Personal<String>, email: Personal<String> },
    Bought { id: String, article: String },
    Noted { id: String, note: Personal<String> },
    Wrote { id: String, letter: Personal<String> },
}

/// What is known of a member.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: Option<Personal<String>>,
    pub(crate) email: Option<Personal<String>>,
    pub(crate) bought: BTreeMap<String, u64>,
    pub(crate) notes: Vec<Personal<String>>,
    pub(crate) letters: Vec<Personal<String>>,
}

/// Members, by id.
#[derive(Debug)]
pub(crate) struct Members;

impl View for Members {
    type Document = Member;

    fn name(&self) -> &str {
        "members"
    }

    fn version(&self) -> u32 {
        1
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::identifier("email", "/email"), Lookup::name("name", "/name")]
    }

    fn start(&self) -> Member {
        Member::default()
    }

    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Member>) -> Result<()> {
        match event.data()? {
            Told::Joined { id, name, email } => changes.update(id, move |member| {
                member.name = Some(name);
                member.email = Some(email);
            }),
            Told::Bought { id, article } => {
                changes.update(id, move |member| *member.bought.entry(article).or_default() += 1)
            }
            Told::Noted { id, note } => changes.update(id, move |member| member.notes.push(note)),
            Told::Wrote { id, letter } => changes.update(id, move |member| member.letters.push(letter)),
        }
    }
}

/// A view of members that a case brings: its name, and what it makes of an event.
pub(crate) struct Brought<F>(pub(crate) &'static str, pub(crate) F);

impl<F> View for Brought<F>
where
    F: Fn(&ViewEvent<'_>, &mut Changes<Member>) -> Result<()> + Send + Sync + 'static,
{
    type Document = Member;

    fn name(&self) -> &str {
        self.0
    }

    fn version(&self) -> u32 {
        1
    }

    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }

    fn start(&self) -> Member {
        Member::default()
    }

    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Member>) -> Result<()> {
        (self.1)(event, changes)
    }
}

/// One member's stream as an aggregate. It says a personal value openly: a snapshot is
/// sealed whole.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) greeting: String,
    pub(crate) name: Option<Personal<String>>,
    pub(crate) bought: u64,
}

impl Aggregate for Account {
    type Event = Told;
    type Command = ();
    type Refusal = ();

    fn apply(&mut self, event: &Told) {
        match event {
            Told::Joined { name, .. } => {
                self.greeting = format!("Hello, {}", name.or_null());
                self.name = Some(name.clone());
            }
            Told::Bought { .. } => self.bought += 1,
            Told::Noted { .. } | Told::Wrote { .. } => {}
        }
    }

    fn decide(&self, (): &()) -> Result<Vec<Told>, ()> {
        Ok(Vec::new())
    }
}

impl Snapshotted for Account {
    const NAME: &'static str = "account";
    const VERSION: u32 = 1;
}
