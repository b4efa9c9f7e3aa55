//! The key that signs the plant's ledger: in a device, if the plant file names one, or in its file.

use crate::secrets::{self, SecretError};
use config::Gateway;
use seal::Sign;
use seal::pkcs11::Uri;
use std::sync::Arc;

/// A key that cannot be had.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum SigningError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] SecretError),
    #[cfg(feature = "hsm")]
    #[error("the key in the device cannot be used")]
    #[diagnostic(help("`gateway.signing` is `{uri}`"))]
    Device { uri: Box<Uri>, source: hsm::LinkError },
    #[cfg(not(feature = "hsm"))]
    #[error("the plant file has a device sign (`{uri}`), and this `penstock` was built without the feature `hsm`")]
    #[diagnostic(help("use a `penstock` that was built with it"))]
    NotBuilt { uri: Box<Uri> },
}

/// Takes the plant's key in hand.
pub(crate) fn key(gateway: &Gateway) -> Result<Arc<dyn Sign>, SigningError> {
    match &gateway.signing {
        Some(uri) => device(uri),
        None => Ok(Arc::new(secrets::signing_key(&gateway.keys)?)),
    }
}

#[cfg(feature = "hsm")]
fn device(uri: &Uri) -> Result<Arc<dyn Sign>, SigningError> {
    let pin = std::path::PathBuf::from(&uri.pin);
    let device = hsm::Device::open(uri.clone(), Box::new(move || Ok(secrets::read(&pin)?)));
    let device = device.map_err(|source| SigningError::Device { uri: Box::new(uri.clone()), source })?;
    Ok(Arc::new(device))
}

#[cfg(not(feature = "hsm"))]
fn device(uri: &Uri) -> Result<Arc<dyn Sign>, SigningError> {
    Err(SigningError::NotBuilt { uri: Box::new(uri.clone()) })
}
