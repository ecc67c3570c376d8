//! Every case of a house, on every combination of parts.

mod combination;
mod liar;
mod panics;
mod run;
mod selection;
mod verdict;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use oubliette_conformance::house::{self, Case};
use oubliette_conformance::{Evidence, House};

pub use self::combination::{Combination, PARTS};
pub use self::liar::LyingPart;
pub use self::run::Bounds;
pub use self::selection::{Selection, Unknown};
pub use self::verdict::{Kind, Verdict};
use crate::report::{Cell, Report};

/// Runs the case of a name on a house.
pub type Judge = fn(&'static str, House) -> LocalBoxFuture<'static, Evidence>;

/// Cases, and the combinations that each of them runs on.
pub struct Matrix {
    cases: Vec<Case>,
    combinations: Vec<Arc<Combination>>,
    judge: Judge,
}

impl Matrix {
    /// These cases on these combinations.
    #[must_use]
    pub fn new(cases: &[Case], combinations: Vec<Combination>, judge: Judge) -> Self {
        let combinations = combinations.into_iter().map(Arc::new).collect();
        Self { cases: cases.to_vec(), combinations, judge }
    }

    /// Every case of a house on these combinations.
    #[must_use]
    pub fn of(combinations: Vec<Combination>) -> Self {
        Self::new(house::CASES, combinations, |name, house| Box::pin(house::case(name, house)))
    }

    /// Its cases.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Its combinations. Their numbers count from one, in this order.
    #[must_use]
    pub fn combinations(&self) -> &[Arc<Combination>] {
        &self.combinations
    }

    /// Runs the cells that are selected, in an order that comes of the seed, and reports on all.
    ///
    /// `tell` hears of each cell that ends.
    pub fn run(
        &self,
        selection: &Selection,
        seed: u64,
        bounds: Bounds,
        mut tell: impl FnMut(&Cell),
    ) -> Report {
        let (began, clock) = (Timestamp::now(), Instant::now());
        let mut ended = BTreeMap::new();
        run::run(self.works(selection, seed), bounds, |id, verdict, took: Duration| {
            let cell = self.cell(id, verdict, took);
            tell(&cell);
            ended.insert(id, cell);
        });
        let not_run = |id| self.cell(id, Verdict::NotRun, Duration::ZERO);
        let cells = self.ids().map(|id| ended.remove(&id).unwrap_or_else(|| not_run(id))).collect();
        Report::new(self, cells, selection, seed, began, clock.elapsed())
    }

    /// Cells as (case, combination), in the order of a report.
    fn ids(&self) -> impl Iterator<Item = (usize, usize)> {
        let columns = self.combinations.len();
        (0..self.cases.len()).flat_map(move |case| (0..columns).map(move |column| (case, column)))
    }

    fn works(&self, selection: &Selection, seed: u64) -> Vec<((usize, usize), run::Work)> {
        let mut ids: Vec<_> = self.ids().filter(|id| selection.takes(*id)).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut ids);
        let work = |(case, column): (usize, usize)| -> run::Work {
            let (name, combination) = (self.cases[case].name, self.combinations[column].clone());
            let judge = self.judge;
            Box::new(move || {
                oubliette_conformance::run(async move { judge(name, combination.house().await).await })
            })
        };
        ids.into_iter().map(|id| (id, work(id))).collect()
    }

    fn cell(&self, (case, column): (usize, usize), verdict: Verdict, took: Duration) -> Cell {
        Cell {
            case: self.cases[case].name.to_owned(),
            combination: column + 1,
            verdict,
            seconds: took.as_secs_f64(),
        }
    }
}

impl fmt::Debug for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matrix({} cases, {} combinations)", self.cases.len(), self.combinations.len())
    }
}
