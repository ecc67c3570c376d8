//! Tests that cannot fail: a `matches!` whose answer nobody looks at, and tests that are ignored.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The offences in a file, each with its line.
pub(crate) fn offences(text: &str) -> Vec<String> {
    let tokens = text.parse::<TokenStream>().expect("a file of the workspace is Rust");
    let mut offences = Vec::new();
    look(tokens, &mut offences);
    offences
}

fn look(tokens: TokenStream, offences: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut begins = true;
    for (at, token) in tokens.iter().enumerate() {
        let rest = tokens.get(at..).unwrap_or_default();
        let line = token.span().start().line;
        if begins && is_bare_matches(rest) {
            offences.push(format!("line {line}: nobody looks at what `matches!` says"));
        }
        if is_ignored(rest) {
            offences.push(format!("line {line}: a test is ignored"));
        }
        begins = match token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        };
        if let TokenTree::Group(group) = token {
            look(group.stream(), offences);
        }
    }
}

/// `matches!(...);`, by whatever path, at the beginning of a statement.
fn is_bare_matches(rest: &[TokenTree]) -> bool {
    let is = |token: &TokenTree, c| matches!(token, TokenTree::Punct(punct) if punct.as_char() == c);
    let path = rest.iter().take_while(|token| matches!(token, TokenTree::Ident(_)) || is(token, ':')).count();
    let (path, rest) = rest.split_at(path);
    let named = path.last().is_some_and(|name| name.to_string() == "matches");
    let called = match rest {
        [bang, TokenTree::Group(_), end, ..] => is(bang, '!') && is(end, ';'),
        _ => false,
    };
    named && called
}

/// `#[ignore]`, with a reason or without, also behind a condition.
fn is_ignored(rest: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = rest else { return false };
    let ignores = |stream: TokenStream| stream.into_iter().any(|token| token.to_string() == "ignore");
    let conditional = attribute.stream().into_iter().any(|token| match token {
        TokenTree::Group(group) => ignores(group.stream()),
        _ => false,
    });
    let mut tokens = attribute.stream().into_iter();
    let name = tokens.next().map(|token| token.to_string()).unwrap_or_default();
    let ignored = name == "ignore" || (name == "cfg_attr" && conditional);
    hash.as_char() == '#' && attribute.delimiter() == Delimiter::Bracket && ignored
}

#[test]
fn a_bare_matches_is_an_offence_wherever_it_stands() {
    let planted = "
        fn test() {
            matches!(1, 1);
            if true { } core::matches!(2, 2);
            proptest! { fn within(a in b) { matches!(a, 1); } }
        }
    ";
    let lines: Vec<String> =
        [3, 4, 5].map(|line| format!("line {line}: nobody looks at what `matches!` says")).to_vec();
    assert_eq!(offences(planted), lines);
}

#[test]
fn a_matches_that_is_looked_at_is_no_offence() {
    let fine = "
        /// `matches!(1, 1);` in words.
        fn test() -> bool {
            assert!(matches!(1, 1));
            let is = matches!(1, 1);
            \"matches!(1, 1);\";
            matches!(1, 1)
        }
    ";
    assert_eq!(offences(fine), Vec::<String>::new());
}

#[test]
fn an_ignored_test_is_an_offence() {
    let planted = "
        #[ignore]
        #[test] #[ignore = \"slow\"]
        #[cfg_attr(unix, ignore)]
        #[allow(clippy::ignore)]
        /// #[ignore]
        fn test() { }
    ";
    let lines: Vec<String> = [2, 3, 4].map(|line| format!("line {line}: a test is ignored")).to_vec();
    assert_eq!(offences(planted), lines);
}
