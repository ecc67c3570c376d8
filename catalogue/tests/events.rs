//! What a catalogue does with events, rule by rule.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::{CATALOGUE, Desk};
use oubliette_catalogue::Report;
use oubliette_core::{ErrorKind, EventType, Result};
use serde_json::{Value, json};

fn refused(result: Result<Value>, kind: ErrorKind, says: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let text = format!("{error} {error:?}");
    for word in says {
        assert!(text.contains(word), "{word}: {text}");
    }
    for personal in ["ada@", "adalove", "lovelace"] {
        assert!(!text.to_lowercase().contains(personal), "{text}");
    }
}

#[test]
fn a_field_belongs_to_the_subject_beside_it() {
    let mut desk = Desk::new(CATALOGUE);
    let open = desk.open(json!({"user": {"id": 7, "login": "ada", "plan": "pro"}})).unwrap();
    assert_eq!(open, json!({"user": {"id": 7, "login": "0.0:\"ghost\"", "plan": "pro"}}));
}

#[test]
fn null_and_empty_values_stay_open() {
    let event = json!({"user": {"id": 7, "login": "adalove", "bio": null, "home": ""}});
    let open = Desk::new(CATALOGUE).open(event).unwrap();
    assert_eq!(open, json!({"user": {"id": 7, "login": "0.0:\"ghost\"", "bio": null, "home": ""}}));
}

#[test]
fn an_alias_named_later_is_found_in_an_earlier_event() {
    let mut desk = Desk::new(CATALOGUE);
    desk.learn(&json!({"user": {"id": 7, "login": "adalove"}}));
    let event = json!({"url": "https://example.org/AdaLove", "q": "u%3D%61dalove", "n": "Adalovelace", "x": "lovelace"});
    assert_eq!(
        desk.open(event).unwrap(),
        json!({"url": "0.0:\"[gone]\"", "q": "0.1:\"[gone]\"", "n": "0.2:\"[gone]\"", "x": "lovelace"})
    );
}

#[test]
fn people_without_id_own_what_carries_their_identifiers() {
    let mut desk = Desk::new(CATALOGUE);
    let event = json!({
        "author": {"name": "Ada Lovelace", "email": "ada@example.org"},
        "committer": {"name": "Ada Lovelace", "email": null},
        "title": "by Ada Lovelace", "mail": "ADA@example.org", "lower": "ada lovelace"
    });
    let open = desk.open(event).unwrap();
    // Two parts: the address's, and the name's where it stands without an address.
    assert_eq!(
        open,
        json!({
            "author": {"name": "0.0", "email": "0.1"},
            "committer": {"name": "1.0", "email": null},
            "title": "1.1:\"[gone]\"", "mail": "0.2:\"[gone]\"", "lower": "ada lovelace"
        })
    );
}

#[test]
fn an_ignored_alias_is_about_nobody() {
    let mut desk = Desk::new(CATALOGUE);
    let event =
        json!({"author": {"name": null, "email": "NoReply@example.org"}, "text": "noreply@example.org"});
    assert_eq!(desk.open(event.clone()).unwrap(), event);
    desk.learn(&json!({"user": {"id": 8, "login": "adalove"}}));
    let event = json!({"author": {"name": null, "email": "noreply@example.org", "phone": "ask adalove"}});
    assert_eq!(
        desk.open(event).unwrap()["author"]["phone"],
        "0.0:\"[gone]\"",
        "others may stand in its fields"
    );
    let event = json!({"user": {"id": 7, "login": "noreply@example.org"}, "text": "noreply@example.org"});
    let open = desk.open(event).unwrap();
    assert_eq!(open["text"], "noreply@example.org");
    assert_eq!(open["user"]["login"], "0.0:\"ghost\"");
}

#[test]
fn a_copy_of_a_sealed_value_is_sealed_too() {
    let event = json!({
        "user": {"id": 7, "login": "adalove", "bio": "Wrote the first program"},
        "text": "> Wrote the first program\nreally?", "other": "Wrote"
    });
    let open = Desk::new(CATALOGUE).open(event).unwrap();
    assert_eq!(open["text"], "0.2:\"[gone]\"", "in the part of its owner");
    assert_eq!(open["other"], "Wrote");
}

#[test]
fn a_message_belongs_to_its_writer_and_to_whom_it_mentions() {
    let mut desk = Desk::new(CATALOGUE);
    desk.learn(&json!({"user": {"id": 8, "login": "babbage"}}));
    let user = json!({"id": 7, "login": "adalove"});
    let plain = desk.open(json!({"user": user, "message": {"by": 7, "text": "hello from adalove"}})).unwrap();
    assert_eq!(plain["message"]["text"], "0.1", "their own name is no mention");
    let mention = desk.open(json!({"user": user, "message": {"by": 7, "text": "hello babbage"}})).unwrap();
    assert_eq!(mention["message"]["text"], "1.0", "another ownership");
    assert_eq!(mention["user"]["login"], "0.0:\"ghost\"");
}

#[test]
fn the_first_rule_wins_value_by_value() {
    let mut desk = Desk::new(CATALOGUE);
    // An invitation has an id of its own; `guests` stands before `users`.
    let event = json!({"guest": {"id": 99, "login": "adalove", "inviter": {"id": 7, "login": "babbage"}}});
    let namings = desk.learn(&event);
    let subjects: Vec<_> = namings.iter().map(|naming| naming.subject.as_ref().map(|s| s.as_str())).collect();
    assert_eq!(subjects, [None, Some("7")]);
}

#[test]
fn what_stands_in_the_name_of_a_field_cannot_be_sealed() {
    let mut desk = Desk::new(CATALOGUE);
    desk.learn(&json!({"author": {"name": null, "email": "ada@example.org"}}));
    desk.learn(&json!({"user": {"id": 7, "login": "adalove"}}));
    let event = json!({"votes": {"ada@example.org": {"yes": 1}}});
    refused(desk.open(event), ErrorKind::Residue, &["at $.votes.*"]);
    let event = json!({"votes": {"adalove": {"yes": 1}}});
    assert_eq!(desk.open(event.clone()).unwrap(), event, "a login may be any word: such keys are structure");
}

#[test]
fn residue_is_refused_where_the_policy_says_so() {
    let policy =
        CATALOGUE.replace("policy = \"seal\"\npurpose = \"work\"\nnull = \"[gone]\"", "policy = \"refuse\"");
    let mut desk = Desk::new(&policy);
    let event = json!({"user": {"id": 7, "login": "adalove"}, "urls": ["x", "https://example.org/adalove"]});
    refused(desk.open(event), ErrorKind::Residue, &["at $.urls[*]", "declare those fields"]);
    assert!(desk.open(json!({"user": {"id": 7, "login": "adalove"}, "url": "https://example.org"})).is_ok());
}

#[test]
fn a_subject_that_is_no_id_is_refused() {
    for id in [json!(null), json!({"n": 7}), json!([7]), json!(7.5), json!(true), json!("ada@example.org")] {
        let event = json!({"user": {"id": id, "login": "adalove"}});
        refused(Desk::new(CATALOGUE).open(event), ErrorKind::Invalid, &["rule users", "at $.user.id"]);
    }
    let event = json!({"message": {"text": "hello"}});
    refused(Desk::new(CATALOGUE).open(event), ErrorKind::Invalid, &["rule messages", "at $.message"]);
}

#[test]
fn an_alias_that_is_no_text_is_refused() {
    let event = json!({"user": {"id": 7, "login": ["ada"]}});
    refused(Desk::new(CATALOGUE).open(event), ErrorKind::Invalid, &["rule users", "at $.user.login"]);
}

#[test]
fn a_field_that_nobody_owns_is_refused() {
    let event = json!({"author": {"name": "", "email": null, "phone": "5-lovelace"}});
    refused(
        Desk::new(CATALOGUE).open(event),
        ErrorKind::Invalid,
        &["rule authors", "at $.author.phone", "owner"],
    );
}

#[test]
fn an_event_is_not_drafted_before_its_aliases_have_pseudonyms() {
    let mut desk = Desk::new(CATALOGUE);
    let event = json!({"author": {"name": null, "email": "ada@example.org"}});
    refused(desk.open_unlearned(event), ErrorKind::Invalid, &["no pseudonym yet"]);
}

#[test]
fn an_address_in_the_type_of_an_event_is_refused() {
    let mut desk = Desk::new(CATALOGUE);
    desk.learn(&json!({"author": {"name": null, "email": "ada@example.org"}}));
    desk.event_type = "mail.ada@example.org".into();
    refused(desk.open(json!({})), ErrorKind::Residue, &["the type of an event"]);
}

#[test]
fn a_report_counts_by_path_and_shows_no_value() {
    let policy =
        CATALOGUE.replace("policy = \"seal\"\npurpose = \"work\"\nnull = \"[gone]\"", "policy = \"refuse\"");
    let mut desk = Desk::new(&policy);
    let event = json!({
        "user": {"id": 7, "login": "adalove"}, "url": "https://example.org/adalove",
        "contacts": [{"adalove": "ada@example.org"}, {"clone": "git@example.org:x/y"}], "ada@example.org": 1
    });
    desk.learn(&event);
    let found = desk.catalogue.survey(&EventType::new("Tested").unwrap(), &event).unwrap();
    let mut report = Report::new(&desk.catalogue);
    report.add(&desk.catalogue, &event, &found, &desk.aliases).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["residue"], json!({"$.url": 1}));
    assert_eq!(json["addresses"], json!({"$.contacts[*].*": 1}));
    assert_eq!(json["keys"], json!({"$.*": 1, "$.contacts[*].*": 1}));
    assert_eq!((json["refused"].as_u64(), json["purposes"]["work"].as_u64()), (Some(1), Some(1)));
    assert_eq!(json["rules"][1], json!({"name": "users", "events": 1, "values": 1}));
    assert!(!report.is_clean());
    let text = format!("{report}{json}");
    assert!(text.contains("guests: found nothing") && text.contains("1 events would be refused"), "{text}");
    assert!(!text.contains("adalove") && !text.contains("ada@"), "{text}");
}
