//! A bad catalogue is refused with file, line and rule, and what would be right.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use oubliette_catalogue::{Basis, Catalogue};
use oubliette_core::ErrorKind;

const GOOD: &str = r#"name = "People"
[residue]
policy = "seal"
purpose = "contract"
[purpose.contract]
basis = "contract"
retention = "3 years"
[[rule]]
name = "accounts"
events = ["Account*"]
at = "$..[?@.login && @.id]"
subject = "$.id"
aliases = ["$.login"]
[[rule.fields]]
paths = ["$.login"]
purpose = "contract"
null = "ghost"
"#;

/// Checks that the catalogue with a part changed is refused, and how.
fn refused(from: &str, to: &str, line: usize, says: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    let error = Catalogue::parse("people.toml", &GOOD.replacen(from, to, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    assert!(text.contains("file people.toml"), "{text}");
    assert!(text.contains(&format!("line {line},")) || text.contains(&format!("line {line})")), "{text}");
    for word in says {
        assert!(text.contains(word), "{word}: {text}");
    }
    let in_rule = line >= 8;
    assert_eq!(text.contains("rule accounts"), in_rule, "{text}");
}

#[test]
fn a_good_catalogue_is_the_record_of_its_purposes() {
    let catalogue = Catalogue::parse("people.toml", GOOD).unwrap();
    assert_eq!(catalogue.name(), "People");
    let [purpose] = catalogue.purposes() else { panic!("one purpose") };
    assert_eq!((purpose.name.as_str(), purpose.basis), ("contract", Basis::Contract));
    assert_eq!(purpose.basis.article(), "GDPR Art. 6(1)(b)");
    assert_eq!(purpose.retention.get_years(), 3);
}

#[test]
fn every_basis_of_the_article_is_known() {
    for basis in Basis::ALL {
        let text = GOOD.replacen("basis = \"contract\"", &format!("basis = \"{basis}\""), 1);
        assert_eq!(Catalogue::parse("people.toml", &text).unwrap().purposes()[0].basis, basis);
    }
}

#[test]
fn an_unknown_part_is_refused() {
    refused("events =", "event =", 10, &["unknown field `event`", "`events`"]);
    refused("null =", "nul =", 17, &["unknown field `nul`", "`null`"]);
    refused("policy =", "polizy =", 3, &["unknown field `polizy`"]);
    refused("name = \"People\"", "name = \"People\"\nversion = 1", 2, &["unknown field `version`"]);
}

#[test]
fn what_is_not_toml_is_refused() {
    refused("aliases = [\"$.login\"]", "aliases = [\"$.login\"", 14, &[]);
    refused("name = \"People\"", "name = ", 1, &[]);
}

#[test]
fn a_missing_part_is_refused() {
    refused("at = \"$..[?@.login && @.id]\"\n", "", 8, &["missing field `at`"]);
    refused("basis = \"contract\"\n", "", 5, &["missing field `basis`"]);
    refused("retention = \"3 years\"\n", "", 5, &["missing field `retention`"]);
    refused("[residue]\npolicy = \"seal\"\npurpose = \"contract\"\n", "", 1, &["missing field `residue`"]);
    refused("purpose = \"contract\"\n[purpose", "[purpose", 3, &["policy \"seal\" needs a `purpose`"]);
    refused("paths = [\"$.login\"]", "paths = []", 14, &["at least one path"]);
    refused("[\"Account*\"]", "[]", 9, &["leave it out for all"]);
}

#[test]
fn an_unknown_word_is_refused() {
    refused(
        "basis = \"contract\"",
        "basis = \"because\"",
        6,
        &["consent, contract, legal-obligation", "6(1)"],
    );
    refused("\"3 years\"", "\"some time\"", 7, &["\"3 years\" or \"90 days\""]);
    refused("\"3 years\"", "\"-3 years\"", 7, &["\"3 years\" or \"90 days\""]);
    refused("\"seal\"", "\"hide\"", 3, &["\"seal\" or \"refuse\""]);
    refused("\"seal\"", "\"refuse\"", 3, &["go with policy \"seal\" only"]);
    refused("purpose = \"contract\"\nnull", "purpose = \"sales\"\nnull", 16, &["[purpose.sales]"]);
    refused("purpose = \"contract\"\n[purpose", "purpose = \"sales\"\n[purpose", 4, &["[purpose.sales]"]);
}

#[test]
fn a_bad_path_or_glob_is_refused() {
    refused("$..[?@.login && @.id]", "$..[?@.login &&", 11, &["RFC 9535", "position"]);
    refused("subject = \"$.id\"", "subject = \"id\"", 12, &["RFC 9535"]);
    refused("aliases = [\"$.login\"]", "aliases = [\"$.\"]", 13, &["RFC 9535"]);
    refused("paths = [\"$.login\"]", "paths = [\"$.a\", \"$[\"]", 15, &["RFC 9535"]);
    refused("Account*", "Account[", 10, &["glob"]);
}

#[test]
fn a_rule_without_owner_or_purpose_is_refused() {
    let ownerless = "subject = \"$.id\"\naliases = [\"$.login\"]\n";
    refused(ownerless, "", 8, &["have an owner"]);
    let empty = GOOD.find("aliases").map(|at| &GOOD[at..]).unwrap();
    refused(empty, "", 8, &["says what it finds"]);
}

#[test]
fn two_rules_of_one_name_are_refused() {
    let text = format!("{GOOD}[[rule]]\nname = \"accounts\"\nat = \"$\"\naliases = [\"$.x\"]\n");
    let text = Catalogue::parse("people.toml", &text).unwrap_err().to_string();
    assert!(
        text.contains("same name") && text.contains("line 19") && text.contains("rule accounts"),
        "{text}"
    );
}
