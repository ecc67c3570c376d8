//! RFC 6901 pointers, for stores that look into open parts.

/// The steps of a pointer, without their escapes. `None` for a text that is no pointer.
pub fn steps(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let steps = pointer.strip_prefix('/')?.split('/');
    Some(steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}

/// Whether a step can be a place in a list. It can be the name of a field all the same.
pub fn is_place(step: &str) -> bool {
    let digits = step.bytes().all(|byte| byte.is_ascii_digit());
    digits && step.parse::<u32>().is_ok() && (step == "0" || !step.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_has_steps_and_a_text_has_none() {
        assert_eq!(steps("").unwrap(), Vec::<String>::new());
        assert_eq!(steps("/").unwrap(), [""]);
        assert_eq!(steps("/a~1b/~01/0").unwrap(), ["a/b", "~1", "0"]);
        assert_eq!(steps("plan"), None);
    }

    #[test]
    fn a_place_in_a_list_is_a_number_as_json_writes_it() {
        for place in ["0", "7", "10", "4294967295"] {
            assert!(is_place(place), "{place}");
        }
        for name in ["", "-", "-1", "+1", "00", "01", " 1", "1 ", "1.0", "4294967296", "a"] {
            assert!(!is_place(name), "{name}");
        }
    }
}
