//! From the written form to checked views.

use std::collections::{BTreeMap, HashSet};

use oubliette_core::{Lookup, ProjectionName, Result};
use serde_json::{Map, Value};
use toml::Spanned;

use super::DeclaredView;
use super::field::{Does, Field};
use super::form::{Form, LookupForm, OnForm, ProjectionForm};
use super::on::{Act, On};
use super::place::Place;
use crate::source::Source;

/// Reads and checks the projections of a file.
pub(super) fn compile(file: &str, text: &str) -> Result<Vec<DeclaredView>> {
    let source = Source { file, text, op: "read projections", part: "projection" };
    let Form { projection } = source.form()?;
    let mut names = HashSet::new();
    let mut views = Vec::with_capacity(projection.len());
    for form in &projection {
        let ProjectionForm { name, version, .. } = form.get_ref();
        if !names.insert((name.get_ref(), version.get_ref())) {
            let text = "two projections have the same name and version: give the newer one a new version";
            return Err(source.fault(name, Some(name.get_ref()), text));
        }
        views.push(source.view(form.get_ref())?);
    }
    Ok(views)
}

impl Source<'_> {
    fn view(&self, form: &ProjectionForm) -> Result<DeclaredView> {
        let ProjectionForm { name, version, description, on, lookup } = form;
        let part = name.get_ref();
        if ProjectionName::new(part).is_err() {
            let text = "a projection's name is 1 to 256 bytes without white space";
            return Err(self.fault(name, Some(part), text));
        }
        if *version.get_ref() == 0 {
            return Err(self.fault(version, Some(part), "versions count from 1"));
        }
        if on.is_empty() {
            let text = "a projection is made of events: give it at least one [[projection.on]]";
            return Err(self.fault(name, Some(part), text));
        }
        let mut start = Map::new();
        let on = on.iter().map(|on| self.on(on, part, &mut start)).collect::<Result<_>>()?;
        let mut names = HashSet::new();
        let mut lookups = Vec::with_capacity(lookup.len());
        for lookup in lookup {
            let lookup = self.lookup(lookup.get_ref(), part, &start, &mut names)?;
            lookups.push(lookup);
        }
        Ok(DeclaredView {
            name: part.clone(),
            version: *version.get_ref(),
            description: description.clone(),
            start,
            on,
            lookups,
        })
    }

    /// `start` is the document before its first change, as far as it is known.
    fn on(&self, spanned: &Spanned<OnForm>, part: &str, start: &mut Map<String, Value>) -> Result<On> {
        let form = spanned.get_ref();
        let mut fields = Fields { source: self, part, start, taken: BTreeMap::new() };
        for (name, step) in &form.count {
            fields.add(name, step, Does::Count(*step.get_ref()))?;
        }
        let copies = [
            (&form.set, Does::Set as fn(Place) -> Does),
            (&form.first, Does::First),
            (&form.count_by, Does::CountBy),
            (&form.collect, Does::Collect),
        ];
        for (places, does) in copies {
            for (name, place) in places {
                fields.add(name, place, does(Place::parse(self, place, part)?))?;
            }
        }
        let fields: Vec<Field> =
            fields.taken.into_iter().map(|(name, does)| Field { name: name.to_owned(), does }).collect();
        let act = match (form.remove, fields.is_empty()) {
            (true, true) => Act::Remove,
            (false, false) => Act::Change(fields),
            (true, false) => {
                let text = "what is removed is not changed: give `remove` a [[projection.on]] of its own";
                return Err(self.fault(spanned, Some(part), text));
            }
            (false, true) => {
                let text = "a [[projection.on]] says what an event does: give it `set`, `first`, `count`, \
                            `count_by`, `collect` or `remove`";
                return Err(self.fault(spanned, Some(part), text));
            }
        };
        Ok(On {
            events: self.globs(form.events.as_deref(), spanned, part)?,
            key: Place::parse(self, &form.key, part)?,
            act,
        })
    }

    fn lookup<'a>(
        &self,
        form: &'a LookupForm,
        part: &str,
        start: &Map<String, Value>,
        names: &mut HashSet<&'a str>,
    ) -> Result<Lookup> {
        let LookupForm { name, at, compare } = form;
        if name.get_ref().is_empty() || !names.insert(name.get_ref()) {
            let text = "a lookup has a name, and no two lookups of a projection have the same one";
            return Err(self.fault(name, Some(part), text));
        }
        let first = at.get_ref().strip_prefix('/').and_then(|at| at.split('/').next());
        let field = first.map(|first| first.replace("~1", "/").replace("~0", "~"));
        if !field.is_some_and(|field| start.get(&field).is_some_and(Value::is_null)) {
            let text = "a lookup is `at` a field that `set` or `first` fills, written as a pointer (RFC 6901) \
                        such as \"/login\"";
            return Err(self.fault(at, Some(part), text));
        }
        match compare.get_ref().as_str() {
            "identifier" => Ok(Lookup::identifier(name.get_ref(), at.get_ref())),
            "name" => Ok(Lookup::name(name.get_ref(), at.get_ref())),
            _ => {
                let text = "a lookup compares as \"identifier\" (without regard to case) or as \"name\" (as \
                            written)";
                Err(self.fault(compare, Some(part), text))
            }
        }
    }
}

/// The fields that a [[projection.on]] changes.
struct Fields<'a> {
    source: &'a Source<'a>,
    part: &'a str,
    start: &'a mut Map<String, Value>,
    taken: BTreeMap<&'a str, Does>,
}

impl<'a> Fields<'a> {
    fn add<T>(&mut self, name: &'a str, at: &Spanned<T>, does: Does) -> Result<()> {
        let fault = |text: &str| Err(self.source.fault(at, Some(self.part), text));
        if name.is_empty() {
            return fault("a field has a name");
        }
        if matches!(does, Does::Count(0)) {
            return fault("a count that adds 0 counts nothing");
        }
        let start = does.start();
        if self.start.get(name).is_some_and(|other| *other != start) {
            return fault(
                "a field is of one kind: copied by `set` and `first`, or by one of `count`, `count_by` and `collect`, in all of a projection",
            );
        }
        if self.taken.insert(name, does).is_some() {
            return fault(
                "a [[projection.on]] does one thing to a field: this one stands in both `set` and `first`",
            );
        }
        self.start.insert(name.to_owned(), start);
        Ok(())
    }
}
