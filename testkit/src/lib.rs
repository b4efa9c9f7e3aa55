//! A scripted AI provider that speaks the real dialects; for tests and the demo.
