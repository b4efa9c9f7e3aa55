//! Write-ahead segments, tiles, queries: the only durable state.
