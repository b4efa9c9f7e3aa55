//! libFuzzer on `cose`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_fuzz::target;
use std::sync::LazyLock;

static RUN: LazyLock<fn(&[u8])> = LazyLock::new(|| target("cose").expect("a target").run);

fuzz_target!(|bytes: &[u8]| RUN(bytes));
