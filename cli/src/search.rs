//! Searching every byte under a directory, with a positive control.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use oubliette::scan::{Form, Needles};

use super::proof::Proof;
use crate::exit::Exit;

/// Shorter texts stand in other bytes by chance.
const MIN_BYTES: usize = 5;

/// Everything personal that must be found nowhere.
pub(super) struct Search {
    needles: Needles,
    count: usize,
    passed_over: usize,
}

/// What a search of a directory found.
struct Found {
    files: u64,
    bytes: u64,
    hits: BTreeMap<String, u64>,
}

impl Search {
    /// Looks for the values of the person, and for every alias of anyone.
    ///
    /// Texts that are also names of JSON fields stand in the open parts for that reason,
    /// and are passed over.
    pub(super) fn new(values: &[(String, String)], aliases: &[String]) -> Result<Self, Exit> {
        let fields = field_names()?;
        let all: BTreeSet<&str> =
            values.iter().map(|(_, text)| text).chain(aliases).map(String::as_str).collect();
        let (texts, passed): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|text| text.len() >= MIN_BYTES && !fields.contains(*text));
        Ok(Self { count: texts.len(), passed_over: passed.len(), needles: Needles::new(texts)? })
    }

    /// The positive control: a text planted in every form is found in every form.
    pub(super) fn control(&self, root: &Path, proof: &mut Proof) -> Result<(), Exit> {
        const CANARY: &str = "Canary \"Zoë\" <canary@example.org>";
        let path = root.join("canary");
        let planted: Vec<u8> = Form::ALL
            .into_iter()
            .flat_map(|form| form.of(CANARY))
            .flat_map(|bytes| [bytes, vec![0]].concat())
            .collect();
        let needles = Needles::new([CANARY])?;
        let io = |error| Exit::failed("cannot plant the control", &error);
        std::fs::write(&path, planted).map_err(io)?;
        let with = walk(root, &needles)?;
        std::fs::remove_file(&path).map_err(io)?;
        let without = walk(root, &needles)?;
        proof.claim(
            "the search can fail: what is planted is found, in every form, and not once it is taken away",
            with.hits.len() == Form::ALL.len() && without.hits.is_empty(),
            format!(
                "{} of {} forms found with it, {} without",
                with.hits.len(),
                Form::ALL.len(),
                without.hits.len()
            ),
        );
        Ok(())
    }

    /// No byte under the directory gives anyone away.
    pub(super) fn nothing_of_anyone(&self, root: &Path, when: &str, proof: &mut Proof) -> Result<(), Exit> {
        let found = walk(root, &self.needles)?;
        let hits: u64 = found.hits.values().sum();
        let places = found.hits.keys().take(5).cloned().collect::<Vec<_>>().join(", ");
        let evidence = format!(
            "{} texts in {} forms in {} bytes of {} files: found {hits} {places}({} passed over: shorter than \
             {MIN_BYTES} bytes, or also the name of a JSON field)",
            self.count,
            Form::ALL.len(),
            found.bytes,
            found.files,
            self.passed_over
        );
        let holds = hits == 0 && found.bytes > 0 && self.count > 0;
        proof.claim(
            format!("no value of theirs, and no name anyone goes by, stands in any byte, {when}"),
            holds,
            evidence,
        );
        Ok(())
    }
}

fn walk(folder: &Path, needles: &Needles) -> Result<Found, Exit> {
    let mut found = Found { files: 0, bytes: 0, hits: BTreeMap::new() };
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let io = |error| Exit::failed(format!("cannot search {}", folder.display()), &error);
        for entry in std::fs::read_dir(&folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            if entry.file_type().map_err(io)?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let bytes = std::fs::read(entry.path()).map_err(io)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // A file's name is a place to look, too.
            for hit in needles.hits(&bytes).chain(needles.hits(name.as_bytes())) {
                *found.hits.entry(format!("{name} {:?} ", hit.form)).or_default() += 1;
            }
            found.files += 1;
            found.bytes += bytes.len() as u64;
        }
    }
    Ok(found)
}

/// Every name of a field in the demo's events.
fn field_names() -> Result<BTreeSet<String>, Exit> {
    fn collect(value: &serde_json::Value, names: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    names.insert(name.clone());
                    collect(value, names);
                }
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| collect(value, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    for line in super::EVENTS.lines() {
        let event =
            serde_json::from_str(line).map_err(|error| Exit::failed("the sample is damaged", &error))?;
        collect(&event, &mut names);
    }
    Ok(names)
}
