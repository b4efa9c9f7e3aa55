//! PKCS #11 URIs (RFC 7512): which key of which device signs, and where the device's PIN is.
//!
//! ```text
//! pkcs11:token=plant;object=gateway?module-path=/usr/lib/libhsm.so&pin-source=file:keys/hsm.pin
//! ```
//!
//! Stricter than the RFC, for a URI that names the wrong key is found out late: an attribute that we do not know is an
//! error, not something to pass over; token, key, module and PIN file must be named; and `pin-value` is refused, for the
//! files that such URIs stand in are read by many.

use std::fmt;

/// Longest URI, in bytes: three labels of PKCS #11, and two paths.
const LIMIT: usize = 2048;

/// A key in a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uri {
    /// The token's label.
    pub token: Option<String>,
    /// The token's serial number.
    pub serial: Option<String>,
    /// Who made the token.
    pub manufacturer: Option<String>,
    /// The token's model.
    pub model: Option<String>,
    /// The key's label (`CKA_LABEL`).
    pub object: Option<String>,
    /// The key's identity (`CKA_ID`).
    pub id: Option<Vec<u8>>,
    /// The library that speaks to the device: an absolute path.
    pub module: String,
    /// The file that holds the PIN.
    pub pin: String,
}

/// Why a text is no URI of a key. The messages follow "it".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// More than 2,048 bytes.
    #[error("is longer than {LIMIT} bytes")]
    TooLong,
    /// Another scheme.
    #[error("does not begin with `pkcs11:`")]
    Scheme,
    /// An attribute without `=`.
    #[error("has an attribute that is not `name=value`")]
    Form,
    /// A character that stands for itself nowhere in a value.
    #[error("has a character in `{0}` that must be written as `%` and two digits")]
    Character(&'static str),
    /// A `%` without two hexadecimal digits.
    #[error("has a `%` in `{0}` that two hexadecimal digits do not follow")]
    Escape(&'static str),
    /// Bytes that are not UTF-8, or a zero.
    #[error("has bytes in `{0}` that are no text")]
    NotText(&'static str),
    /// An attribute without a value.
    #[error("says nothing in `{0}`")]
    Empty(&'static str),
    /// An attribute that is there twice.
    #[error("says `{0}` twice")]
    Twice(&'static str),
    /// An attribute that is not understood here.
    #[error("has an attribute that is not understood")]
    Unknown,
    /// A PIN in clear.
    #[error("holds a PIN: `pin-value` is refused")]
    PinValue,
    /// Another class of objects than private keys.
    #[error("has another `type` than `private`")]
    Type,
    /// No token is named.
    #[error("names no token: neither `token` nor `serial`")]
    NoToken,
    /// No key is named.
    #[error("names no key: neither `object` nor `id`")]
    NoKey,
    /// The module is not named, or by a path that depends on where one stands.
    #[error("has no `module-path` that begins with `/`")]
    Module,
    /// The PIN is not in a file.
    #[error("has no `pin-source` of the form `file:PATH`")]
    PinSource,
}

/// Before the question mark, and after it (RFC 7512, section 2.3).
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Path,
    Query,
}

const TYPE: &str = "type";
const MODULE: &str = "module-path";
const PIN: &str = "pin-source";
const NAMES: [(&str, Part); 9] = [
    ("token", Part::Path),
    ("serial", Part::Path),
    ("manufacturer", Part::Path),
    ("model", Part::Path),
    ("object", Part::Path),
    ("id", Part::Path),
    (TYPE, Part::Path),
    (MODULE, Part::Query),
    (PIN, Part::Query),
];

impl Uri {
    /// Reads a URI.
    ///
    /// # Errors
    /// If it is not of the form, or does not say which key, of which token, by which module, with which PIN.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        if text.len() > LIMIT {
            return Err(UriError::TooLong);
        }
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("pkcs11") {
            return Err(UriError::Scheme);
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut seen = Vec::new();
        let mut uri = Self::default();
        let path = path.split(';').map(|attribute| (attribute, Part::Path));
        let query = query.split('&').map(|attribute| (attribute, Part::Query));
        for (attribute, part) in path.chain(query).filter(|(attribute, _)| !attribute.is_empty()) {
            let (name, value) = attribute.split_once('=').ok_or(UriError::Form)?;
            if name == "pin-value" {
                return Err(UriError::PinValue);
            }
            let known = NAMES.iter().find(|(known, place)| *known == name && *place == part);
            let (name, _) = known.ok_or(UriError::Unknown)?;
            if seen.contains(name) {
                return Err(UriError::Twice(name));
            }
            seen.push(name);
            uri.set(name, decode(name, value, part)?)?;
        }
        uri.whole()
    }

    fn set(&mut self, name: &'static str, value: Vec<u8>) -> Result<(), UriError> {
        if name == "id" {
            self.id = Some(value);
            return Ok(());
        }
        let text = String::from_utf8(value).ok().filter(|text| !text.contains('\0')).ok_or(UriError::NotText(name))?;
        match name {
            "token" => self.token = Some(text),
            "serial" => self.serial = Some(text),
            "manufacturer" => self.manufacturer = Some(text),
            "model" => self.model = Some(text),
            "object" => self.object = Some(text),
            TYPE if text != "private" => return Err(UriError::Type),
            MODULE => self.module = text,
            PIN => self.pin = file(&text).ok_or(UriError::PinSource)?,
            _ => {}
        }
        Ok(())
    }

    /// Whether everything is said that must be.
    fn whole(self) -> Result<Self, UriError> {
        match &self {
            Self { token: None, serial: None, .. } => Err(UriError::NoToken),
            Self { object: None, id: None, .. } => Err(UriError::NoKey),
            Self { module, .. } if !module.starts_with('/') => Err(UriError::Module),
            Self { pin, .. } if pin.is_empty() => Err(UriError::PinSource),
            _ => Ok(self),
        }
    }
}

/// The path in a `file:` URI (RFC 8089), which here may be relative. One that needs escapes of its own is not read.
fn file(text: &str) -> Option<String> {
    let rest = text.strip_prefix("file:")?;
    let path = match rest.strip_prefix("//") {
        // `file:///path`: without a host.
        Some(path) => path.strip_prefix('/').map(|path| format!("/{path}"))?,
        None => rest.to_owned(),
    };
    let plain = !path.is_empty() && !path.starts_with("//") && !path.contains(['%', '?', '#']);
    plain.then_some(path)
}

fn decode(name: &'static str, value: &str, part: Part) -> Result<Vec<u8>, UriError> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digit =
                    |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (high, low) = (digit(bytes.next()), digit(bytes.next()));
                let (high, low) = high.zip(low).ok_or(UriError::Escape(name))?;
                decoded.push(high << 4 | low);
            }
            plain if stands_for_itself(plain, part) => decoded.push(plain),
            _ => return Err(UriError::Character(name)),
        }
    }
    if decoded.is_empty() { Err(UriError::Empty(name)) } else { Ok(decoded) }
}

/// `pk11-pchar` and `pk11-qchar` of RFC 7512, section 2.3.
fn stands_for_itself(byte: u8, part: Part) -> bool {
    let either = byte.is_ascii_alphanumeric() || b"-._~:[]@!$'()*+,=".contains(&byte);
    match part {
        Part::Path => either || byte == b'&',
        Part::Query => either || b"/?|".contains(&byte),
    }
}

impl fmt::Display for Uri {
    /// The URI as [`Uri::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &Option<String>| text.as_ref().map(|text| text.as_bytes().to_vec());
        let path = [
            ("token", text(&self.token)),
            ("serial", text(&self.serial)),
            ("manufacturer", text(&self.manufacturer)),
            ("model", text(&self.model)),
            ("object", text(&self.object)),
            ("id", self.id.clone()),
        ];
        f.write_str("pkcs11")?;
        let mut before = ':';
        for (name, value) in path {
            if let Some(value) = value {
                write!(f, "{before}{name}=")?;
                encode(f, &value, Part::Path)?;
                before = ';';
            }
        }
        write!(f, "?{MODULE}=")?;
        encode(f, self.module.as_bytes(), Part::Query)?;
        write!(f, "&{PIN}=file:")?;
        encode(f, self.pin.as_bytes(), Part::Query)
    }
}

fn encode(f: &mut fmt::Formatter<'_>, bytes: &[u8], part: Part) -> fmt::Result {
    bytes.iter().try_for_each(|byte| {
        if stands_for_itself(*byte, part) { write!(f, "{}", char::from(*byte)) } else { write!(f, "%{byte:02X}") }
    })
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, Uri, UriError};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    const END: &str = "?module-path=/lib/x.so&pin-source=file:keys/hsm.pin";

    fn uri(path: &str) -> Result<Uri, UriError> {
        Uri::parse(&format!("pkcs11:{path}{END}"))
    }

    #[test]
    fn a_uri_names_token_key_module_and_the_file_of_the_pin() {
        let uri = uri("token=The%20plant%3B;object=gateway;type=private;id=%00%ff").unwrap();
        let expected = Uri {
            token: Some("The plant;".to_owned()),
            object: Some("gateway".to_owned()),
            id: Some(vec![0, 255]),
            module: "/lib/x.so".to_owned(),
            pin: "keys/hsm.pin".to_owned(),
            ..Uri::default()
        };
        assert_eq!(uri, expected);
        assert_eq!(
            uri.to_string(),
            format!("pkcs11:token=The%20plant%3B;object=gateway;id=%00%FF{END}"),
            "as it is written again"
        );
    }

    #[test]
    fn each_form_of_a_path_to_the_pin_is_read_or_refused() {
        let cases = [
            ("file:keys/pin", Some("keys/pin")),
            ("file:/etc/pin", Some("/etc/pin")),
            ("file:///etc/pin", Some("/etc/pin")),
            ("file:my%20pin", Some("my pin")),
            ("file:my%2520pin", None),
            ("file://host/etc/pin", None),
            ("file:////etc/pin", None),
            ("file:", None),
            ("file://", None),
            ("/etc/pin", None),
            ("|/bin/cat%20pin", None),
            ("https://vault.example/pin", None),
        ];
        for (source, path) in cases {
            let read = Uri::parse(&format!("pkcs11:token=t;object=o?module-path=/x&pin-source={source}"));
            assert_eq!(read.map(|uri| uri.pin), path.map(str::to_owned).ok_or(UriError::PinSource), "{source}");
        }
    }

    #[test]
    fn what_is_not_of_the_form_is_refused_with_its_reason() {
        let cases = [
            ("token=t", UriError::NoKey),
            ("object=o", UriError::NoToken),
            ("", UriError::NoToken),
            ("token=t;object", UriError::Form),
            ("token=;object=o", UriError::Empty("token")),
            ("token=t;token=t;object=o", UriError::Twice("token")),
            ("token=t;object=o;type=public", UriError::Type),
            ("token=t;object=o;slot-id=1", UriError::Unknown),
            ("token=t;object=o;module-path=/x", UriError::Unknown),
            ("token=t;object=o;x-vendor=1", UriError::Unknown),
            ("token=t;object=a b", UriError::Character("object")),
            ("token=t;object=a/b", UriError::Character("object")),
            ("token=t;object=ü", UriError::Character("object")),
            ("token=t;object=a%2", UriError::Escape("object")),
            ("token=t;object=a%+1", UriError::Escape("object")),
            ("token=t;object=%ff", UriError::NotText("object")),
            ("token=a%00;object=o", UriError::NotText("token")),
        ];
        for (path, error) in cases {
            assert_eq!(uri(path), Err(error), "{path}");
        }
        assert_eq!(uri(&"a".repeat(LIMIT)), Err(UriError::TooLong));
        let whole = [
            ("pkcs12:token=t", UriError::Scheme),
            ("keys/gateway.key", UriError::Scheme),
            ("pkcs11:token=t;object=o", UriError::Module),
            ("pkcs11:token=t;object=o?module-path=x.so&pin-source=file:p", UriError::Module),
            ("pkcs11:token=t;object=o?module-path=/x.so", UriError::PinSource),
            ("pkcs11:token=t;object=o?module-path=/x.so&pin-value=1234", UriError::PinValue),
            ("pkcs11:token=t;object=o;pin-value=1234?module-path=/x.so", UriError::PinValue),
            ("pkcs11:token=t;object=o?module-path=/x.so&pin-source=file:p#there", UriError::Character("pin-source")),
        ];
        for (text, error) in whole {
            assert_eq!(Uri::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn no_message_repeats_a_pin() {
        let error = Uri::parse("pkcs11:token=t;object=o?module-path=/x.so&pin-value=734912").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("734912"));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_and_read_again_the_same(token in "\\PC{1,20}", id in proptest::collection::vec(any::<u8>(), 1..9)) {
            let uri = Uri {
                token: Some(token),
                id: Some(id),
                module: "/x".to_owned(),
                pin: "p".to_owned(),
                ..Uri::default()
            };
            prop_assert_eq!(Uri::parse(&uri.to_string()), Ok(uri));
        }
    }
}
