//! What stores of documents have in common: how they write tokens and key ids as bytes, what
//! they find documents by, and how a pointer leads into an open part.
//!
//! For who writes a store of [`Documents`](crate::Documents). Nobody has to use it.

mod pointer;
mod token;
mod words;

pub use self::pointer::{is_place, steps};
pub use self::token::{decode_keys, decode_tokens, encode_keys, encode_tokens};
pub use self::words::{Word, owners_of, word_of_token, words_of};
