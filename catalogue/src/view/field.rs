//! Fields of a document, and what an event does to them.

use serde_json::{Map, Value};

use oubliette_core::Result;

use super::place::Place;
use super::seen::Seen;

/// The longest list that is collected.
const MAX_COLLECTED: usize = 1000;

/// What events do to a field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) does: Does,
}

#[derive(Clone, Debug)]
pub(super) enum Does {
    Set(Place),
    First(Place),
    Count(i64),
    CountBy(Place),
    Collect(Place),
}

/// What one event does to a field.
#[derive(Clone)]
pub(super) enum Change {
    Set(Value),
    First(Value),
    Count(i64),
    CountBy(Vec<String>),
    Collect(Vec<Value>),
}

impl Does {
    /// The field before its first change.
    pub(super) fn start(&self) -> Value {
        match self {
            Self::Set(_) | Self::First(_) => Value::Null,
            Self::Count(_) => 0.into(),
            Self::CountBy(_) => Map::new().into(),
            Self::Collect(_) => Vec::<Value>::new().into(),
        }
    }
}

impl Field {
    /// What an event does to it, if anything.
    pub(super) fn change(&self, seen: &Seen) -> Result<Option<Change>> {
        Ok(match &self.does {
            Does::Set(place) => place.value(seen).map(Change::Set),
            Does::First(place) => place.value(seen).map(Change::First),
            Does::Count(step) => Some(Change::Count(*step)),
            Does::CountBy(place) => {
                let labels = place.labels(seen, &self.name)?;
                Some(Change::CountBy(labels.into_iter().map(text).collect()))
            }
            Does::Collect(place) => {
                let values = place.labels(seen, &self.name)?;
                Some(Change::Collect(values.into_iter().cloned().collect()))
            }
        })
    }
}

impl Change {
    pub(super) fn make(self, field: &mut Value) {
        match (self, field) {
            (Self::Set(value), field) => *field = value,
            (Self::First(value), field @ Value::Null) => *field = value,
            (Self::Count(step), field) => add(field, step),
            (Self::CountBy(labels), Value::Object(counts)) => {
                labels.into_iter().for_each(|label| add(counts.entry(label).or_insert(Value::Null), 1));
            }
            (Self::Collect(values), Value::Array(list)) => {
                for value in values {
                    let place = list.binary_search_by(|other| order(other).cmp(&order(&value)));
                    if let Err(place) = place
                        && list.len() < MAX_COLLECTED
                    {
                        list.insert(place, value);
                    }
                }
            }
            (Self::First(_) | Self::CountBy(_) | Self::Collect(_), _) => {}
        }
    }
}

fn add(count: &mut Value, step: i64) {
    *count = count.as_i64().unwrap_or_default().saturating_add(step).into();
}

/// A key or label as text.
pub(super) fn text(label: &Value) -> String {
    label.as_str().map_or_else(|| label.to_string(), str::to_owned)
}

/// The order of what is collected: truth values, numbers, strings.
fn order(value: &Value) -> (u8, i128, &str) {
    match value {
        Value::Bool(value) => (0, i128::from(*value), ""),
        Value::String(text) => (2, 0, text),
        other => {
            (1, other.as_i64().map(i128::from).or(other.as_u64().map(i128::from)).unwrap_or_default(), "")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_collected_is_in_order_and_each_once() {
        let mut list = json!([]);
        for value in [json!(10), json!("b"), json!(u64::MAX), json!(9), json!(-1), json!(true), json!("10")] {
            Change::Collect(vec![value.clone(), value]).make(&mut list);
        }
        assert_eq!(list, json!([true, -1, 9, 10, u64::MAX, "10", "b"]));
    }

    #[test]
    fn a_full_list_takes_no_more() {
        let mut list = json!([]);
        Change::Collect((0..1001).map(Value::from).collect()).make(&mut list);
        Change::Collect(vec![json!(-1)]).make(&mut list);
        assert_eq!((list[0].clone(), list.as_array().unwrap().len()), (json!(0), 1000));
    }

    #[test]
    fn a_count_ends_where_numbers_end() {
        let mut count = json!(i64::MAX - 1);
        Change::Count(2).make(&mut count);
        assert_eq!(count, json!(i64::MAX));
    }
}
