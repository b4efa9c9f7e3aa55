//! A device that signs for a ledger, and may be away for a while.

use crate::link::{self, Link, LinkError, Pin};
use cryptoki::context::Pkcs11;
use seal::pkcs11::Uri;
use seal::{Sign, SignError, VerifyingKey};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a device signs to show that it can. It is no checkpoint, no receipt and no frame: those have other beginnings.
const PROOF: &[u8] = b"penstock asks whether this device signs\n";
/// How long a device that did not answer is left alone, so that calls are turned away at once and do not pile up.
const PAUSE: Duration = Duration::from_secs(1);

/// A key in a device. Calls are made one after the other.
pub struct Device {
    uri: Uri,
    pin: Pin,
    client: Pkcs11,
    key: VerifyingKey,
    state: Mutex<State>,
}

enum State {
    Linked(Link),
    /// Nobody has tried since.
    Lost(Instant),
    /// The PIN was refused: nothing is tried any more.
    Shut,
}

impl Device {
    /// Loads the module, logs in, finds the key, and sees that it signs.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn open(uri: Uri, pin: Pin) -> Result<Self, LinkError> {
        let client = link::load(&uri)?;
        let link = Link::open(&client, &uri, &pin)?;
        let key = link.public_key()?;
        let proof = link.sign(PROOF)?;
        if !key.verify(PROOF, &proof) {
            return Err(LinkError::False);
        }
        Ok(Self { uri, pin, client, key, state: Mutex::new(State::Linked(link)) })
    }

    /// A state that a panic left is whole: it is only ever assigned.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs with the session that there is, or with a new one if that is lost.
    fn attempt(&self, state: &mut State, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match state {
            State::Linked(link) => match link.sign(message) {
                Ok(signature) => return Ok(signature),
                Err(error) => tracing::warn!(problem = link::told(&error), "the session with the device is lost"),
            },
            State::Lost(since) if since.elapsed() < PAUSE => return Err(SignError::Away),
            State::Lost(_) => {}
            State::Shut => return Err(SignError::Refused),
        }
        let first = matches!(state, State::Linked(_));
        // The old session goes first: a token may have no room for two.
        *state = State::Lost(Instant::now());
        match self.link_again() {
            Ok(link) => {
                let signed = link.sign(message);
                let signed = signed.inspect_err(|error| {
                    tracing::error!(problem = link::told(error), "the device is there, and refuses to sign");
                });
                let signature = signed.map_err(|_| SignError::Refused)?;
                tracing::info!("there is a session with the device again");
                *state = State::Linked(link);
                Ok(signature)
            }
            Err(problem @ (LinkError::WrongPin | LinkError::Locked | LinkError::LastTry)) => {
                tracing::error!(%problem, "the device is given up; a restart tries again");
                *state = State::Shut;
                Err(SignError::Refused)
            }
            Err(problem) => {
                if first {
                    tracing::error!(%problem, "the device is away");
                }
                *state = State::Lost(Instant::now());
                Err(SignError::Away)
            }
        }
    }

    fn link_again(&self) -> Result<Link, LinkError> {
        // Whether the module was ready to be closed matters to nobody: it is opened anew.
        let _ = self.client.clone().finalize();
        Link::open(&self.client, &self.uri, &self.pin)
    }
}

impl Sign for Device {
    fn verifying_key(&self) -> VerifyingKey {
        self.key
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        let signature = self.attempt(&mut self.state(), message)?;
        let signature = <[u8; 64]>::try_from(signature).map_err(|_| SignError::False)?;
        if self.key.verify(message, &signature) { Ok(signature) } else { Err(SignError::False) }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("uri", &self.uri).field("key", &self.key).finish_non_exhaustive()
    }
}
