//! The people of a kit.

use oubliette_conformance::kit::Kit;

#[test]
fn people_are_others_each_time_and_stay_the_same() {
    let (one, other) = (Kit::new(), Kit::new());
    assert_eq!(one.person().name(), one.person().name());
    assert_ne!(one.person().name(), other.person().name());
    assert_ne!(one.person().name(), one.neighbour().name());
    assert_ne!(one.person().subject(), one.neighbour().subject());
    assert_eq!(one.person().number("a number"), one.person().number("a number"));
}

#[test]
fn values_have_the_shape_of_what_they_stand_for() {
    let kit = Kit::new();
    let person = kit.person();
    assert_eq!(person.name().split(' ').count(), 2);
    assert!(person.email().contains('@') && person.email().ends_with(".example"));
    let phone = person.phone();
    assert!(
        phone.strip_prefix('+').is_some_and(|digits| digits.len() == 15 && digits.parse::<u64>().is_ok())
    );
    assert!(person.address().starts_with("7 ") && person.address().contains(" Street, "));
    assert!((1 << 52..1 << 53).contains(&person.number("it")));
    assert_eq!(person.text("a note").split(' ').count(), 3);
}

#[test]
fn a_kit_tells_no_value() {
    let kit = Kit::new();
    let name = kit.person().name();
    let told = format!("{kit:?} {:?}", kit.person());
    assert!(name.split(' ').all(|word| !told.contains(word)), "{told}");
}
