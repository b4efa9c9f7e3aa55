//! What each runtime of this machine would trust: each has a store of its own, and a variable that adds to it or takes its place.

use super::Findings;
use super::line::{Line, Target};
use gateway::Authority;
use std::path::Path;

/// A variable, and who looks at it.
const VARIABLES: [(&str, &str); 5] = [
    ("SSL_CERT_FILE", "OpenSSL, Python's ssl and httpx"),
    ("REQUESTS_CA_BUNDLE", "Python's requests"),
    ("CURL_CA_BUNDLE", "curl and requests"),
    ("NODE_EXTRA_CA_CERTS", "Node"),
    ("AWS_CA_BUNDLE", "boto3"),
];

/// Shakes hands through the proxy with what each variable names.
pub(super) fn runtimes(proxy: &Target, host: &Authority, findings: &mut Findings) {
    for (variable, who) in VARIABLES {
        let Some(file) = std::env::var_os(variable).filter(|file| !file.is_empty()) else { continue };
        let shaken = line(proxy, host).and_then(|line| line.shake(&host.host, Some(Path::new(&file))));
        let shown = Path::new(&file).display();
        match shaken {
            Ok(_) => findings.good("runtime", format!("{variable} ({who}) trusts what is shown for {}", host.host)),
            Err(problem) => {
                let help = "add the plant's interception authority to that file; some runtimes read it in place of the system's store";
                findings.bad("runtime", format!("{variable} ({who}) names `{shown}`, which does not: {problem}"), help);
            }
        }
    }
    if VARIABLES.iter().all(|(variable, _)| std::env::var_os(variable).is_none()) {
        let help = "Node needs NODE_EXTRA_CA_CERTS, requests REQUESTS_CA_BUNDLE, httpx SSL_CERT_FILE, Java a key store";
        findings.look("runtime", "no variable adds an authority to a runtime of this environment", help);
    }
}

fn line(proxy: &Target, host: &Authority) -> std::io::Result<Line> {
    let mut line = Line::connect(&proxy.resolve()?)?;
    if proxy.tls {
        line = line.shake(&proxy.authority.host, None)?;
    }
    line.tunnel(host, proxy.credential.as_deref().map(String::as_str))?;
    Ok(line)
}
