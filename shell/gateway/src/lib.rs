//! Listeners, TLS, HTTP; one exchange driven through the core.
