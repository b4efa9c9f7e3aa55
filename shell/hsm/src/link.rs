//! One session with a token: found, logged in, with the key at hand.

use crate::point;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use seal::VerifyingKey;
use seal::pkcs11::Uri;
use std::error::Error as Cause;
use zeroize::Zeroizing;

/// Reads the PIN. It is asked for each session, and kept for none.
pub type Pin = Box<dyn Fn() -> Result<Zeroizing<String>, Box<dyn Cause + Send + Sync>> + Send + Sync>;

/// Why there is no session with the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The library is not there, or is none.
    #[error("the module `{module}` cannot be loaded: {problem}")]
    Module {
        /// Which.
        module: String,
        /// What the system says.
        problem: String,
    },
    /// No token answers to the names in the URI.
    #[error("no token answers to the names in the URI; those that are there: {0}")]
    NoToken(String),
    /// More than one does.
    #[error("{0} tokens answer to the names in the URI: add `serial`")]
    ManyTokens(usize),
    /// The PIN cannot be read.
    #[error("the PIN cannot be read: {0}")]
    Pin(#[source] Box<dyn Cause + Send + Sync>),
    /// The token has refused the PIN. It is not tried again: a few refusals lock a token for good.
    #[error("the token refuses the PIN; it is not tried again, for a few refusals lock a token")]
    WrongPin,
    /// One more wrong PIN would lock the token.
    #[error("one more wrong PIN locks the token: log in to it once by other means, to see that the PIN is right")]
    LastTry,
    /// The token is locked.
    #[error("the token is locked after too many wrong PINs; its security officer can set a new one")]
    Locked,
    /// The token holds no private key of that name.
    #[error("the token holds no private key of that name")]
    NoKey,
    /// It holds several.
    #[error("the token holds {0} private keys of that name: add `id`")]
    ManyKeys(usize),
    /// The key is of another kind.
    #[error("the key is no Ed25519 key")]
    Kind,
    /// The public half is not on the token.
    #[error("the token does not give the key's public half")]
    NoPublicKey,
    /// What the device signed is no signature of the key.
    #[error("a signature of the device does not verify under the public key that it gave")]
    False,
    /// The device said no.
    #[error("the device says: {0}")]
    Device(String),
}

impl From<Error> for LinkError {
    fn from(error: Error) -> Self {
        Self::Device(told(&error))
    }
}

/// A code of PKCS #11, and of which function.
pub(crate) fn told(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("{code:?} in C_{function:?}"),
        other => other.to_string(),
    }
}

/// A session, logged in, and the key in it.
#[derive(Debug)]
pub(crate) struct Link {
    session: Session,
    key: ObjectHandle,
}

/// Loads the library that speaks to the device.
pub(crate) fn load(uri: &Uri) -> Result<Pkcs11, LinkError> {
    Pkcs11::new(&uri.module).map_err(|error| {
        let problem = match &error {
            Error::LibraryLoading(problem) => problem.to_string(),
            other => told(other),
        };
        LinkError::Module { module: uri.module.clone(), problem }
    })
}

impl Link {
    /// Opens a session from the very beginning. A module that has seen its token go may find it again only so.
    pub(crate) fn open(client: &Pkcs11, uri: &Uri, pin: &Pin) -> Result<Self, LinkError> {
        match client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(error.into()),
        }
        let (slot, token) = token(client, uri)?;
        if token.user_pin_locked() {
            return Err(LinkError::Locked);
        }
        if token.user_pin_final_try() {
            return Err(LinkError::LastTry);
        }
        let session = client.open_ro_session(slot)?;
        log_in(&session, pin)?;
        let key = private_key(&session, uri)?;
        Ok(Self { session, key })
    }

    /// Signs, and believes nothing: the caller checks what comes back.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
        self.session.sign(&mechanism, self.key, message)
    }

    /// The public half: on the private key itself, or on the public key beside it.
    pub(crate) fn public_key(&self) -> Result<VerifyingKey, LinkError> {
        let known = self.session.get_attributes(self.key, &[AttributeType::Id, AttributeType::Label])?;
        let point = match self.point(self.key)? {
            Some(point) => Some(point),
            None => {
                let mut template = vec![Attribute::Class(ObjectClass::PUBLIC_KEY)];
                // The identity is what joins the halves (PKCS #11 3.0, section 4.9.1); a key without one has its label.
                let empty = |attribute: &Attribute| matches!(attribute, Attribute::Id(bytes) if bytes.is_empty());
                template.extend(known.into_iter().find(|attribute| !empty(attribute)));
                let found = self.session.find_objects(&template)?;
                found.first().map(|public| self.point(*public)).transpose()?.flatten()
            }
        };
        let bytes = point.ok_or(LinkError::NoPublicKey)?;
        point::read(&bytes).map(VerifyingKey::from_bytes).ok_or(LinkError::Kind)
    }

    fn point(&self, object: ObjectHandle) -> Result<Option<Vec<u8>>, Error> {
        let attributes = self.session.get_attributes(object, &[AttributeType::EcPoint])?;
        Ok(attributes.into_iter().find_map(|attribute| match attribute {
            Attribute::EcPoint(bytes) if !bytes.is_empty() => Some(bytes),
            _ => None,
        }))
    }
}

/// The one token that answers to all the names in the URI.
fn token(client: &Pkcs11, uri: &Uri) -> Result<(Slot, TokenInfo), LinkError> {
    let mut tokens = Vec::new();
    for slot in client.get_slots_with_initialized_token()? {
        tokens.push((slot, client.get_token_info(slot)?));
    }
    let is = |wanted: &Option<String>, said: &str| wanted.as_ref().is_none_or(|wanted| wanted == said);
    let fits = |token: &TokenInfo| {
        is(&uri.token, token.label())
            && is(&uri.serial, token.serial_number())
            && is(&uri.manufacturer, token.manufacturer_id())
            && is(&uri.model, token.model())
    };
    let (mut found, others): (Vec<_>, Vec<_>) = tokens.into_iter().partition(|(_, token)| fits(token));
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (Some(_), more) => Err(LinkError::ManyTokens(more + 1)),
        (None, _) => {
            let labels: Vec<String> = others.iter().take(8).map(|(_, token)| format!("{:?}", token.label())).collect();
            Err(LinkError::NoToken(if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }))
        }
    }
}

fn log_in(session: &Session, pin: &Pin) -> Result<(), LinkError> {
    let pin = pin().map_err(LinkError::Pin)?;
    let pin: AuthPin = pin.lines().next().unwrap_or_default().into();
    match session.login(UserType::User, Some(&pin)) {
        // Logging in is for all sessions of a process at once.
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => {
            Err(LinkError::WrongPin)
        }
        Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(LinkError::Locked),
        Err(error) => Err(error.into()),
    }
}

/// The one private key that answers to the names in the URI.
fn private_key(session: &Session, uri: &Uri) -> Result<ObjectHandle, LinkError> {
    let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
    template.extend(uri.object.as_ref().map(|label| Attribute::Label(label.as_bytes().to_vec())));
    template.extend(uri.id.clone().map(Attribute::Id));
    let found = session.find_objects(&template)?;
    let [key] = found.as_slice() else {
        return Err(if found.is_empty() { LinkError::NoKey } else { LinkError::ManyKeys(found.len()) });
    };
    let kind = session.get_attributes(*key, &[AttributeType::KeyType])?;
    if kind.contains(&Attribute::KeyType(KeyType::EC_EDWARDS)) { Ok(*key) } else { Err(LinkError::Kind) }
}
