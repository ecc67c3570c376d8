//! What is looked for.

use std::fmt;

use oubliette_core::scan::Form;

/// Shorter ones stand in other bytes by chance.
const MIN_BYTES: usize = 5;

/// Something to look for, under a name that may be told.
#[derive(Clone)]
pub struct Needle {
    pub(super) name: String,
    what: Vec<What>,
}

#[derive(Clone)]
enum What {
    Text(String),
    Bytes(Vec<u8>),
}

impl Needle {
    /// A text, in every form. `name` stands for it in whatever is told of the search.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), what: vec![What::Text(text.into())] }
    }

    /// A byte string: a nonce, a tag, a key.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), what: vec![What::Bytes(bytes.into())] }
    }

    /// A number, below 2^53: as a text, and as bytes in either order.
    pub fn number(name: impl Into<String>, number: u64) -> Self {
        let bytes = number.to_be_bytes();
        let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
        let turned = bytes.iter().rev().copied().collect();
        let what = vec![What::Text(number.to_string()), What::Bytes(bytes), What::Bytes(turned)];
        Self { name: name.into(), what }
    }

    /// The same under another name.
    #[must_use]
    pub fn called(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The name that stands for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_text(&self) -> bool {
        self.what.iter().any(|what| matches!(what, What::Text(_)))
    }

    pub(super) fn is_too_short(&self) -> bool {
        self.what.iter().any(|what| match what {
            What::Text(text) => text.len() < MIN_BYTES,
            What::Bytes(bytes) => bytes.len() < MIN_BYTES,
        })
    }

    pub(super) fn patterns(&self) -> impl Iterator<Item = (Form, Vec<u8>)> {
        let of = |form: Form, what: &What| -> Vec<_> {
            match what {
                // An index of a search engine keeps lower case.
                What::Text(text) => [text.clone(), text.to_lowercase(), text.to_uppercase()]
                    .iter()
                    .flat_map(|text| form.of(text))
                    .collect(),
                What::Bytes(bytes) => form.of_bytes(bytes),
            }
        };
        let forms = Form::ALL.into_iter().flat_map(|form| self.what.iter().map(move |what| (form, what)));
        forms.flat_map(move |(form, what)| of(form, what).into_iter().map(move |pattern| (form, pattern)))
    }
}

impl fmt::Debug for Needle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Needle({})", self.name)
    }
}
