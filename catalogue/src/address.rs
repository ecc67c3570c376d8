//! What looks like an e-mail address.

/// Whether something like an e-mail address stands in a text.
///
/// `git@github.com:org/repo` (a remote), `https://user@host/` (a login to a host),
/// `pkg@1.0.0` (a version) and `icon@2x.png` (a resolution) are not addresses.
pub(crate) fn stands_in(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
        let local = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
        let rest = before.trim_end_matches(local);
        let host = |c: char| c.is_alphanumeric() || ".-".contains(c);
        let remains = after.trim_start_matches(host);
        let domain = after.get(..after.len() - remains.len()).unwrap_or_default().trim_end_matches('.');
        let remote =
            remains.strip_prefix(':').is_some_and(|path| path.starts_with(|c: char| !c.is_whitespace()));
        rest.len() < before.len() && !rest.ends_with("//") && !remote && is_domain(domain)
    })
}

fn is_domain(domain: &str) -> bool {
    let Some((host, top)) = domain.rsplit_once('.') else { return false };
    let resolution = host.strip_suffix('x').is_some_and(|n| n.bytes().all(|byte| byte.is_ascii_digit()));
    !host.is_empty() && !resolution && top.chars().count() >= 2 && top.chars().all(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_seen_wherever_they_stand() {
        for text in [
            "ada@example.org",
            "mail Ada <ada.l+x@mail.example.co.uk>.",
            "1+ada@users.noreply.github.com",
            "mailto:ada@example.org?subject=x",
            "ada@example.org: hello",
            "adä@exämple.org",
        ] {
            assert!(stands_in(text), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_an_address_is_none() {
        for text in [
            "git@github.com:org/repo.git",
            "ssh://git@github.com/org/repo",
            "pkg@1.0.0",
            "actions/checkout@v3",
            "icon@2x.png",
            "@mention",
            "a @ b.org",
            "ada@localhost",
        ] {
            assert!(!stands_in(text), "{text}");
        }
    }
}
