//! The pages: files of `web/` within the binary, and what browsers are told about them.
//!
//! They are the same for everybody and hold nothing of the plant; what they show, they ask the API for.

use crate::problem::{Reply, with};
use crate::session::hex;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY};
use http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderMap, StatusCode};

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const DRAWING: &str = "image/svg+xml";
const PAGE: &str = "text/html; charset=utf-8";

/// Scripts, styles and connections from here alone, nothing inline, no frame around it, and no text that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";
/// What is no page shows nothing, and nothing shows it.
const NO_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

const FRONT: &str = include_str!("../../../web/index.html");
/// Where the front page names the folder of the files.
const FOLDER: &str = "{{files}}";

macro_rules! files {
    ($($name:literal $kind:ident,)*) => {
        [$(($name, $kind, include_bytes!(concat!("../../../web/", $name))),)*]
    };
}

static FILES: [(&str, &str, &[u8]); 27] = files![
    "address.js" SCRIPT,
    "app.js" SCRIPT,
    "components.js" SCRIPT,
    "day.js" SCRIPT,
    "draw.js" SCRIPT,
    "format.js" SCRIPT,
    "holds.js" SCRIPT,
    "icon.svg" DRAWING,
    "isolate.js" SCRIPT,
    "live.js" SCRIPT,
    "map.js" SCRIPT,
    "now.js" SCRIPT,
    "oversight.js" SCRIPT,
    "paths.js" SCRIPT,
    "plant.js" SCRIPT,
    "proof.js" SCRIPT,
    "records.js" SCRIPT,
    "register.js" SCRIPT,
    "server.js" SCRIPT,
    "session.js" SCRIPT,
    "settings.js" SCRIPT,
    "style.css" STYLE,
    "texts.js" SCRIPT,
    "theme.js" SCRIPT,
    // Not ours: the charts, MIT, as they come from npm.
    "uplot.LICENSE" TEXT,
    "uplot.css" STYLE,
    "uplot.js" SCRIPT,
];

/// The pages of this version.
pub(crate) struct Pages {
    /// Of all files: another version has another folder, so that what is in it may be kept for ever.
    version: String,
    front: Bytes,
    tag: String,
}

impl Pages {
    pub(crate) fn new(digest: impl Fn(&[u8]) -> [u8; 32]) -> Self {
        let all: Vec<u8> =
            FILES.iter().flat_map(|(name, _, bytes)| [name.as_bytes(), b"\0", *bytes].concat()).collect();
        let short = |bytes: &[u8]| hex(digest(bytes).get(..8).unwrap_or_default());
        let version = short(&all);
        let front = FRONT.replace(FOLDER, &format!("/files/{version}"));
        Self { tag: format!("\"{}\"", short(front.as_bytes())), front: front.into(), version }
    }

    /// The page or file at a path.
    pub(crate) fn find(&self, path: &str, headers: &HeaderMap) -> Option<Reply> {
        if path == "/" {
            return Some(self.front(headers));
        }
        let (version, name) = path.strip_prefix("/files/")?.split_once('/')?;
        let (_, kind, bytes) = FILES.iter().find(|(known, ..)| *known == name).filter(|_| version == self.version)?;
        let mut reply = with(StatusCode::OK, kind, Bytes::from_static(bytes));
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        reply.headers_mut().insert(CACHE_CONTROL, forever);
        Some(reply)
    }

    fn front(&self, headers: &HeaderMap) -> Reply {
        let known = headers.get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == self.tag.as_bytes());
        let mut reply = if known {
            with(StatusCode::NOT_MODIFIED, PAGE, Bytes::new())
        } else {
            with(StatusCode::OK, PAGE, self.front.clone())
        };
        let own = reply.headers_mut();
        own.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        own.extend(HeaderValue::from_str(&self.tag).ok().map(|tag| (ETAG, tag)));
        reply
    }
}

/// Tells a browser what no answer of the console is good for.
pub(crate) fn harden(reply: &mut Reply) {
    let page = reply.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let policy = if page { POLICY } else { NO_POLICY };
    let said = [
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ];
    reply.headers_mut().extend(said.map(|(name, value)| (name, HeaderValue::from_static(value))));
}

#[cfg(test)]
mod tests {
    use super::{FILES, FRONT, Pages};
    use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
    use http::{HeaderMap, StatusCode};
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_the_folder_is_served_and_all_of_them_are_small() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../web")).unwrap();
        let there: BTreeSet<String> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        let served = FILES.iter().map(|(name, ..)| (*name).to_owned()).chain(["index.html".to_owned()]);
        assert_eq!(there, served.collect());
        let bytes: usize = FILES.iter().map(|(.., bytes)| bytes.len()).sum::<usize>() + FRONT.len();
        assert!(bytes < 300 << 10, "{bytes}");
    }

    #[test]
    fn a_file_is_kept_for_ever_under_the_hash_of_its_version_and_the_front_is_asked_for_anew() {
        let (pages, mut headers) =
            (Pages::new(|bytes| [u8::try_from(bytes.len() % 251).unwrap(); 32]), HeaderMap::new());
        let path = format!("/files/{}/app.js", pages.version);
        let file = pages.find(&path, &headers).unwrap();
        assert!(file.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        for path in
            ["/files/0/app.js", "/files/app.js", "/files//app.js", "/../app.js", "/index.html", &format!("{path}/")]
        {
            assert!(pages.find(path, &headers).is_none(), "{path}");
        }
        let front = pages.find("/", &headers).unwrap();
        assert_eq!((front.status(), &front.headers()[CACHE_CONTROL]), (StatusCode::OK, &"no-cache".parse().unwrap()));
        headers.insert(IF_NONE_MATCH, front.headers()[ETAG].clone());
        assert_eq!(pages.find("/", &headers).unwrap().status(), StatusCode::NOT_MODIFIED);
    }
}
