//! People who do not exist, and whose values stand nowhere else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::rand;
use oubliette_core::SubjectId;

use crate::search::Needle;

/// Letters of a random word: 26^10 words are enough that none is met by chance.
const LETTERS: usize = 10;
/// Shorter words of a value are the shape's own: "Street", "example".
const SHORTEST: usize = 8;

/// Somebody made up. A value that was handed out is looked for; others are not.
///
/// Values are plain: letters, digits and what belongs to their shape. The words of a value
/// are looked for one by one, so that it is found in an index of words, too.
pub struct Person {
    who: &'static str,
    subject: SubjectId,
    planted: Mutex<BTreeMap<String, Value>>,
}

/// A value that was handed out.
#[derive(Clone)]
enum Value {
    Text(String),
    Number(u64),
}

impl Person {
    pub(super) fn new(who: &'static str) -> Self {
        let subject = SubjectId::new(format!("kit-{}", word())).expect("a short name");
        Self { who, subject, planted: Mutex::default() }
    }

    /// The pseudonym to know the person by. It is not looked for: it stays.
    pub fn subject(&self) -> &SubjectId {
        &self.subject
    }

    /// A name of two words.
    pub fn name(&self) -> String {
        self.made_up("name", || format!("{} {}", title(), title()))
    }

    /// An e-mail address.
    pub fn email(&self) -> String {
        self.made_up("e-mail address", || format!("{}.{}@{}.example", word(), word(), word()))
    }

    /// A telephone number: a plus sign and fifteen digits.
    pub fn phone(&self) -> String {
        self.made_up("telephone number", || {
            format!("+{}", 100_000_000_000_000 + random() % 900_000_000_000_000)
        })
    }

    /// A postal address, on one line.
    pub fn address(&self) -> String {
        self.made_up("address", || format!("7 {} Street, {}", title(), title()))
    }

    /// A text of several words under a label of its own, for any other value.
    pub fn text(&self, label: &str) -> String {
        self.made_up(label, || format!("{} {} {}", word(), word(), word()))
    }

    /// A number of sixteen digits under a label of its own, below 2^53. It is looked for as
    /// a text and as a binary number.
    pub fn number(&self, label: &str) -> u64 {
        let fresh = || Value::Number((1 << 52) + random() % (1 << 52));
        match self.value(label, fresh) {
            Value::Number(number) => number,
            Value::Text(_) => panic!("{label} was asked for as a text before"),
        }
    }

    fn made_up(&self, label: &str, fresh: impl FnOnce() -> String) -> String {
        match self.value(label, || Value::Text(fresh())) {
            Value::Text(text) => text,
            Value::Number(_) => panic!("{label} was asked for as a number before"),
        }
    }

    fn value(&self, label: &str, fresh: impl FnOnce() -> Value) -> Value {
        let mut planted = self.planted.lock().unwrap_or_else(PoisonError::into_inner);
        planted.entry(label.to_owned()).or_insert_with(fresh).clone()
    }

    /// What shows that a value that was handed out is somewhere: one for each of its words.
    pub(super) fn needles(&self) -> Vec<Needle> {
        let planted = self.planted.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(label, value): (&String, &Value)| -> Vec<Needle> {
            let name = format!("{}'s {label}", self.who);
            match value {
                Value::Number(number) => vec![Needle::number(name, *number)],
                Value::Text(text) => {
                    let words = text.split(|letter: char| !letter.is_alphanumeric());
                    let words = words.filter(|word| word.len() >= SHORTEST).enumerate();
                    words.map(|(n, word)| Needle::text(format!("{name}, word {}", n + 1), word)).collect()
                }
            }
        };
        planted.iter().flat_map(of).collect()
    }
}

/// It tells no value.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({}, {})", self.who, self.subject)
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).expect("there is randomness");
    u64::from_le_bytes(bytes)
}

fn word() -> String {
    let mut bytes = [0; LETTERS];
    rand::fill(&mut bytes).expect("there is randomness");
    bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect()
}

/// A word with a capital.
fn title() -> String {
    let word = word();
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}
