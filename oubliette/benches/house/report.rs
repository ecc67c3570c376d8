//! Medians, ratios and their table.

use std::fmt;

/// What was measured, in the order in which it was.
#[derive(Default)]
pub(crate) struct Report(Vec<Section>);

struct Section {
    title: String,
    unit: &'static str,
    rows: Vec<Row>,
}

struct Row {
    what: String,
    base: f64,
    ours: f64,
    ratio: f64,
    spread: (f64, f64),
}

impl Report {
    pub(crate) fn section(&mut self, title: impl Into<String>, unit: &'static str) {
        self.0.push(Section { title: title.into(), unit, rows: Vec::new() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds rounds of (base, ours), measured in turns.
    pub(crate) fn row(&mut self, what: impl Into<String>, rounds: &[(f64, f64)]) {
        let median_of = |side: fn(&(f64, f64)) -> f64| median(rounds.iter().map(side).collect());
        let mut ratios: Vec<f64> = rounds.iter().map(|(base, ours)| ours / base).collect();
        ratios.sort_by(f64::total_cmp);
        let row = Row {
            what: what.into(),
            base: median_of(|round| round.0),
            ours: median_of(|round| round.1),
            ratio: median(ratios.clone()),
            spread: (ratios[0], ratios[ratios.len() - 1]),
        };
        eprintln!("{}: {:.2}", row.what, row.ratio);
        self.0.last_mut().unwrap().rows.push(row);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in &self.0 {
            writeln!(f, "\n### {}\n", section.title)?;
            writeln!(f, "| | base, {0} | house, {0} | ratio (median) | least..most |", section.unit)?;
            writeln!(f, "|---|---|---|---|---|")?;
            for Row { what, base, ours, ratio, spread } in &section.rows {
                let (least, most) = spread;
                writeln!(
                    f,
                    "| {what} | {} | {} | **{ratio:.2}** | {least:.2}..{most:.2} |",
                    short(*base),
                    short(*ours)
                )?;
            }
        }
        Ok(())
    }
}

fn short(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}
