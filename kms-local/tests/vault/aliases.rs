//! Aliases: who goes by them, and whose erasure takes them along.

use oubliette_core::alias::{AliasKind, AliasName, Naming};
use oubliette_core::{ErrorKind, KeyVault, SubjectId, Target};
use oubliette_kms_local::LocalVault;

use crate::{
    CONTRACT, House, MARKETING, erase, is_destroyed, is_live, mint, register, scope, subject, whole,
};

fn identifier(text: &str) -> AliasName {
    AliasName::new(AliasKind::Identifier, text)
}

async fn claim(vault: &LocalVault, subject: &SubjectId, aliases: &[&str]) -> Vec<SubjectId> {
    name(vault, Some(subject.clone()), aliases).await
}

async fn link(vault: &LocalVault, aliases: &[&str]) -> Vec<SubjectId> {
    name(vault, None, aliases).await
}

async fn name(vault: &LocalVault, subject: Option<SubjectId>, aliases: &[&str]) -> Vec<SubjectId> {
    let aliases = aliases.iter().map(|text| identifier(text)).collect();
    vault.name(&[Naming { subject, aliases }]).await.unwrap().remove(0)
}

async fn pseudonym(vault: &LocalVault, alias: &str) -> SubjectId {
    link(vault, &[alias]).await.remove(0)
}

#[tokio::test]
async fn an_identifier_is_known_in_any_case_and_a_name_is_not() {
    let (house, vault) = House::with_vault().await;
    let named = vault
        .name(&[
            Naming {
                subject: None,
                aliases: vec![identifier("Ada@Example.org"), identifier("ada@example.ORG")],
            },
            Naming {
                subject: Some(subject("c-42")),
                aliases: vec![
                    AliasName::new(AliasKind::Name, "Ada Lovelace"),
                    AliasName::new(AliasKind::Name, "ada lovelace"),
                ],
            },
            Naming { subject: Some(subject("c-42")), aliases: vec![] },
        ])
        .await
        .unwrap();
    assert_eq!(named[0][0], named[0][1]);
    assert_ne!(named[1][0], named[1][1]);
    assert!(named[2].is_empty());
    vault.close().await;
    let vault = house.open().await;
    assert_eq!(pseudonym(&vault, "ADA@EXAMPLE.ORG").await, named[0][0]);
    let mut texts: Vec<_> =
        vault.aliases().await.unwrap().iter().map(|alias| alias.name.text().to_owned()).collect();
    texts.sort();
    assert_eq!(texts, ["Ada Lovelace", "Ada@Example.org", "ada lovelace"]);
}

#[tokio::test]
async fn what_is_known_is_not_written_again() {
    let (house, vault) = House::with_vault().await;
    let known = claim(&vault, &subject("c-42"), &["ada", "ada@example.org"]).await;
    link(&vault, &["ada", "lovelace"]).await;
    // Nobody can write while this stands.
    use sqlx::{ConnectOptions, Connection};
    let mut blocking =
        sqlx::sqlite::SqliteConnectOptions::new().filename(house.file("vault.db")).connect().await.unwrap();
    let transaction = blocking.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(claim(&vault, &subject("c-42"), &["ADA", "ada@example.org"]).await, known);
    assert_eq!(link(&vault, &["lovelace", "ada"]).await[1], known[0]);
    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn an_erasure_takes_what_carries_only_the_alias_whenever_it_was_claimed() {
    for claimed_first in [true, false] {
        let (house, vault) = House::with_vault().await;
        let ada = subject("c-42");
        if claimed_first {
            claim(&vault, &ada, &["ada@example.org"]).await;
        }
        let alias = pseudonym(&vault, "ada@example.org").await;
        let key = mint(&vault, &alias, CONTRACT).await;
        if !claimed_first {
            claim(&vault, &ada, &["ada@example.org"]).await;
        }
        let erasure = register(&vault, &whole(&ada)).await;
        assert!(vault.destroy(erasure.id).await.unwrap().contains(&key.id()));
        assert!(is_destroyed(&vault, &key).await);
        vault.close().await;
        let vault = house.open().await;
        assert!(vault.aliases().await.unwrap().is_empty());
        assert_ne!(pseudonym(&vault, "ada@example.org").await, alias);
    }
}

#[tokio::test]
async fn after_the_fence_nothing_is_minted_for_what_dies_with_the_subject() {
    let (_house, vault) = House::with_vault().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let own = claim(&vault, &ada, &["ada", "office"]).await;
    claim(&vault, &bob, &["office"]).await;
    let linked = link(&vault, &["ada", "lovelace"]).await.remove(1);
    let erasure = register(&vault, &whole(&ada)).await;
    vault.fence(erasure.id).await.unwrap();
    // Linked after the fence, and yet behind it.
    let late = pseudonym(&vault, "countess").await;
    mint(&vault, &late, CONTRACT).await;
    link(&vault, &["lovelace", "countess"]).await;
    for dying in [&own[0], &linked, &late] {
        let error = vault.mint(&[scope(dying, CONTRACT)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Erased);
    }
    // An alias that lives on is minted for, until it begins anew.
    let shared = mint(&vault, &own[1], CONTRACT).await;
    let named = vault.name(&[Naming { subject: Some(ada), aliases: vec![identifier("new")] }]).await;
    assert_eq!(named.unwrap_err().kind(), ErrorKind::Erased);
    assert!(vault.aliases().await.unwrap().iter().all(|alias| alias.name.text() != "new"));
    vault.destroy(erasure.id).await.unwrap();
    assert!(is_destroyed(&vault, &shared).await);
    let texts: Vec<_> =
        vault.aliases().await.unwrap().iter().map(|alias| alias.name.text().to_owned()).collect();
    assert_eq!(texts, ["office"]);
}

#[tokio::test]
async fn a_shared_alias_dies_with_one_and_begins_anew_for_the_others() {
    let (house, vault) = House::with_vault().await;
    let [ada, bob, eve] = ["c-42", "c-43", "c-44"].map(subject);
    for subject in [&ada, &bob, &eve] {
        claim(&vault, subject, &["office"]).await;
    }
    let before = pseudonym(&vault, "office").await;
    let survivor = claim(&vault, &bob, &["bob"]).await.remove(0);
    let hers = claim(&vault, &ada, &["ada"]).await.remove(0);
    link(&vault, &["office", "bob"]).await;
    link(&vault, &["office", "ada"]).await;
    let key = mint(&vault, &before, CONTRACT).await;
    let his = mint(&vault, &survivor, CONTRACT).await;
    erase(&vault, &whole(&ada)).await;

    assert!(is_destroyed(&vault, &key).await && is_live(&vault, &his).await);
    let error = vault.mint(&[scope(&before, CONTRACT)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Erased);
    for vault in [vault.clone(), house.open().await] {
        let after = pseudonym(&vault, "office").await;
        assert_ne!(after, before);
        let aliases = vault.aliases().await.unwrap();
        let office = aliases.iter().find(|alias| alias.subject == after).unwrap();
        assert_eq!(office.claimed_by, [bob.clone(), eve.clone()]);
        assert!(aliases.iter().all(|alias| alias.subject != hers && alias.subject != before));
    }
    // The others can be erased as before, with what was written since.
    let anew = mint(&vault, &pseudonym(&vault, "office").await, CONTRACT).await;
    assert!(vault.keys_of(&eve).await.unwrap().iter().any(|record| record.id == anew.id()));
    erase(&vault, &whole(&bob)).await;
    assert!(is_destroyed(&vault, &anew).await && is_destroyed(&vault, &his).await);
    erase(&vault, &whole(&eve)).await;
    assert!(vault.aliases().await.unwrap().is_empty());
}

#[tokio::test]
async fn linked_aliases_go_along_unless_somebody_else_claims_them() {
    let (_house, vault) = House::with_vault().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    // ada - a - b - c(bob) - d: c stays, and d is not looked at.
    let a = claim(&vault, &ada, &["a"]).await.remove(0);
    let c = claim(&vault, &bob, &["c"]).await.remove(0);
    let b = link(&vault, &["a", "b"]).await.remove(1);
    link(&vault, &["b", "c"]).await;
    let d = link(&vault, &["c", "d"]).await.remove(1);
    let mut keys = Vec::new();
    for alias in [&a, &b, &c, &d] {
        keys.push(mint(&vault, alias, CONTRACT).await);
    }
    erase(&vault, &whole(&ada)).await;
    assert!(is_destroyed(&vault, &keys[0]).await && is_destroyed(&vault, &keys[1]).await);
    assert!(is_live(&vault, &keys[2]).await && is_live(&vault, &keys[3]).await);
    assert_eq!(pseudonym(&vault, "c").await, c);
    assert_eq!(pseudonym(&vault, "d").await, d);
}

#[tokio::test]
async fn an_alias_can_be_erased_by_itself() {
    let (_house, vault) = House::with_vault().await;
    let bob = subject("c-43");
    let own = mint(&vault, &bob, CONTRACT).await;
    let address = claim(&vault, &bob, &["bob@example.org"]).await.remove(0);
    let linked = link(&vault, &["bob@example.org", "Bob"]).await.remove(1);
    let keys = [mint(&vault, &address, CONTRACT).await, mint(&vault, &linked, CONTRACT).await];
    erase(&vault, &whole(&address)).await;
    for key in &keys {
        assert!(is_destroyed(&vault, key).await);
    }
    assert!(is_live(&vault, &own).await);
    assert!(vault.aliases().await.unwrap().is_empty());
    assert_ne!(pseudonym(&vault, "bob@example.org").await, address);
}

#[tokio::test]
async fn a_purpose_is_erased_under_the_aliases_too() {
    let (_house, vault) = House::with_vault().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let own = claim(&vault, &ada, &["ada", "office"]).await;
    claim(&vault, &bob, &["office"]).await;
    let mut marketing = vec![mint(&vault, &ada, MARKETING).await];
    let mut contract = vec![mint(&vault, &ada, CONTRACT).await];
    for alias in &own {
        marketing.push(mint(&vault, alias, MARKETING).await);
        contract.push(mint(&vault, alias, CONTRACT).await);
    }
    let target = Target::Purpose(scope(&ada, MARKETING));
    let erasure = register(&vault, &target).await;
    let destroyed = vault.destroy(erasure.id).await.unwrap();
    let ids = |ids: &[oubliette_core::KeyId]| ids.iter().copied().collect::<std::collections::BTreeSet<_>>();
    let expected: Vec<_> = marketing.iter().map(oubliette_core::Key::id).collect();
    assert_eq!(ids(&destroyed), ids(&expected));
    for (dead, alive) in marketing.iter().zip(&contract) {
        assert!(is_destroyed(&vault, dead).await && is_live(&vault, alive).await);
    }
    assert_eq!(pseudonym(&vault, "ada").await, own[0]);
    let error = vault.mint(&[scope(&own[0], MARKETING)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Erased);
    // The others may go on, and a repeated destroy leaves what is new.
    let anew = mint(&vault, &own[1], MARKETING).await;
    assert_eq!(vault.destroy(erasure.id).await.unwrap(), destroyed);
    assert!(is_live(&vault, &anew).await);
    vault.readmit(&target).await.unwrap();
    mint(&vault, &ada, MARKETING).await;
    mint(&vault, &own[0], MARKETING).await;
}

#[tokio::test]
async fn the_keys_of_a_subject_are_those_that_its_erasure_takes() {
    let (_house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let alias = claim(&vault, &ada, &["ada"]).await.remove(0);
    let own = mint(&vault, &ada, CONTRACT).await;
    let under_alias = mint(&vault, &alias, CONTRACT).await;
    mint(&vault, &subject("c-43"), CONTRACT).await;

    let listed = |records: &[oubliette_core::KeyRecord]| -> Vec<_> {
        records.iter().map(|record| (record.id, record.purpose.clone(), record.alias.clone())).collect()
    };
    let before = vault.keys_of(&ada).await.unwrap();
    assert!(before.iter().all(|record| record.destroyed.is_none()));
    assert_eq!(
        listed(&before),
        [(own.id(), CONTRACT, None), (under_alias.id(), CONTRACT, Some(alias.clone()))]
    );

    let erasure = register(&vault, &whole(&ada)).await;
    let destroyed = vault.destroy(erasure.id).await.unwrap();
    assert_eq!(destroyed, before.iter().map(|record| record.id).collect::<Vec<_>>());
    let after = vault.keys_of(&ada).await.unwrap();
    assert_eq!(listed(&after), listed(&before));
    assert!(after.iter().all(|record| record.destroyed.as_ref().is_some_and(|d| d.erasure == erasure.id)));
}

#[tokio::test]
async fn one_who_returns_goes_by_their_alias_again() {
    let (_house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let before = claim(&vault, &ada, &["ada"]).await.remove(0);
    erase(&vault, &whole(&ada)).await;
    vault.readmit(&whole(&ada)).await.unwrap();
    let after = claim(&vault, &ada, &["ada"]).await.remove(0);
    assert_ne!(after, before);
    mint(&vault, &after, CONTRACT).await;
    let error = vault.mint(&[scope(&before, CONTRACT)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Erased);
}
