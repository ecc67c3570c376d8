//! Which documents a query selects, for a store that looks at each.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::document::Document;
use crate::documents::{Comparison, DocumentQuery, Filter};
use crate::error::{Error, ErrorKind, Result};

impl DocumentQuery {
    /// Whether the document is one of those that are asked for, wherever it stands.
    pub(super) fn takes(&self, document: &Document) -> Result<bool> {
        let found = self.token.as_ref().is_none_or(|(lookup, hash)| {
            document.tokens.iter().any(|token| token.lookup == *lookup && token.hash == *hash)
        });
        if !found || self.filters.is_empty() {
            return Ok(found);
        }
        let open: Value = serde_json::from_slice(&document.open)
            .map_err(|error| Error::json(ErrorKind::Corrupt, "page", "a document's open part", &error))?;
        Ok(self.filters.iter().all(|filter| filter.is_met_by(&open)))
    }
}

impl Filter {
    fn is_met_by(&self, open: &Value) -> bool {
        let Some(field) = open.pointer(&self.at) else { return false };
        let order = match (field, &self.value) {
            (Value::Number(field), Value::Number(value)) => compare(field, value),
            (Value::String(field), Value::String(value)) => Some(field.as_bytes().cmp(value.as_bytes())),
            // These have no order: they are the same, or they are not.
            (Value::Bool(_), Value::Bool(_)) | (Value::Null, Value::Null) => {
                return match self.is {
                    Comparison::Equal => *field == self.value,
                    Comparison::Unequal => *field != self.value,
                    _ => false,
                };
            }
            _ => None,
        };
        order.is_some_and(|order| match self.is {
            Comparison::Equal => order.is_eq(),
            Comparison::Unequal => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::More => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        })
    }
}

/// Compares by value: whole numbers exactly, however they are written.
fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

fn whole(number: &Number) -> Option<i128> {
    let float = || number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e30);
    number.as_i128().or_else(|| float().map(|float| float as i128))
}
