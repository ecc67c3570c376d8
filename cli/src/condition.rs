//! Conditions on open fields, as they are typed: `/orders>=2`.

use std::str::FromStr;

use oubliette::{Comparison, Filter};
use serde_json::Value;

/// A condition on an open field.
#[derive(Clone, Debug)]
pub(crate) struct Condition(pub(crate) Filter);

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The longer ones first: `>=` is no `>` followed by `=`.
        let operators = [
            ("!=", Comparison::Unequal),
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            ("=", Comparison::Equal),
            (">", Comparison::More),
            ("<", Comparison::Less),
        ];
        let first = operators.iter().filter_map(|(sign, is)| Some((text.find(sign)?, sign, *is)));
        // At one place the longer sign stands first in the list, and `min_by_key` keeps it.
        let (at, sign, is) = first.min_by_key(|(at, ..)| *at).ok_or("give FIELD=VALUE, as in /plan=free")?;
        let (field, value) = (&text[..at], &text[at + sign.len()..]);
        if !field.starts_with('/') {
            return Err("a field is a pointer that begins with `/`, as in /plan=free".to_owned());
        }
        let value = match serde_json::from_str(value) {
            Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))) => value,
            _ => Value::from(value),
        };
        Ok(Self(Filter { at: field.to_owned(), is, value }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_read_as_they_are_typed() {
        for (text, at, is, value) in [
            ("/plan=free", "/plan", Comparison::Equal, json!("free")),
            ("/plan=\"1\"", "/plan", Comparison::Equal, json!("1")),
            ("/orders>=2", "/orders", Comparison::AtLeast, json!(2)),
            ("/orders<=2", "/orders", Comparison::AtMost, json!(2)),
            ("/a/b!=a=b", "/a/b", Comparison::Unequal, json!("a=b")),
            ("/open=true", "/open", Comparison::Equal, json!(true)),
            ("/n<-1.5", "/n", Comparison::Less, json!(-1.5)),
        ] {
            let Filter { at: found, is: compared, value: with } = text.parse::<Condition>().unwrap().0;
            assert_eq!((found.as_str(), compared, with), (at, is, value), "{text}");
        }
        for text in ["plan=free", "/plan", ""] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }
}
