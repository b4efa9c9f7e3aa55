//! Evidence (certificate, token, address) to principal.
