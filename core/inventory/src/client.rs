//! Which library a call was made with, from its `User-Agent` (RFC 9110, section 10.1.5).
//!
//! The header is a stranger's. Only what has the form of a product and a version is taken, and never a comment, which is free
//! text; a name with many digits could be a key that somebody put into the wrong header.

use plant::Client;

/// Longest name and longest version.
const LONGEST_NAME: usize = 64;
const LONGEST_VERSION: usize = 32;
/// Most digits of a name: `boto3` and `aws-sdk-v3` have one, keys and serial numbers have many.
const MOST_DIGITS: usize = 4;

/// The library that a `User-Agent` names first; `None` if it names none in that form.
///
/// `OpenAI/Python 1.52.0`, as official SDKs write it, is the library `OpenAI/Python` in version 1.52.0; `python-httpx/0.27.0` is
/// `python-httpx` in 0.27.0.
#[must_use]
pub fn client(agent: &[u8]) -> Option<Client> {
    let text = std::str::from_utf8(agent.get(..agent.len().min(256))?).ok()?;
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let first = words.next()?;
    let (name, version) = match first.split_once('/') {
        None => (first, words.next()),
        Some((name, behind)) if is_version(behind) => (name, Some(behind)),
        // A language stands where a version should.
        Some((name, behind)) if is_name(name) && is_name(behind) => (first, words.next()),
        Some((name, _)) => (name, None),
    };
    let parts = name.split('/').all(is_name) && name.len() <= LONGEST_NAME;
    let digits = name.bytes().filter(u8::is_ascii_digit).count() <= MOST_DIGITS;
    let version = version.filter(|version| is_version(version)).map(str::to_owned);
    (parts && digits).then(|| Client { name: name.to_owned(), version })
}

fn is_name(text: &str) -> bool {
    let letter = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    letter && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_version(text: &str) -> bool {
    let digit = text.trim_start_matches('v').bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
    digit && text.len() <= LONGEST_VERSION && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::client;
    use proptest::prelude::{any, proptest};

    fn read(agent: &str) -> Option<(String, Option<String>)> {
        client(agent.as_bytes()).map(|client| (client.name, client.version))
    }

    fn known(name: &str, version: &str) -> Option<(String, Option<String>)> {
        Some((name.to_owned(), Some(version.to_owned()).filter(|version| !version.is_empty())))
    }

    #[test]
    fn libraries_are_known_by_the_header_that_they_send() {
        assert_eq!(read("OpenAI/Python 1.52.0"), known("OpenAI/Python", "1.52.0"));
        assert_eq!(read("AsyncAnthropic/Python 0.39.0"), known("AsyncAnthropic/Python", "0.39.0"));
        assert_eq!(read("OpenAI/JS 6.1.0"), known("OpenAI/JS", "6.1.0"));
        assert_eq!(read("python-httpx/0.27.0"), known("python-httpx", "0.27.0"));
        assert_eq!(read("Boto3/1.35.0 md/Botocore#1.35.0 ua/2.0"), known("Boto3", "1.35.0"));
        assert_eq!(read("ollama-python/0.4.7 (x86_64 linux) Python/3.12"), known("ollama-python", "0.4.7"));
        assert_eq!(read("Java-http-client/21.0.4"), known("Java-http-client", "21.0.4"));
        assert_eq!(read("node"), known("node", ""));
    }

    #[test]
    fn free_text_and_what_could_be_a_key_is_nobody() {
        for agent in [
            "",
            " ",
            "(Ada's laptop) curl/8",
            "<script>alert(1)</script>",
            "=HYPERLINK(\"http://x\")",
            "sk-proj-4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c",
            "4111111111111111",
            "a\u{202e}b/1.0",
            "/1.0",
        ] {
            assert_eq!(read(agent), None, "{agent}");
        }
        assert_eq!(read("curl/secret words behind"), known("curl/secret", ""), "a second name without a version");
        assert_eq!(read("curl/8.5.0 (my password is x)"), known("curl", "8.5.0"));
    }

    proptest! {
        #[test]
        fn whatever_comes_stays_within_its_alphabet(agent in any::<Vec<u8>>()) {
            if let Some(client) = client(&agent) {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+/".contains(&byte);
                assert!(client.name.len() <= 64 && client.name.bytes().all(plain));
                assert!(client.version.is_none_or(|one| one.len() <= 32 && one.bytes().all(plain)));
            }
        }
    }
}
