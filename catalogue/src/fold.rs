//! Texts in the forms in which an alias is looked for.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// So often a text is decoded at most: a URL within a URL within a URL.
const DEPTH: usize = 3;

/// A text without regard to case, letter by letter: what stands around a letter does not
/// change it, as it does in `str::to_lowercase`.
pub(crate) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// A text as it stands, and as it reads when it is percent-encoded.
pub(crate) fn readings(text: &str) -> Vec<Cow<'_, str>> {
    let mut readings = vec![Cow::Borrowed(text)];
    if text.contains('+') {
        // A space in a form.
        readings.push(Cow::Owned(text.replace('+', " ")));
    }
    for n in 0..readings.len() {
        let mut encoded = readings.get(n).cloned().unwrap_or_default();
        for _ in 0..DEPTH {
            if !encoded.contains('%') {
                break;
            }
            let decoded = percent_decode_str(&encoded).decode_utf8_lossy().into_owned();
            if decoded == encoded {
                break;
            }
            encoded = Cow::Owned(decoded);
            readings.push(encoded.clone());
        }
    }
    readings
}

/// Whether the bytes `start..end` of a text are a word of their own.
pub(crate) fn is_word(text: &str, start: usize, end: usize) -> bool {
    let inner = |c: char| c.is_alphanumeric() || c == '_';
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let after = text.get(end..).and_then(|text| text.chars().next());
    !before.is_some_and(inner) && !after.is_some_and(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_through_encodings_of_encodings() {
        for text in ["a%40b.org", "u=x%253Da%2540b.org", "q=Ada+Lovelace%20a@b.org"] {
            assert!(readings(text).iter().any(|text| text.contains("a@b.org")));
        }
        assert!(readings("q=Ada+L%C3%B6velace").iter().any(|text| text.contains("Ada Lövelace")));
        assert_eq!(readings("100%"), ["100%"]);
    }

    #[test]
    fn case_folds_the_same_wherever_a_letter_stands() {
        assert_eq!(fold("ΟΔΥΣΣΕΥΣ"), fold("οδυσσευς"));
        assert!(fold("xΟΔΥΣΣΕΥΣx").contains(&fold("Οδυσσευς")));
    }

    #[test]
    fn a_word_ends_where_letters_do() {
        assert!(is_word("by ada, too", 3, 6));
        assert!(is_word("ada", 0, 3));
        assert!(!is_word("canada", 3, 6));
        assert!(!is_word("adaö", 0, 3));
    }
}
