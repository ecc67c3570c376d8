//! Excerpts in the book: each stands, line for line, in the file that it names.

use std::fs;

use crate::run::{Done, root};

/// What stands in the line above an excerpt, before the file's path and the end of the comment.
const MARK: &str = "<!-- excerpt of ";

pub(crate) fn run() -> Done {
    let read = |path: &str| {
        fs::read_to_string(root().join(path)).map_err(|error| format!("{path} cannot be read: {error}"))
    };
    let (mut count, mut faults) = (0, Vec::new());
    for entry in fs::read_dir(root().join("docs")).map_err(|error| error.to_string())? {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        let Some(name) = name.to_str().filter(|name| name.ends_with(".md")) else { continue };
        for excerpt in excerpts(&read(&format!("docs/{name}"))?) {
            count += 1;
            let Some((path, code)) = excerpt else {
                faults.push(format!("docs/{name}: an excerpt is a comment with a path, and code below it"));
                continue;
            };
            if !holds(&read(path)?, code) {
                let begins = code.lines().next().unwrap_or_default();
                faults.push(format!("docs/{name}: what begins with `{begins}` does not stand in {path}"));
            }
        }
    }
    if faults.is_empty() {
        eprintln!("-- {count} excerpts in the book");
        return Ok(());
    }
    Err(faults.join("\n       "))
}

/// The path and the code of each excerpt of a page; nothing for one that is not written as such.
fn excerpts(page: &str) -> Vec<Option<(&str, &str)>> {
    let one = |rest| -> Option<(&str, &str)> {
        let (path, below) = str::split_once(rest, " -->\n```")?;
        let (_, code) = below.split_once('\n')?;
        Some((path, code.split_once("\n```")?.0))
    };
    page.split(MARK).skip(1).map(one).collect()
}

/// Whether these lines stand together in a source, however far they are indented.
fn holds(source: &str, code: &str) -> bool {
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let code = lines(code);
    lines(source).windows(code.len().max(1)).any(|lines| lines == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "Text.\n\n<!-- excerpt of a/b.rs -->\n```rust,ignore\nlet a = 1;\nlet b = 2;\n```\n";

    #[test]
    fn an_excerpt_is_found_with_its_file() {
        assert_eq!(excerpts(PAGE), [Some(("a/b.rs", "let a = 1;\nlet b = 2;"))]);
        assert_eq!(excerpts("<!-- excerpt of a/b.rs -->\n\nText."), [None]);
    }

    #[test]
    fn a_source_that_has_changed_no_longer_holds_its_excerpt() {
        let code = "let a = 1;\nlet b = 2;";
        assert!(holds("fn f() {\n    let a = 1;\n    let b = 2;\n}", code));
        assert!(!holds("fn f() {\n    let a = 1;\n    let c = 3;\n    let b = 2;\n}", code));
    }
}
