//! Secrets that are shown once: drawn, and printed.

use crate::print::say;
use miette::{IntoDiagnostic, WrapErr, miette};
use plant::TokenId;
use seal::token::Secret;
use zeroize::Zeroizing;

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A new secret. Its name is the bearer's, and 30 random bits, so that names of revoked tokens are not used again.
pub(crate) fn drawn(bearer: &str) -> miette::Result<Secret> {
    let (random, suffix) = (random::<32>()?, random::<6>()?);
    let letters = suffix.iter().map(|byte| BASE32.get(usize::from(*byte & 31)).copied().map_or('a', char::from));
    let stem: String = bearer.chars().take(80).collect();
    let id = TokenId::new(format!("{stem}-{}", letters.collect::<String>())).into_diagnostic()?;
    Ok(Secret::new(id, &random))
}

/// Bytes that nobody can foresee.
pub(crate) fn random<const N: usize>() -> miette::Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut()).map_err(|problem| miette!("the system gives no random numbers: {problem}"))?;
    Ok(bytes)
}

/// Prints it alone on standard output, so that it can be piped into a secret store.
pub(crate) fn show(secret: &Secret) -> miette::Result<()> {
    let line = Zeroizing::new(format!("{}\n", secret.text()));
    say(&line).wrap_err_with(|| format!("token `{}` was issued but could not be printed; revoke it", secret.id()))
}
