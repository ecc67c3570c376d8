//! Scanning bytes for text that must not be there, in the forms in which stores keep it.

use std::fmt::Write as _;

use aho_corasick::AhoCorasick;

use crate::error::{Error, ErrorKind, Result};

/// The forms in which a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// As it is: a text in UTF-8, bytes as they are.
    Utf8,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
    /// As JSON escapes it, all beyond ASCII as `\uXXXX`.
    JsonEscaped,
    /// Percent-encoded, all but letters, digits and `-._~`.
    UrlEncoded,
    /// Hexadecimal, lower or upper case.
    Hex,
    /// Base64, standard or URL-safe, at any of the three alignments.
    Base64,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Utf8,
        Self::Utf16Le,
        Self::Utf16Be,
        Self::JsonEscaped,
        Self::UrlEncoded,
        Self::Hex,
        Self::Base64,
    ];

    /// The byte strings that show that `text` stands there in this form.
    pub fn of(self, text: &str) -> Vec<Vec<u8>> {
        match self {
            Self::Utf8 | Self::Hex | Self::Base64 => self.of_bytes(text.as_bytes()),
            Self::Utf16Le => vec![text.encode_utf16().flat_map(u16::to_le_bytes).collect()],
            Self::Utf16Be => vec![text.encode_utf16().flat_map(u16::to_be_bytes).collect()],
            Self::JsonEscaped => vec![json_escaped(text).into_bytes()],
            Self::UrlEncoded => vec![url_encoded(text).into_bytes()],
        }
    }

    /// The byte strings that show that bytes which are no text stand there in this form:
    /// as they are, in hexadecimal or in base64. None for the forms of texts alone.
    pub fn of_bytes(self, bytes: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Utf8 => vec![bytes.to_vec()],
            Self::Hex => vec![hex::encode(bytes).into_bytes(), hex::encode_upper(bytes).into_bytes()],
            Self::Base64 => (0..3).flat_map(|offset| base64(bytes, offset)).collect(),
            Self::Utf16Le | Self::Utf16Be | Self::JsonEscaped | Self::UrlEncoded => Vec::new(),
        }
    }
}

fn json_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'"') => escaped.push_str("\\\""),
            Ok(b'\\') => escaped.push_str("\\\\"),
            Ok(byte @ b' '..=b'~') => escaped.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => _ = write!(escaped, "\\u{unit:04x}"),
        }
    }
    escaped
}

fn url_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => _ = write!(encoded, "%{byte:02X}"),
        }
    }
    encoded
}

/// The characters of base64 that depend on `text` alone when it begins `offset` bytes
/// into a group of three, whatever stands around it. None for a text too short for it.
fn base64(text: &[u8], offset: usize) -> Vec<Vec<u8>> {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<bool> =
        text.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    // Whole characters begin at multiples of six bits from the start of the group.
    let skip = (6 - offset * 8 % 6) % 6;
    let characters: Vec<u8> = bits
        .get(skip..)
        .unwrap_or_default()
        .chunks_exact(6)
        .filter_map(|six| {
            STANDARD.get(six.iter().fold(0, |number, bit| number << 1 | usize::from(*bit))).copied()
        })
        .collect();
    let url_safe = characters
        .iter()
        .map(|character| match character {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        })
        .collect();
    match characters.len() {
        // A shorter run stands in other base64 by chance.
        0..4 => Vec::new(),
        _ if characters == url_safe => vec![characters],
        _ => vec![characters, url_safe],
    }
}

/// Texts to look for, in every form.
#[derive(Debug)]
pub struct Needles {
    search: AhoCorasick,
    /// Which text, and in which form, each pattern stands for.
    patterns: Vec<(usize, Form)>,
}

/// A text that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The number of the text, as given.
    pub needle: usize,
    /// The form in which it stood there.
    pub form: Form,
    /// Where, in bytes.
    pub offset: usize,
}

impl Needles {
    /// Prepares to look for texts in every [`Form`].
    ///
    /// # Errors
    /// `LimitExceeded` when the texts are too many to look for at once.
    pub fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self> {
        Self::of_patterns(texts.into_iter().enumerate().flat_map(|(needle, text)| {
            Form::ALL
                .into_iter()
                .flat_map(move |form| {
                    form.of(text.as_ref()).into_iter().map(move |pattern| (needle, form, pattern))
                })
                .collect::<Vec<_>>()
        }))
    }

    /// Prepares to look for byte strings, each of which shows that the needle of this number
    /// stands there in this form. The patterns of one needle follow each other.
    ///
    /// # Errors
    /// `LimitExceeded` when they are too many to look for at once.
    pub fn of_patterns(all: impl IntoIterator<Item = (usize, Form, Vec<u8>)>) -> Result<Self> {
        let (mut bytes, mut patterns) = (Vec::new(), Vec::<(usize, Form)>::new());
        let (mut current, mut first) = (None, 0);
        for (needle, form, pattern) in all {
            if current != Some(needle) {
                (current, first) = (Some(needle), bytes.len());
            }
            // Plain text is the same in several forms: it counts once, in the first.
            if !pattern.is_empty() && !bytes.iter().skip(first).any(|known| *known == pattern) {
                bytes.push(pattern);
                patterns.push((needle, form));
            }
        }
        let search = AhoCorasick::new(bytes).map_err(|_| {
            Error::new(ErrorKind::LimitExceeded, "scan", "too many texts to look for at once")
        })?;
        Ok(Self { search, patterns })
    }

    /// Every place in `bytes` where one of the texts stands, in any form.
    pub fn hits<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Hit> + 'a {
        self.search.find_overlapping_iter(bytes).filter_map(|found| {
            let (needle, form) = *self.patterns.get(found.pattern().as_usize())?;
            Some(Hit { needle, form, offset: found.start() })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forms_found(text: &str, bytes: &[u8]) -> Vec<Form> {
        let mut forms: Vec<_> = Needles::new([text]).unwrap().hits(bytes).map(|hit| hit.form).collect();
        forms.sort();
        forms.dedup();
        forms
    }

    #[test]
    fn known_encodings_are_found() {
        // Encoded by other tools: base64(1), xxd(1), iconv(1), python's json and urllib.
        let planted: [(&[u8], Form); 7] = [
            ("Zoë <zoe@x.org>".as_bytes(), Form::Utf8),
            (b"Z\0o\0\xeb\0 \0<\0z\0o\0e\0@\0x\0.\0o\0r\0g\0>\0", Form::Utf16Le),
            (b"\0Z\0o\0\xeb\0 \0<\0z\0o\0e\0@\0x\0.\0o\0r\0g\0>", Form::Utf16Be),
            (b"Zo\\u00eb <zoe@x.org>", Form::JsonEscaped),
            (b"Zo%C3%AB%20%3Czoe%40x.org%3E", Form::UrlEncoded),
            (b"5a6fc3ab203c7a6f6540782e6f72673e", Form::Hex),
            (b"Wm/DqyA8em9lQHgub3JnPg==", Form::Base64),
        ];
        for (bytes, form) in planted {
            assert!(forms_found("Zoë <zoe@x.org>", bytes).contains(&form), "{form:?}");
        }
    }

    #[test]
    fn bytes_are_found_as_they_are_in_hex_and_in_base64() {
        let key = [0xfb, 0xff, 0x00, 0x7e, 0x3e, 0x99];
        let patterns = Form::ALL
            .into_iter()
            .flat_map(|form| form.of_bytes(&key).into_iter().map(move |pattern| (7, form, pattern)));
        let needles = Needles::of_patterns(patterns).unwrap();
        let planted: [(&[u8], Form); 5] = [
            (&key, Form::Utf8),
            (b"fbff007e3e99", Form::Hex),
            (b"FBFF007E3E99", Form::Hex),
            (b"+/8Afj6Z", Form::Base64),
            (b"-_8Afj6Z", Form::Base64),
        ];
        for (bytes, form) in planted {
            let hits: Vec<_> = needles.hits(bytes).collect();
            assert_eq!(hits, [Hit { needle: 7, form, offset: 0 }], "{form:?}");
        }
        assert_eq!(needles.hits(b"fbff007e3e98").next(), None);
    }

    proptest! {
        #[test]
        fn a_text_is_found_in_base64_wherever_it_begins(
            before in proptest::collection::vec(any::<u8>(), 0..7), text in "[a-zA-Z@. ]{6,30}", after: Vec<u8>
        ) {
            let all = [before.as_slice(), text.as_bytes(), after.as_slice()].concat();
            let encoded = encode(&all);
            prop_assert!(forms_found(&text, encoded.as_bytes()).contains(&Form::Base64));
        }

        #[test]
        fn what_does_not_stand_there_is_not_found(bytes in "[a-z]{0,200}") {
            prop_assert_eq!(forms_found("Canary-7", bytes.as_bytes()), vec![]);
        }
    }

    /// Plain base64, to check against.
    fn encode(bytes: &[u8]) -> String {
        let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
        bytes
            .chunks(3)
            .flat_map(|three| {
                let number =
                    three.iter().chain([&0; 2]).take(3).fold(0, |n, byte| n << 8 | usize::from(*byte));
                [18, 12, 6, 0].map(|shift| alphabet[number >> shift & 63])
            })
            .collect()
    }
}
