//! What is looked for.

use std::fmt;

use oubliette_core::scan::Form;

/// Shorter ones stand in other bytes by chance.
const MIN_BYTES: usize = 5;

/// Something to look for, under a name that may be told.
#[derive(Clone)]
pub struct Needle {
    pub(super) name: String,
    what: What,
}

#[derive(Clone)]
enum What {
    Text(String),
    Bytes(Vec<u8>),
}

impl Needle {
    /// A text, in every form. `name` stands for it in whatever is told of the search.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), what: What::Text(text.into()) }
    }

    /// A byte string: a nonce, a tag, a key.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), what: What::Bytes(bytes.into()) }
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.what, What::Text(_))
    }

    pub(super) fn is_too_short(&self) -> bool {
        match &self.what {
            What::Text(text) => text.len() < MIN_BYTES,
            What::Bytes(bytes) => bytes.len() < MIN_BYTES,
        }
    }

    pub(super) fn patterns(&self) -> impl Iterator<Item = (Form, Vec<u8>)> {
        let of = |form: Form| match &self.what {
            // An index of a search engine keeps lower case.
            What::Text(text) => [text.clone(), text.to_lowercase(), text.to_uppercase()]
                .iter()
                .flat_map(|it| form.of(it))
                .collect(),
            What::Bytes(bytes) => form.of_bytes(bytes),
        };
        Form::ALL.into_iter().flat_map(move |form| of(form).into_iter().map(move |pattern| (form, pattern)))
    }
}

impl fmt::Debug for Needle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Needle({})", self.name)
    }
}
