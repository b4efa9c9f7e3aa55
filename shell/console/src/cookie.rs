//! Cookies: what they are called, how they are set, and how they come back.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

/// A cookie of the console.
///
/// Over TLS its name begins with `__Host-`, so that no other host, path or plain connection can have set it. Plain HTTP is spoken on
/// loopback alone, where browsers take neither that prefix nor `Secure` for granted; there the port is part of the name, because
/// cookies do not know ports.
#[derive(Clone, Debug)]
pub(crate) struct Cookie {
    name: String,
    attributes: &'static str,
}

impl Cookie {
    /// What names the session: never sent where another site has led the browser here.
    pub(crate) fn session(secure: bool, port: u16) -> Self {
        let attributes =
            if secure { "Path=/; HttpOnly; Secure; SameSite=Strict" } else { "Path=/; HttpOnly; SameSite=Strict" };
        Self { name: name("penstock", secure, port), attributes }
    }

    /// What names the trip to the issuer, which leads the browser back here.
    pub(crate) fn trip(secure: bool, port: u16) -> Self {
        let attributes =
            if secure { "Path=/; HttpOnly; Secure; SameSite=Lax" } else { "Path=/; HttpOnly; SameSite=Lax" };
        Self { name: name("penstock-trip", secure, port), attributes }
    }

    /// Its value in a request, if there is exactly one.
    pub(crate) fn of<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut own = pairs.filter(|(name, _)| *name == self.name).map(|(_, value)| value);
        let value = own.next()?;
        // Two of one name: one of them was set by somebody else, and nobody knows which.
        own.next().is_none().then_some(value)
    }

    /// Sets it, until the browser is closed.
    pub(crate) fn set(&self, value: &str) -> Option<HeaderValue> {
        let mut header = HeaderValue::from_str(&format!("{}={value}; {}", self.name, self.attributes)).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// Takes it back.
    pub(crate) fn unset(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("{}=; Max-Age=0; {}", self.name, self.attributes)).ok()
    }
}

/// Entry for fuzzing: headers, one to a line. What is found is what one of them says, and no part of another cookie.
pub(crate) fn fuzz(bytes: &[u8]) {
    let values = bytes.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    let headers: HeaderMap = values.map(|value| (COOKIE, value)).collect();
    let cookie = Cookie::session(false, 9465);
    if let Some(value) = cookie.of(&headers) {
        debug_assert!(!value.contains(';'));
        let said = format!("{}={value}", cookie.name);
        debug_assert!(headers.values().any(|own| own.to_str().is_ok_and(|own| own.contains(&said))));
    }
}

fn name(stem: &str, secure: bool, port: u16) -> String {
    if secure { format!("__Host-{stem}") } else { format!("{stem}-{port}") }
}

#[cfg(test)]
mod tests {
    use super::Cookie;
    use http::HeaderMap;
    use http::header::COOKIE;

    #[test]
    fn a_cookie_comes_back_as_it_was_set_and_two_of_a_name_are_none() {
        let cookie = Cookie::session(true, 443);
        let set = cookie.set("abc").unwrap();
        assert_eq!(set.to_str().unwrap(), "__Host-penstock=abc; Path=/; HttpOnly; Secure; SameSite=Strict");
        assert!(Cookie::session(false, 9465).set("abc").unwrap().to_str().unwrap().starts_with("penstock-9465=abc;"));
        let sent = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(COOKIE, http::HeaderValue::from_static(value));
            }
            headers
        };
        assert_eq!(cookie.of(&sent(&["a=b; __Host-penstock=abc"])), Some("abc"));
        assert_eq!(cookie.of(&sent(&["a=b", "__Host-penstock=abc"])), Some("abc"));
        assert_eq!(cookie.of(&sent(&["__Host-penstock=abc; __Host-penstock=def"])), None);
        assert_eq!(cookie.of(&sent(&["__Host-penstock=abc", "__Host-penstock=abc"])), None);
        assert_eq!(cookie.of(&sent(&["x__Host-penstock=abc"])), None);
        assert_eq!(cookie.of(&HeaderMap::new()), None);
    }
}
