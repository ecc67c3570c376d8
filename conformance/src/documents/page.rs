//! Pages: of one position, by key, and by token.

use std::sync::Arc;
use std::time::Duration;

use oubliette_core::{
    BuildId, Comparison, Document, DocumentPage, DocumentQuery, Documents, Filter, Position,
};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::sample::{
    all, begin, by_key, document, everything, forget, named, next, numbered, query, random, remove, save,
    token,
};
use crate::Fixture;
use crate::sample::{assert_same, key};

/// While commits go on, each page shows the documents of just the position it names.
pub async fn a_page_is_of_one_position<F: Fixture<dyn Documents>>(fixture: F) {
    const DOCUMENTS: u64 = 20;
    const COMMITS: u64 = 60;
    let (store, other) = (fixture.open().await, fixture.open().await);
    let build = begin(&*store, "orders").await;
    // Each commit writes its number into every document, and every second one has one more.
    let of = |n: u64| -> Vec<Document> {
        let count = if n == 0 { 0 } else { DOCUMENTS + n % 2 };
        (0..count).map(|key| numbered(format!("d-{key:02}"), n)).collect()
    };
    let extra = format!("d-{DOCUMENTS}");
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for n in 1..=COMMITS {
                let removed = if n % 2 == 0 { vec![extra.as_str()] } else { Vec::new() };
                let changes = next(&*store, build, of(n), &removed).await;
                store.commit(build, changes).await.expect("a commit that follows is taken");
                sleep(Duration::from_millis(1)).await;
            }
        })
    };
    let mut readers = JoinSet::new();
    let writing = Arc::new(writer);
    for (reader, store) in (0..6).zip([store, other].iter().cycle().cloned()) {
        let writing = Arc::clone(&writing);
        readers.spawn(async move {
            let mut last = Position::ZERO;
            loop {
                let written = writing.is_finished();
                let mut query = everything();
                if reader % 2 == 1 {
                    (query.limit, query.after) = (7, Some(named("d-12")));
                }
                let page = store.page(build, &query).await.expect("a build can be read");
                let mut expected = of(page.position.0);
                expected.retain(|document| query.after.as_ref().is_none_or(|after| document.key > *after));
                let more = expected.len() > query.limit;
                expected.truncate(query.limit);
                assert_same(&page.documents, &expected, "a page's documents are of the position it names");
                assert_eq!(page.more, more, "whether more follow is of the position, too");
                assert!(page.position >= last, "a page is never older than the one before");
                last = page.position;
                if written {
                    break last;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    let last = readers.join_all().await;
    assert!(last.iter().all(|last| *last == Position(COMMITS)), "what was committed is read");
}

/// Pages of any size, one after the other, give each document once, by key, bytewise.
pub async fn pages_follow_each_other<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let build = begin(&*store, "orders").await;
    let empty = store.page(build, &DocumentQuery::default()).await.expect("an empty build can be read");
    assert!(empty.documents.is_empty() && !empty.more, "an empty build has one empty page");
    assert_eq!(empty.position, Position::ZERO, "an empty build stands before the first event");
    let names = [
        "a", "A", "b", "B", "Z", "z", "ä", "Ä", "é", "e\u{301}", "ß", "ss", "😀", "\u{fffd}", "9", "10", "1",
        "a b", "a-b", "a_b", "a.b", "a/b", "a%b", "a%", "a'b", "a\"b", "aa", "ab", "~", "!", "中",
        "\u{e000}",
    ];
    let lookup = random();
    let tokened = |(n, name): (u64, &str)| {
        let mut document = document(name, format!("{{\"odd\":{}}}", n % 2 == 1));
        document.tokens.extend((n % 3 == 0).then(|| token("third", lookup, [key().id()])));
        document
    };
    let saved: Vec<Document> = (0..).zip(names).map(tokened).collect();
    // In two commits, so that the order of keys is not that of writing.
    save(&*store, build, saved[5..].to_vec()).await;
    save(&*store, build, saved[..5].to_vec()).await;
    let other = begin(&*store, "orders").await;
    save(&*store, other, vec![numbered("aaa", 1)]).await;

    let saved = by_key(saved);
    assert_same(&all(&*store, build).await, &saved, "documents are read by key, bytewise");
    let odd = Filter { at: "/odd".into(), is: Comparison::Equal, value: json!(true) };
    let third = ("third".to_owned(), lookup);
    for (filters, token) in [(vec![], None), (vec![odd], None), (vec![], Some(third))] {
        let mut query = everything();
        (query.filters, query.token) = (filters, token);
        let expected = self::query(&*store, build, query.clone()).await;
        assert!(expected.len() >= names.len() / 3, "a query finds what it selects");
        for limit in [1, 2, 3, 5, expected.len() - 1, expected.len(), expected.len() + 1, usize::MAX] {
            query.limit = limit;
            let pages = pages(&*store, build, query.clone(), expected.len()).await;
            let read: Vec<Document> = pages.iter().flat_map(|page| page.documents.clone()).collect();
            assert_same(&read, &expected, "small pages read as one large page");
            let short = pages.iter().rev().skip(1).any(|page| page.documents.len() != limit);
            assert!(!short, "a page that others follow is full");
            assert!(pages.iter().all(|page| page.documents.len() <= limit), "a page is no larger than asked");
            let enough = expected.len().div_ceil(limit);
            assert_eq!(pages.len(), enough, "the last page says that none follows");
        }
    }
    for after in ["!!", "a", "a%%", "zz", "\u{10ffff}"].map(named) {
        let mut query = everything();
        query.after = Some(after.clone());
        let beyond = self::query(&*store, build, query).await;
        let expected: Vec<_> = saved.iter().filter(|document| document.key > after).cloned().collect();
        assert_same(&beyond, &expected, "a page begins after the key, also when there is none such");
    }
    let mut none = everything();
    none.limit = 0;
    let page = store.page(build, &none).await.expect("a page of nothing can be read");
    assert!(page.documents.is_empty(), "a page is no larger than asked");
}

/// A token finds each document that has it, once, and no other.
pub async fn a_token_finds_its_documents<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let [build, other] = [begin(&*store, "orders").await, begin(&*store, "orders").await];
    let (ada, grace) = (key(), key());
    let (one, two) = (random(), random());
    let with = |name: &str, tokens: &[_]| {
        let mut document = document(name, "{}");
        document.tokens = tokens.to_vec();
        document
    };
    let saved = vec![
        with("a", &[token("login", one, [ada.id()])]),
        with("b", &[token("login", one, [grace.id()]), token("mail", two, [grace.id()])]),
        with("c", &[token("Login", one, [ada.id()]), token("mail", one, [ada.id()])]),
        with("d", &[token("login", two, [ada.id()])]),
        with("e", &[]),
        with("f", &[token("login", one, [ada.id()]), token("login", one, [grace.id()])]),
        with("g", &[token("login", one, [ada.id(), grace.id()])]),
    ];
    save(&*store, build, saved.clone()).await;
    save(&*store, other, vec![with("h", &[token("login", one, [grace.id()])])]).await;
    let finds = async |lookup: &str, hash, expected: &[&str]| {
        let mut by_token = everything();
        by_token.token = Some((lookup.to_owned(), hash));
        let found = query(&*store, build, by_token).await;
        let names: Vec<&str> = found.iter().map(|document| document.key.as_str()).collect();
        assert_eq!(names, expected, "a token finds the documents that have it, and no others");
    };
    finds("login", one, &["a", "b", "f", "g"]).await;
    finds("Login", one, &["c"]).await;
    finds("mail", one, &["c"]).await;
    finds("mail", two, &["b"]).await;
    finds("login", random(), &[]).await;
    finds("", one, &[]).await;
    finds("log%", one, &[]).await;

    save(&*store, build, vec![with("a", &[token("login", two, [ada.id()])])]).await;
    remove(&*store, build, &["b"]).await;
    finds("login", one, &["f", "g"]).await;
    finds("login", two, &["a", "d"]).await;
    finds("mail", two, &[]).await;
    forget(&*store, &[ada.id()]).await;
    finds("login", one, &["f"]).await;
    finds("login", two, &[]).await;
    let there: Vec<_> = all(&*store, build).await.iter().map(|document| document.key.clone()).collect();
    assert_eq!(there, ["a", "c", "d", "e", "f", "g"].map(named), "with a token no document goes");
}

/// One page after the other, to the end. More than `enough` are too many.
async fn pages(
    store: &dyn Documents,
    build: BuildId,
    mut query: DocumentQuery,
    enough: usize,
) -> Vec<DocumentPage> {
    let mut pages = Vec::new();
    loop {
        let page = store.page(build, &query).await.expect("a build can be read");
        let (more, last) = (page.more, page.documents.last().map(|document| document.key.clone()));
        pages.push(page);
        if !more {
            return pages;
        }
        assert!(pages.len() <= enough, "pages end");
        query.after = Some(last.expect("a page that others follow has documents"));
    }
}
