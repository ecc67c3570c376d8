//! Aliases: named, listed, and erased with the person who goes by them.

use std::collections::HashSet;

use oubliette_core::alias::{AliasKind, AliasName, Naming};
use oubliette_core::{ErrorKind, KeyId, KeyVault, Scope, SubjectId, Target};

use crate::Fixture;
use crate::sample::{
    CONTRACT, MARKETING, assert_destroyed, assert_live, claim, erase, find, link, login, mint, refused,
    register, scope, subject,
};

/// An alias stands for one pseudonym, over spellings, claims and restarts.
pub async fn an_alias_keeps_its_pseudonym<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let name = |text: &str| AliasName::new(AliasKind::Name, text);
    let aliases = [login("Ada.L@Example.org"), login("ada-l"), name("Ada Lovelace"), login("ÉMILIE")];
    let pseudonyms = link(&*vault, &aliases).await;
    let distinct: HashSet<&SubjectId> = pseudonyms.iter().collect();
    assert_eq!(distinct.len(), 4, "each alias has a pseudonym of its own");
    let spellings = [login("ada.l@EXAMPLE.ORG"), login("ADA-L"), name("Ada Lovelace"), login("émilie")];
    let again = claim(&*vault, "ada", &spellings).await;
    assert_eq!(again, pseudonyms, "an identifier is one alias however it is spelled");
    drop(vault);
    let vault = fixture.open().await;
    let doubled = [aliases[1].clone(), spellings[0].clone(), aliases[0].clone()];
    let expected = [&pseudonyms[1], &pseudonyms[0], &pseudonyms[0]].map(Clone::clone);
    assert_eq!(
        claim(&*vault, "grace", &doubled).await,
        expected,
        "an alias keeps its pseudonym over a restart"
    );
    let others = link(&*vault, &[name("ada lovelace"), name("ada-l")]).await;
    assert!(others.iter().all(|other| !distinct.contains(other)), "a name is compared as it is written");
    let (_, elsewhere) = (vault, F::fresh().await);
    let foreign = link(&*elsewhere.open().await, &aliases).await;
    assert!(foreign.iter().all(|other| !distinct.contains(other)), "a pseudonym is drawn, not derived");
}

/// Every alias is listed with its text, its pseudonym and who claims it.
pub async fn every_alias_is_listed<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    assert!(vault.aliases().await.unwrap().is_empty(), "a new vault has no aliases");
    let [ada, grace] = ["ada", "grace"].map(login);
    let shared = login("info@example.org");
    claim(&*vault, "c-1", &[ada.clone(), shared.clone()]).await;
    claim(&*vault, "c-1", std::slice::from_ref(&ada)).await;
    claim(&*vault, "c-2", std::slice::from_ref(&shared)).await;
    let nobodys = link(&*vault, std::slice::from_ref(&grace)).await;
    for vault in [vault, fixture.open().await] {
        let listed = vault.aliases().await.expect("aliases can be listed");
        assert_eq!(listed.len(), 3, "every alias is listed, once");
        for (name, claimed_by) in [(&ada, vec!["c-1"]), (&shared, vec!["c-1", "c-2"]), (&grace, vec![])] {
            let mut same = listed.iter().filter(|alias| alias.name.folded() == name.folded());
            let alias = same.next().expect("every alias is listed, opened");
            let mut claims: Vec<&str> = alias.claimed_by.iter().map(SubjectId::as_str).collect();
            claims.sort_unstable();
            assert_eq!(claims, claimed_by, "an alias names those that claim it");
            assert!(*name != grace || alias.subject == nobodys[0], "an alias names its pseudonym");
        }
    }
}

/// The keys of a person's aliases are theirs: listed before an erasure, and after it.
pub async fn keys_of_a_person_include_those_of_their_aliases<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let own = mint(&*vault, &scope("ada", CONTRACT)).await;
    let claimed = claim(&*vault, "ada", &[login("ada")]).await.remove(0);
    let linked = link(&*vault, &[login("ada"), login("ada@example.org")]).await.remove(1);
    let stranger = claim(&*vault, "grace", &[login("grace")]).await.remove(0);
    let keys = [
        (own, None),
        (mint(&*vault, &Scope::new(claimed.clone(), CONTRACT)).await, Some(claimed)),
        (mint(&*vault, &Scope::new(linked.clone(), MARKETING)).await, Some(linked)),
    ];
    mint(&*vault, &Scope::new(stranger, CONTRACT)).await;
    let expected: HashSet<(KeyId, Option<SubjectId>)> =
        keys.iter().map(|(key, alias)| (key.id(), alias.clone())).collect();
    for dead in [false, true] {
        if dead {
            erase(&*vault, &Target::Subject(subject("ada"))).await;
        }
        let records = vault.keys_of(&subject("ada")).await.expect("a vault can be asked");
        let listed: HashSet<_> = records.iter().map(|record| (record.id, record.alias.clone())).collect();
        assert_eq!(listed, expected, "keys of a person include those of their aliases, and say so");
        assert_eq!(records.len(), keys.len(), "each key is listed once");
        let all = records.iter().all(|record| record.destroyed.is_some() == dead);
        assert!(all, "the keys of aliases are listed as dead once they are");
    }
}

/// What carries only an alias dies with whoever claims it, written before the claim or
/// after it; and the alias itself is gone from the vault.
pub async fn an_alias_dies_with_the_person_who_claims_it<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let pseudonym = link(&*vault, &[login("ada")]).await.remove(0);
    let before = mint(&*vault, &Scope::new(pseudonym.clone(), CONTRACT)).await;
    let claimed = claim(&*vault, "c-1", &[login("Ada")]).await.remove(0);
    assert_eq!(claimed, pseudonym, "an alias keeps its pseudonym when it is claimed");
    let after = mint(&*vault, &Scope::new(pseudonym.clone(), MARKETING)).await;
    let neighbour = claim(&*vault, "c-2", &[login("grace")]).await.remove(0);
    let theirs = mint(&*vault, &Scope::new(neighbour, CONTRACT)).await;

    let erasure = register(&*vault, &Target::Subject(subject("c-1"))).await;
    vault.fence(erasure.id).await.expect("a registered erasure can be fenced");
    let fenced = vault.mint(&[Scope::new(pseudonym.clone(), CONTRACT)]).await;
    refused(fenced, ErrorKind::Erased, "nothing is minted for an alias that dies with the target");
    let destroyed: HashSet<KeyId> = vault.destroy(erasure.id).await.unwrap().into_iter().collect();
    assert_eq!(destroyed, HashSet::from([before.id(), after.id()]), "an alias's keys go with who claims it");
    for vault in [&vault, &fixture.open().await] {
        let vault = &**vault;
        for key in [&before, &after] {
            assert_destroyed(
                &find(vault, key.id()).await,
                key,
                "an alias dies with the person who claims it",
            );
        }
        assert_live(&find(vault, theirs.id()).await, &theirs, "somebody else's alias lives on");
        let left = vault.aliases().await.unwrap();
        assert!(
            left.iter().all(|alias| alias.name.folded() != login("ada")),
            "an erased person's alias is gone"
        );
        let old = vault.mint(&[Scope::new(pseudonym.clone(), CONTRACT)]).await;
        refused(old, ErrorKind::Erased, "a dead alias's pseudonym stays fenced");
    }
    let anew = link(&*vault, &[login("ada")]).await.remove(0);
    assert_ne!(anew, pseudonym, "the same text is a new alias afterwards");
    mint(&*vault, &Scope::new(anew, CONTRACT)).await;
}

/// An alias whose person nobody knows can be erased alone, with what is linked to it.
pub async fn an_alias_can_be_erased_by_its_pseudonym<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let [ada, address, other] = [login("ada"), login("ada@example.org"), login("grace")];
    let pseudonyms = link(&*vault, &[ada, address]).await;
    let stranger = link(&*vault, std::slice::from_ref(&other)).await.remove(0);
    let keys =
        vault.mint(&pseudonyms.iter().map(|s| Scope::new(s.clone(), CONTRACT)).collect::<Vec<_>>()).await;
    let theirs = mint(&*vault, &Scope::new(stranger, CONTRACT)).await;
    erase(&*vault, &Target::Subject(pseudonyms[0].clone())).await;
    for key in keys.expect("a vault mints") {
        assert_destroyed(
            &find(&*vault, key.id()).await,
            &key,
            "an alias is erased by its pseudonym, with its links",
        );
    }
    assert_live(&find(&*vault, theirs.id()).await, &theirs, "other aliases live on");
    let left: Vec<AliasName> =
        vault.aliases().await.unwrap().iter().map(|alias| alias.name.folded()).collect();
    assert_eq!(left, [other], "an erased alias is gone from the vault, and only it");
}

/// One purpose takes the aliases' keys for it. The aliases and their other keys stay.
pub async fn an_erasure_of_one_purpose_leaves_the_aliases<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let pseudonym = claim(&*vault, "ada", &[login("ada")]).await.remove(0);
    let scopes = [CONTRACT, MARKETING].map(|purpose| Scope::new(pseudonym.clone(), purpose));
    let keys = vault.mint(&scopes).await.expect("a vault mints");
    let target = Target::Purpose(scope("ada", MARKETING));
    erase(&*vault, &target).await;
    for vault in [&vault, &fixture.open().await] {
        assert_live(&find(&**vault, keys[0].id()).await, &keys[0], "an alias's keys for other purposes stay");
        assert_destroyed(
            &find(&**vault, keys[1].id()).await,
            &keys[1],
            "an alias's key for the purpose goes",
        );
        let alias = claim(&**vault, "ada", &[login("ada")]).await.remove(0);
        assert_eq!(alias, pseudonym, "an erasure of one purpose leaves the aliases");
        let fenced = vault.mint(&[scopes[1].clone()]).await;
        refused(fenced, ErrorKind::Erased, "the fence for one purpose holds for the person's aliases");
        mint(&**vault, &scopes[0]).await;
    }
    vault.readmit(&target).await.expect("an erased person can be readmitted");
    let fresh = mint(&*vault, &scopes[1]).await;
    assert_ne!(fresh.id(), keys[1].id(), "a readmission holds for the person's aliases, under fresh keys");
}

/// The pseudonym of a dead alias stands for nobody any more, whoever returns: their alias is a new one.
pub async fn a_readmission_leaves_dead_aliases_fenced<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let dead = claim(&*vault, "ada", &[login("ada")]).await.remove(0);
    let target = Target::Subject(subject("ada"));
    erase(&*vault, &target).await;
    vault.readmit(&target).await.expect("an erased person can be readmitted");
    for vault in [&vault, &fixture.open().await] {
        let old = vault.mint(&[Scope::new(dead.clone(), CONTRACT)]).await;
        refused(old, ErrorKind::Erased, "a dead alias's pseudonym stays fenced when its person returns");
        let anew = claim(&**vault, "ada", &[login("ada")]).await.remove(0);
        assert_ne!(anew, dead, "who returns goes by a new alias");
        mint(&**vault, &Scope::new(anew, CONTRACT)).await;
    }
}

/// A naming with an erased person is refused, and nothing of the call is recorded.
pub async fn no_alias_is_recorded_for_an_erased_person<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let erasure = register(&*vault, &Target::Subject(subject("ada"))).await;
    vault.fence(erasure.id).await.expect("a registered erasure can be fenced");
    let naming =
        |name: &str, alias: &str| Naming { subject: Some(subject(name)), aliases: vec![login(alias)] };
    for _ in 0..2 {
        let named = vault.name(&[naming("grace", "grace"), naming("ada", "ada")]).await;
        refused(named, ErrorKind::Erased, "no alias is recorded for an erased person");
        assert!(vault.aliases().await.unwrap().is_empty(), "of a refused call nothing is recorded");
        vault.destroy(erasure.id).await.expect("a fenced erasure can be destroyed");
    }
    erase(&*vault, &Target::Purpose(scope("grace", MARKETING))).await;
    claim(&*vault, "grace", &[login("grace")]).await;
}
