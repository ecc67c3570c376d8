//! What the demo derives from the log, and that it forgets too.

use std::collections::BTreeMap;

use oubliette::catalogue::DeclaredView;
use oubliette::{AsOf, DocumentKey, DocumentQuery, Position, Projection, SubjectId};
use serde_json::Value;

use super::proof::Proof;
use super::restored;
use crate::dir::Dir;
use crate::exit::{Exit, INPUT};
use crate::output::Output;
use crate::views;

const PROJECTIONS: &str = include_str!("../../../../examples/github/projections.toml");
const PEOPLE: &str = "people";

/// Documents from before the erasure.
pub(super) struct Derived {
    subject: DocumentKey,
    login: String,
    position: Position,
    documents: BTreeMap<String, Value>,
    /// The positive control: the lookup found them.
    was_found: bool,
}

impl Derived {
    /// A projection of people and their activity, a snapshot of it, and a backup.
    pub(super) async fn make(dir: &Dir, subject: &SubjectId, output: &Output) -> Result<Self, Exit> {
        dir.keep_projections(PROJECTIONS)?;
        let people = views::open(dir, PEOPLE, None).await?;
        people.catch_up().await?;
        let position = people.snapshot(1).await?;
        restored::back_up(dir).await?;
        let answer = people.query(&DocumentQuery::all().limit(10_000)).await?;
        let mut documents = BTreeMap::new();
        for document in &answer.documents {
            documents.insert(document.key.to_string(), document.json()?);
        }
        let subject = DocumentKey::new(subject.as_str())?;
        let theirs = documents.get(subject.as_str()).cloned().unwrap_or_default();
        let login = field(&theirs, "login").as_str().unwrap_or_default().to_owned();
        if login.is_empty() {
            return Err(Exit::new(INPUT, format!("no event was sent by subject {subject}"))
                .next("choose a subject that sends events, such as 21031067"));
        }
        output.say(&format!(
            "\nA projection of {} people and their activity, a snapshot of it, and a backup. In it they are:\n  \
             login {}, {} events of {} types in {} repositories",
            documents.len(),
            field(&theirs, "login"),
            field(&theirs, "activity"),
            field(&theirs, "by_type").as_object().map_or(0, serde_json::Map::len),
            field(&theirs, "repositories").as_array().map_or(0, Vec::len),
        ))?;
        let mut made = Self { subject, login, position, documents, was_found: false };
        made.was_found = made.found(&people).await?;
        Ok(made)
    }

    /// Whether their document is found by their login. Others may go by the same one.
    async fn found(&self, people: &Projection<DeclaredView>) -> Result<bool, Exit> {
        let found = people.find("login", &self.login, &DocumentQuery::all()).await?;
        Ok(found.documents.iter().any(|document| document.key == self.subject))
    }

    /// Their document reads null, everyone else's is unchanged; a rebuild gives the same;
    /// the past has forgotten too.
    pub(super) async fn forgets(&self, dir: &Dir, proof: &mut Proof) -> Result<(), Exit> {
        let people = views::open(dir, PEOPLE, None).await?;
        people.catch_up().await?;
        let answer = people.query(&DocumentQuery::all().limit(10_000)).await?;
        let (mut others, mut changed, mut theirs) = (0, 0, Value::Null);
        for document in &answer.documents {
            let (key, now) = (document.key.as_str(), document.json()?);
            let mut then = self.documents.get(key).cloned().unwrap_or_default();
            if document.key == self.subject {
                // All but the login stays: the counts are about nobody any more.
                if let Some(fields) = then.as_object_mut() {
                    fields.insert("login".to_owned(), field(&now, "login"));
                }
                theirs = now.clone();
            }
            others += 1;
            changed += u64::from(then != now);
        }
        let found = self.found(&people).await?;
        let theirs_gone = field(&theirs, "login") == "ghost" && field(&theirs, "activity").as_u64() > Some(0);
        proof.claim(
            "their document has forgotten them, nobody else's changed, and no lookup finds them",
            theirs_gone
                && changed == 0
                && answer.documents.len() == self.documents.len()
                && self.was_found
                && !found,
            format!(
                "login {}, activity {}; {others} documents compared, {changed} not as expected; found by login before: \
                 {}, after: {found}",
                field(&theirs, "login"), field(&theirs, "activity"), self.was_found
            ),
        );
        let check = people.rebuild_checked().await?;
        proof.claim(
            "documents that were kept up to date and documents that are built anew are the same to the byte",
            check.differences.is_empty() && check.compared > 0,
            format!("{} documents rebuilt and compared, {} differ", check.compared, check.differences.len()),
        );
        let past = people.as_of(AsOf::Position(self.position)).await?;
        let then = past.get(&self.subject).await?;
        let document = then.as_ref().map(|document| document.json()).transpose()?.unwrap_or_default();
        let login = field(&document, "login");
        let gone: Vec<String> =
            then.iter().flat_map(|document| document.gone()).map(ToString::to_string).collect();
        let complete = then.as_ref().is_some_and(|document| document.is_complete());
        past.end().await?;
        proof.claim(
            "the past has forgotten them as well, and says so",
            login == "ghost" && !complete && !gone.is_empty(),
            format!(
                "as of position {}: login {login}, complete: {complete}, gone: {}",
                self.position,
                gone.join(", ")
            ),
        );
        Ok(())
    }
}

/// A field of a document; null where it has none.
fn field(document: &Value, name: &str) -> Value {
    document.get(name).cloned().unwrap_or_default()
}
