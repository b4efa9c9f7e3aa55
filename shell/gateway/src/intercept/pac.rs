//! The proxy auto-configuration that leads a plant's AI hosts to the proxy, and everything else where it went before.

use super::Authority;
use std::collections::BTreeSet;

/// The file for callers that reach the proxy at `proxy`, which they speak TLS to or not.
#[must_use]
pub fn pac(hosts: &BTreeSet<&str>, proxy: &Authority, tls: bool) -> String {
    let scheme = if tls { "HTTPS" } else { "PROXY" };
    // INVARIANT: hosts and proxy were read as names or addresses, so neither can end a text of the script.
    let cases: String = hosts.iter().map(|host| format!("    case \"{host}\":\n")).collect();
    let found = if cases.is_empty() { String::new() } else { format!("{cases}      return \"{scheme} {proxy}\";\n") };
    format!(
        "// The AI services of the plant are reached through Penstock; nothing else is.\n\
         function FindProxyForURL(url, host) {{\n  switch (host.toLowerCase()) {{\n{found}    default:\n      return \"DIRECT\";\n  }}\n}}\n"
    )
}
