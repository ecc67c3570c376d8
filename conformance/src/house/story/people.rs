//! The people of the story, and the texts of theirs that must stand nowhere.

use oubliette_core::alias::Naming;
use oubliette_core::{SubjectId, VaultId};

use crate::sample::{login, subject};

/// A person, and everything that the story says of them.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: &'static str,
    pub(crate) name: String,
    pub(crate) email: String,
    /// Aliases of theirs: the second is linked to the first, and nobody says whose it is.
    pub(crate) logins: [String; 2],
    /// Said of the first alias.
    pub(crate) note: String,
    /// Said by them to the next person: it is about both.
    pub(crate) letter: String,
}

/// The people of one house. Their texts are its own: what is found of them was said here.
#[derive(Clone)]
pub(crate) struct Cast {
    /// Who is erased, who gets their letter, and a neighbour.
    pub(crate) people: [Person; 3],
    /// An alias of the first two.
    pub(crate) desk: String,
    /// Said of that alias.
    pub(crate) desk_note: String,
}

impl Cast {
    /// The people of the house with this vault.
    pub(crate) fn of(vault: VaultId) -> Self {
        let vault = vault.to_string();
        let mark = vault.get(..10).unwrap_or(&vault);
        // Quotes, letters beyond ASCII and capitals: each form of a text is another string.
        let person = |id: &'static str, name: &str| Person {
            id,
            name: format!("{name} \"{mark}\" L\u{f6}velace"),
            email: format!("{name}.{mark}@Analytical.Example"),
            logins: [format!("{name}-{mark}-Login"), format!("{name}-{mark}-Handle")],
            note: format!("{name} keeps a cat, \u{b5}{mark}"),
            letter: format!("Yours, {name} \u{2014} caf\u{e9} at 7 \\ {mark}"),
        };
        Self {
            people: [person("ada", "Ada"), person("bob", "Robert"), person("eve", "Evelyn")],
            desk: format!("Desk-{mark}-Shared"),
            desk_note: format!("They share a desk, \u{b5}{mark}"),
        }
    }

    /// What is said of the person who is erased, and what is read of it.
    pub(crate) fn lost(&self) -> Vec<(String, String)> {
        let Person { name, email, note, letter, .. } = self.people[0].clone();
        // The last writes to the first.
        let others = self.people[2].letter.clone();
        let texts = [name, email, note, letter, others, self.desk_note.clone()];
        ["name", "email", "note", "letter", "letter from eve", "note on the desk"]
            .map(|what| format!("ada's {what}"))
            .into_iter()
            .zip(texts)
            .collect()
    }

    /// What is said of others alone.
    pub(crate) fn kept(&self) -> Vec<(String, String)> {
        let of = |it: &Person| {
            let Person { id, name, email, note, .. } = it.clone();
            [("name", name), ("email", email), ("note", note)]
                .map(|(what, text)| (format!("{id}'s {what}"), text))
        };
        let [_, bob, eve] = &self.people;
        let letter = ("bob's letter".to_owned(), bob.letter.clone());
        [bob, eve].into_iter().flat_map(of).chain([letter]).collect()
    }

    /// Aliases that go with the person who is erased.
    pub(crate) fn names_lost(&self) -> Vec<(String, String)> {
        named(&self.people[..1])
    }

    /// Aliases that others go by, one of them together with the person who is erased.
    pub(crate) fn names_kept(&self) -> Vec<(String, String)> {
        [named(&self.people[1..]), vec![("the alias of the desk".to_owned(), self.desk.clone())]].concat()
    }

    /// Every text that is said of anybody.
    pub(crate) fn texts(&self) -> Vec<(String, String)> {
        [self.lost(), self.kept(), self.names_lost(), self.names_kept()].concat()
    }

    /// Whom the story is about: the first of them is erased.
    pub(crate) fn erased(&self) -> SubjectId {
        subject(self.people[0].id)
    }

    /// Somebody who is not erased.
    pub(crate) fn neighbour(&self) -> &Person {
        &self.people[2]
    }

    /// Who goes by which alias: for each person theirs, then the links, then the desk.
    pub(super) fn namings(&self) -> Vec<Naming> {
        let claim =
            |it: &Person| Naming { subject: Some(subject(it.id)), aliases: vec![login(&it.logins[0])] };
        let link = |it: &Person| Naming {
            subject: None,
            aliases: it.logins.iter().map(|text| login(text)).collect(),
        };
        let desk = |it: &Person| Naming { subject: Some(subject(it.id)), aliases: vec![login(&self.desk)] };
        let people = self.people.iter();
        people.clone().map(claim).chain(people.clone().map(link)).chain(people.take(2).map(desk)).collect()
    }

    /// The alias that the first person claims.
    pub(crate) fn claims(&self) -> Vec<Naming> {
        self.namings().into_iter().take(1).collect()
    }
}

fn named(people: &[Person]) -> Vec<(String, String)> {
    let of = |it: &Person| {
        let [login, handle] = it.logins.clone();
        [(format!("{}'s login", it.id), login), (format!("{}'s handle", it.id), handle)]
    };
    people.iter().flat_map(of).collect()
}
