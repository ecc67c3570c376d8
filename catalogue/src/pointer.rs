//! Where values stand: RFC 6901 pointers, and how they are shown.

use serde_json::Value;

/// What a walk meets.
pub(crate) enum Met<'a> {
    /// The name of a field, at the pointer of its object.
    Key(&'a str),
    /// A string.
    Text(&'a str),
}

/// Visits every key and string below a value, but for what stands where `skip` says.
pub(crate) fn walk<'a>(
    value: &'a Value,
    pointer: &mut String,
    skip: &dyn Fn(&str) -> bool,
    visit: &mut dyn FnMut(&str, Met<'a>),
) {
    if skip(pointer) {
        return;
    }
    let len = pointer.len();
    match value {
        Value::String(text) => visit(pointer, Met::Text(text)),
        Value::Array(values) => {
            for (n, value) in values.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&n.to_string());
                walk(value, pointer, skip, visit);
                pointer.truncate(len);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                visit(pointer, Met::Key(key));
                push_key(pointer, key);
                walk(value, pointer, skip, visit);
                pointer.truncate(len);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Appends a key.
pub(crate) fn push_key(pointer: &mut String, key: &str) {
    pointer.push('/');
    for c in key.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// The pointers of everything that a value stands in, outermost first, and its own.
pub(crate) fn and_above(pointer: &str) -> impl Iterator<Item = &str> {
    let ends = pointer.match_indices('/').map(|(at, _)| at).chain([pointer.len()]);
    ends.filter_map(|end| pointer.get(..end))
}

/// A pointer as a pattern to show: `$.commits[*].author`.
///
/// A key that does not look like a field's name, or that `hide` knows, may be personal
/// data, and is shown as `*`.
pub(crate) fn pattern(pointer: &str, hide: &dyn Fn(&str) -> bool) -> String {
    let mut pattern = "$".to_owned();
    for key in pointer.split('/').skip(1) {
        if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) {
            pattern.push_str("[*]");
            continue;
        }
        pattern.push('.');
        pattern.push_str(if is_name(key) && !hide(key) { key } else { "*" });
    }
    pattern
}

fn is_name(key: &str) -> bool {
    let first =
        key.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'));
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$');
    first && key.len() <= 64 && key.bytes().all(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_shows_no_key_that_may_be_personal() {
        let shown = pattern("/users/ada@example.org/3/e-mail/lovelace", &|key| key == "lovelace");
        assert_eq!(shown, "$.users.*[*].e-mail.*");
    }

    #[test]
    fn everything_above_a_value_is_found() {
        assert_eq!(and_above("/a/b").collect::<Vec<_>>(), ["", "/a", "/a/b"]);
        assert_eq!(and_above("").collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn a_walk_gives_pointers_that_lead_back() {
        let json = serde_json::json!({"a/b": {"~": ["x", 1, "y"]}, "c": "z", "skipped": "w"});
        let mut seen = Vec::new();
        walk(&json, &mut String::new(), &|at| at == "/skipped", &mut |at, met| {
            if let Met::Text(text) = met {
                assert_eq!(json.pointer(at).and_then(Value::as_str), Some(text));
                seen.push(text);
            }
        });
        assert_eq!(seen, ["x", "y", "z"]);
    }
}
