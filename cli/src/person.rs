//! Finding the person that a command names, by id or by alias.

use oubliette::SubjectId;
use oubliette::alias::{AliasKind, AliasName};

use crate::args::Person;
use crate::dir::Dir;
use crate::exit::{Exit, NOT_FOUND, USAGE};

/// The subject that a command names. Nothing is changed.
pub(crate) async fn find(dir: &Dir, person: &Person) -> Result<SubjectId, Exit> {
    let subject = match (&person.subject, &person.alias) {
        (Some(id), _) => SubjectId::new(id)
            .map_err(|error| Exit::from(error).next("name the subject's id, or an address with --alias"))?,
        (None, Some(alias)) => by_alias(dir, alias).await?,
        (None, None) => return Err(Exit::new(USAGE, "nobody is named").next("name a SUBJECT, or an --alias")),
    };
    if dir.house.vault().keys_of(&subject).await?.is_empty() {
        return Err(Exit::new(NOT_FOUND, format!("nothing is held, nor ever was, about subject {subject}"))
            .next("check the id; a login or an address is named with --alias"));
    }
    Ok(subject)
}

async fn by_alias(dir: &Dir, text: &str) -> Result<SubjectId, Exit> {
    let wanted = [AliasKind::Identifier, AliasKind::Name].map(|kind| AliasName::new(kind, text).folded());
    let aliases = dir.house.vault().aliases().await?;
    let known = aliases.iter().filter(|alias| wanted.contains(&alias.name.folded()));
    let mut people: Vec<_> = known.clone().flat_map(|alias| alias.claimed_by.iter().cloned()).collect();
    if people.is_empty() {
        // Nobody claims it: what carries it is held under the alias itself.
        people = known.map(|alias| alias.subject.clone()).collect();
    }
    people.sort();
    people.dedup();
    match <[SubjectId; 1]>::try_from(people) {
        Ok([subject]) => Ok(subject),
        Err(none) if none.is_empty() => {
            Err(Exit::new(NOT_FOUND, "nobody is known by this alias")
                .next("check its spelling, or name the id"))
        }
        Err(several) => {
            let ids = several.iter().map(ToString::to_string).collect();
            Err(Exit::new(USAGE, "several subjects go by this alias")
                .details(ids)
                .next("name one of these ids"))
        }
    }
}
