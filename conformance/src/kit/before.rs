//! The two looks, each the control of the other.

use std::collections::{BTreeSet, HashMap};

use oubliette_core::Oubliette;

use super::person::Person;
use super::places::{AtRest, Places, Shown};
use super::report::{Kind, Look, PlaceReport, Report, SealedReport};
use super::sealed::Sealed;
use super::{Kit, Unproven};
use crate::fixture::Blob;
use crate::search::{Findings, Needle, Search, Void};

/// What was found before the erasure: every control was.
#[derive(Debug)]
pub struct Before {
    search: Search,
    /// What each needle is of, by its name.
    needles: HashMap<String, Of>,
    kit: Kit,
    person: Sealed,
    neighbour: Sealed,
    held: (u64, u64),
    looks: Vec<Looked>,
}

/// Whose a needle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Person,
    Neighbour,
    /// A nonce or a tag of the person's.
    Trace,
    /// What shows that a place is the place.
    Control,
}

/// A place, and what was found there.
#[derive(Debug)]
struct Looked {
    name: String,
    kind: Kind,
    findings: Findings,
}

impl Before {
    pub(super) async fn look(kit: Kit, house: &Oubliette, places: Places) -> Result<Self, Unproven> {
        let person = Sealed::of(house, kit.person().subject()).await?;
        let neighbour = Sealed::of(house, kit.neighbour().subject()).await?.without_shared(&person);
        opens(&person, house, "the person", "before").await?;
        opens(&neighbour, house, "the neighbour", "before").await?;
        let of_person = kit.person().needles();
        let of_neighbour = kit.neighbour().needles();
        for (needles, who) in [(&of_person, "the person"), (&of_neighbour, "the neighbour")] {
            if needles.is_empty() {
                return Err(Void::no_control(format!("no value of {who} was handed out")).into());
            }
        }
        let subject = kit.neighbour().subject();
        let mut controls = vec![Needle::text("the neighbour's pseudonym", subject.as_str())];
        controls.extend(places.at_rest.iter().filter_map(|place| place.marker.clone()));
        controls.extend(traces("the neighbour", &neighbour));
        let all = [
            (of_person, Of::Person),
            (of_neighbour, Of::Neighbour),
            (traces("the person", &person).collect(), Of::Trace),
            (controls, Of::Control),
        ];
        let names = all.iter().flat_map(|(needles, of)| needles.iter().map(|it| (it.name().to_owned(), *of)));
        let names = names.collect();
        let search = Search::new(all.into_iter().flat_map(|(needles, _)| needles))?;
        let held = person.held(house).await?;
        let looks = looked(&search, places)?;
        let before = Self { search, needles: names, kit, person, neighbour, held, looks };
        before.all_found(&before.looks, "before the erasure", &[Of::Person, Of::Neighbour])?;
        before.all_at_rest(&before.looks)?;
        Ok(before)
    }

    /// Who is erased now.
    pub fn person(&self) -> &Person {
        self.kit.person()
    }

    /// Who stays.
    pub fn neighbour(&self) -> &Person {
        self.kit.neighbour()
    }

    /// Looks again, after the erasure.
    ///
    /// # Errors
    /// [`Unproven::Void`] when a control failed: a place is missing or is another one, or the
    /// neighbour is gone too. [`Unproven::House`] when the house cannot be asked.
    pub async fn after(self, house: &Oubliette, places: Places) -> Result<Report, Unproven> {
        let looks = looked(&self.search, places)?;
        let named = |looks: &[Looked]| -> Vec<_> {
            looks.iter().map(|look| (look.name.clone(), look.kind)).collect()
        };
        if named(&looks) != named(&self.looks) {
            let of = "other places were looked at after the erasure than before it";
            return Err(Void::no_control(of).into());
        }
        self.all_found(&looks, "after the erasure", &[Of::Neighbour])?;
        opens(&self.neighbour, house, "the neighbour", "after").await?;
        let claimed = self.person.claims_bytes_gone(house).await?;
        let held = self.person.held(house).await?;
        // What was appended since the first look counts, too.
        let now = Sealed::of(house, self.kit.person().subject()).await?.opens(house).await?;
        let sealed = SealedReport {
            parts: self.person.len(),
            open_after: self.person.opens(house).await?.max(now),
            documents: (self.held.0, held.0),
            snapshots: (self.held.1, held.1),
            traces: (self.found(&self.looks, Of::Trace), self.found(&looks, Of::Trace)),
            bytes_gone: claimed == Some(true),
            neighbours: self.neighbour.len(),
        };
        let mut faults = self.faults(&sealed, claimed);
        let places =
            self.looks.iter().zip(&looks).map(|(before, after)| self.place(before, after, sealed.bytes_gone));
        let places: Vec<PlaceReport> = places.collect();
        faults.extend(places.iter().filter(|place| !place.left.is_empty()).map(|place| {
            let needles: BTreeSet<_> = place.left.iter().map(|hit| hit.needle.as_str()).collect();
            format!("{} still holds {}", place.name, needles.into_iter().collect::<Vec<_>>().join("; "))
        }));
        Ok(Report { places, sealed, faults })
    }

    /// What the house itself still holds.
    fn faults(&self, sealed: &SealedReport, claimed: Option<bool>) -> Vec<String> {
        let mut faults = Vec::new();
        if claimed.is_none() {
            faults.push("the house has no certificate of an erasure of the person".to_owned());
        }
        for (count, what) in [
            (sealed.open_after, "sealed parts still open"),
            (sealed.documents.1, "documents are still under the person's keys"),
            (sealed.snapshots.1, "snapshots are still under the person's keys"),
        ] {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        faults
    }

    fn place(&self, before: &Looked, after: &Looked, bytes_gone: bool) -> PlaceReport {
        let look = |looked: &Looked| {
            let count = |of| self.found(std::slice::from_ref(looked), of);
            Look {
                bytes: looked.findings.bytes,
                person: count(Of::Person),
                neighbour: count(Of::Neighbour),
                traces: count(Of::Trace),
                controls: count(Of::Control),
            }
        };
        let mut left = after.findings.hits.clone();
        left.retain(|hit| match self.needles.get(&hit.needle) {
            Some(Of::Person) => true,
            Some(Of::Trace) => bytes_gone && before.kind == Kind::AtRest,
            Some(Of::Neighbour | Of::Control) | None => false,
        });
        PlaceReport {
            name: before.name.clone(),
            kind: before.kind,
            before: look(before),
            after: look(after),
            left,
        }
    }

    /// How many needles of a kind were found, in any of these places.
    fn found(&self, looks: &[Looked], of: Of) -> u64 {
        let hits = looks.iter().flat_map(|look| &look.findings.hits);
        let found: BTreeSet<_> = hits
            .filter(|hit| self.needles.get(&hit.needle) == Some(&of))
            .map(|hit| hit.needle.as_str())
            .collect();
        found.len() as u64
    }

    /// Everything of these people is shown, and each place at rest shows that it is the place.
    fn all_found(&self, looks: &[Looked], when: &str, of: &[Of]) -> Result<(), Void> {
        let (shown, kept): (Vec<_>, Vec<_>) = looks.iter().partition(|look| look.kind == Kind::Shown);
        let shown: BTreeSet<_> =
            shown.iter().flat_map(|look| &look.findings.hits).map(|hit| hit.needle.as_str()).collect();
        let wanted = self.needles.iter().filter(|(_, whose)| of.contains(whose)).map(|(name, _)| name);
        let mut missing: Vec<_> = wanted.filter(|name| !shown.contains(name.as_str())).cloned().collect();
        if !missing.is_empty() {
            missing.sort();
            let place = format!("in what the application shows {when}");
            return Err(Void::NotFound { place, needles: missing });
        }
        for look in kept {
            if self.found(std::slice::from_ref(look), Of::Control) == 0 {
                return Err(Void::NotFound {
                    place: format!("in {} {when}", look.name),
                    needles: vec!["anything that shows that it is the place".to_owned()],
                });
            }
        }
        Ok(())
    }

    /// Each of the person's parts is somewhere at rest, by its nonce or its tag: a store may
    /// cut through one of them, as SQLite does at the end of a page.
    fn all_at_rest(&self, looks: &[Looked]) -> Result<(), Void> {
        let at_rest = looks.iter().filter(|look| look.kind == Kind::AtRest);
        let found: BTreeSet<_> =
            at_rest.flat_map(|look| &look.findings.hits).map(|hit| hit.needle.as_str()).collect();
        let parts = traces("the person", &self.person).collect::<Vec<_>>();
        let lost = parts.chunks(2).filter(|part| !part.iter().any(|trace| found.contains(trace.name())));
        let needles: Vec<_> = lost.flatten().map(|trace| trace.name().to_owned()).collect();
        match needles.is_empty() {
            true => Ok(()),
            false => Err(Void::NotFound { place: "at rest before the erasure".to_owned(), needles }),
        }
    }
}

/// Somebody has sealed parts, and all of them open.
async fn opens(sealed: &Sealed, house: &Oubliette, who: &str, when: &str) -> Result<(), Unproven> {
    if sealed.len() == 0 {
        return Err(Void::no_control(format!("the house holds no sealed part of {who}")).into());
    }
    match sealed.opens(house).await? {
        opened if opened == sealed.len() => Ok(()),
        opened => {
            let of = format!("{opened} of {} sealed parts of {who} open {when} the erasure", sealed.len());
            Err(Void::no_control(of).into())
        }
    }
}

fn traces<'a>(who: &'a str, sealed: &'a Sealed) -> impl Iterator<Item = Needle> + 'a {
    sealed.traces().enumerate().map(move |(n, trace)| {
        let what = if n % 2 == 0 { "nonce" } else { "tag" };
        Needle::bytes(format!("the {what} of {who}'s sealed part {}", n / 2 + 1), trace)
    })
}

/// Searches every place.
fn looked(search: &Search, places: Places) -> Result<Vec<Looked>, Void> {
    for (missing, of) in [
        (places.shown.is_empty(), "no place was named that the application shows"),
        (places.at_rest.is_empty(), "no place was named where the application keeps something"),
    ] {
        if missing {
            return Err(Void::no_control(of));
        }
    }
    let shown = places.shown.into_iter().map(|Shown { name, blob }| (name, Kind::Shown, vec![blob]));
    let at_rest = places.at_rest.into_iter().map(|AtRest { name, kind, blobs, .. }| (name, kind, blobs));
    let looks = shown.chain(at_rest).map(|(name, kind, blobs): (_, _, Vec<Blob>)| {
        let findings = match search.over(blobs) {
            // An answer may be empty. What is kept is not: its control would be missing.
            Err(Void::NothingSearched) => Findings::default(),
            other => other?,
        };
        Ok(Looked { name, kind, findings })
    });
    looks.collect()
}
