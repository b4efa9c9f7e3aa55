//! Key formats that vendors mark with a prefix of their own, from the vendors' public documentation.
//!
//! One row is one fact: what such a key begins with, what follows, and how much of it. The row is found by the
//! automaton; only then is the text behind it looked at.

use super::draw::draw;
use super::value::{Shape, placeholder};
use crate::bytes::Bytes;
use std::ops::Range;

/// One vendor's key format.
pub(crate) struct Vendor {
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// What the key begins with; case matters.
    pub(crate) prefix: &'static str,
    body: Body,
    least: usize,
    most: usize,
}

/// What may follow the prefix.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    /// Hexadecimal digits.
    Hex,
    /// Capitals and digits.
    Upper,
    /// Small letters and digits.
    Lower,
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `_`.
    Word,
    /// Capitals, digits, `-`.
    Dashed,
    /// Letters, digits, `-`, `_`.
    Url,
    /// Those, `.` and `=`.
    Dotted,
    /// Hexadecimal digits and `-`.
    Uuid,
    /// A number first, then letters, digits, `-`.
    Slack,
    /// Base64 in both alphabets.
    Base64,
    /// Everything but white space, quotes, brackets and separators.
    Any,
}

impl Body {
    pub(crate) fn holds(self, byte: u8) -> bool {
        let alnum = byte.is_ascii_alphanumeric();
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Lower => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            Self::Alnum => alnum,
            Self::Word => alnum || byte == b'_',
            Self::Dashed => byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-',
            Self::Url => alnum || matches!(byte, b'-' | b'_'),
            Self::Dotted => alnum || matches!(byte, b'-' | b'_' | b'.' | b'='),
            Self::Uuid => byte.is_ascii_hexdigit() || byte == b'-',
            Self::Slack => alnum || byte == b'-',
            Self::Base64 => alnum || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_'),
            Self::Any => byte > b' ' && byte != 0x7F && !br#""'`<>(){},;&"#.contains(&byte),
        }
    }
}

/// The key that begins with the prefix of `vendor` at `start`, if it is one.
pub(crate) fn key(text: Bytes<'_>, vendor: &Vendor, start: usize) -> Option<Range<usize>> {
    let body = start + vendor.prefix.len();
    if text.slice(start..body) != vendor.prefix.as_bytes() || vendor.joins(text.before(start)) {
        return None;
    }
    // One byte more than the longest: a longer run is something else, and no more of it is looked at.
    let mut end = text.run(body, vendor.most + 1, |byte| vendor.body.holds(byte));
    while end > body + vendor.least && matches!(text.before(end), b'.' | b'-') && end - body > vendor.least {
        end -= 1;
    }
    let value = text.slice(body..end);
    let fits = (vendor.least..=vendor.most).contains(&value.len());
    let shaped = match vendor.body {
        Body::Slack => value.iter().take(8).all(|b| b.is_ascii_digit()),
        _ => vendor.rule != "key.anthropic" || value.ends_with(b"AA"),
    };
    (fits && shaped && !text.at(end).is_ascii_alphanumeric() && likely(value)).then_some(start..end)
}

/// Whether `value` begins like a vendor's key. If the vendor's own rule does not take it, it is a fragment or an
/// example, whatever it is assigned to. Prefixes that ordinary words begin with do not count.
pub(crate) fn marked(value: &[u8]) -> bool {
    const ORDINARY: [&str; 8] = ["live_", "secret_", "key-", "private-", "pat.", "API-", "A3-", "v1.0-"];
    VENDORS.iter().any(|vendor| {
        let prefix = vendor.prefix;
        prefix.len() >= 4
            && prefix.ends_with(['-', '_', '.'])
            && !ORDINARY.contains(&prefix)
            && value.starts_with(prefix.as_bytes())
    })
}

impl Vendor {
    /// A key of this form, of the least length.
    pub(crate) fn example(&self) -> String {
        let body = match self.body {
            Body::Slack => {
                format!("{}-{}", draw(12, |b| b.is_ascii_digit()), draw(self.least, |b| b.is_ascii_alphanumeric()))
            }
            _ => draw(self.least, |byte| self.body.holds(byte)),
        };
        let end = if self.rule == "key.anthropic" { "AA" } else { "" };
        format!("{}{body}{end}", self.prefix)
    }

    /// Whether the byte before the prefix makes it the inside of something longer.
    fn joins(&self, before: u8) -> bool {
        match before {
            // `logo.ico-7a38...` is a file.
            b'.' => self.prefix.len() <= 4 && self.prefix.ends_with('-'),
            b'/' | b'+' => matches!(self.body, Body::Base64 | Body::Any),
            other => other.is_ascii_alphanumeric(),
        }
    }
}

fn likely(value: &[u8]) -> bool {
    let shape = Shape::of(value);
    value.is_empty() || !placeholder(value) && shape.varied() && !(shape.wordy() && shape.digits < 2)
}

const fn row(rule: &'static str, prefix: &'static str, body: Body, least: usize, most: usize) -> Vendor {
    Vendor { rule, prefix, body, least, most }
}

/// The table, by rule.
#[rustfmt::skip]
pub(crate) const VENDORS: &[Vendor] = &[
    row("key.adafruit", "aio_", Body::Alnum, 28, 28),
    row("key.adobe", "p8e-", Body::Url, 32, 32),
    row("key.age", "AGE-SECRET-KEY-1", Body::Upper, 58, 58),
    row("key.age", "AGE-PLUGIN-", Body::Dashed, 40, 120),
    row("key.airtable", "pat", Body::Dotted, 79, 79),
    row("key.aiven", "AVNS_", Body::Url, 19, 19),
    row("key.alchemy", "alcht_", Body::Alnum, 30, 30),
    row("key.alibaba", "LTAI", Body::Alnum, 20, 24),
    row("key.anthropic", "sk-ant-", Body::Url, 80, 160),
    row("key.apify", "apify_api_", Body::Alnum, 34, 40),
    row("key.appsync", "da2-", Body::Lower, 26, 26),
    row("key.atlassian", "ATATT3", Body::Base64, 80, 260),
    row("key.atlassian", "ATBB", Body::Alnum, 32, 40),
    row("key.atlassian", "ATCTT3", Body::Base64, 80, 260),
    row("key.atlassian", "ATOA", Body::Base64, 60, 260),
    row("key.aws", "AKIA", Body::Upper, 16, 16),
    row("key.aws", "ASIA", Body::Upper, 16, 16),
    row("key.aws", "ABIA", Body::Upper, 16, 16),
    row("key.aws", "ACCA", Body::Upper, 16, 16),
    row("key.aws", "A3T0", Body::Upper, 16, 16),
    row("key.aws-bedrock", "ABSK", Body::Base64, 100, 400),
    row("key.aws-bedrock", "bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t", Body::Base64, 0, 2048),
    row("key.aws-mws", "amzn.mws.", Body::Url, 36, 36),
    row("key.axiom", "xaat-", Body::Uuid, 36, 36),
    row("key.axiom", "xapt-", Body::Uuid, 36, 36),
    row("key.bitbucket", "BBDC-", Body::Base64, 40, 50),
    row("key.blynk", "oa2-client-id_", Body::Url, 32, 32),
    row("key.buildkite", "bkua_", Body::Hex, 40, 40),
    row("key.buildkite", "bkaj_", Body::Alnum, 30, 120),
    row("key.buildkite", "bkpt_", Body::Alnum, 30, 60),
    row("key.cal", "cal_live_", Body::Hex, 32, 32),
    row("key.cerebras", "csk-", Body::Alnum, 48, 48),
    row("key.checkly", "cu_", Body::Hex, 32, 32),
    row("key.circleci", "CCIPAT_", Body::Word, 60, 70),
    row("key.circleci", "CCIPRJ_", Body::Word, 60, 70),
    row("key.clojars", "CLOJARS_", Body::Alnum, 60, 60),
    row("key.close", "api_", Body::Dotted, 45, 45),
    row("key.cloudflare", "v1.0-", Body::Url, 140, 180),
    row("key.confluent", "cflt", Body::Base64, 60, 60),
    row("key.contentful", "CFPAT-", Body::Url, 43, 43),
    row("key.crates", "cio", Body::Alnum, 32, 32),
    row("key.databricks", "dapi", Body::Hex, 32, 34),
    row("key.defined", "dnkey-", Body::Url, 60, 90),
    row("key.deno", "ddp_", Body::Alnum, 36, 36),
    row("key.deno", "ddw_", Body::Alnum, 36, 36),
    row("key.dependency-track", "odt_", Body::Alnum, 32, 40),
    row("key.digitalocean", "dop_v1_", Body::Hex, 64, 64),
    row("key.digitalocean", "doo_v1_", Body::Hex, 64, 64),
    row("key.digitalocean", "dor_v1_", Body::Hex, 64, 64),
    row("key.digitalocean", "DO00", Body::Upper, 16, 16),
    row("key.docker", "dckr_pat_", Body::Url, 20, 40),
    row("key.docker", "dckr_oat_", Body::Url, 20, 40),
    row("key.doppler", "dp.pt.", Body::Alnum, 40, 44),
    row("key.doppler", "dp.ct.", Body::Alnum, 40, 44),
    row("key.doppler", "dp.sa.", Body::Alnum, 40, 44),
    row("key.doppler", "dp.st.", Body::Dotted, 40, 80),
    row("key.doppler", "dp.scim.", Body::Alnum, 40, 44),
    row("key.doppler", "dp.audit.", Body::Alnum, 40, 44),
    row("key.dropbox", "sl.", Body::Url, 60, 1400),
    row("key.dropbox", "sl.u.", Body::Url, 60, 1400),
    row("key.duffel", "duffel_test_", Body::Dotted, 40, 60),
    row("key.duffel", "duffel_live_", Body::Dotted, 40, 60),
    row("key.dynatrace", "dt0c01.", Body::Dotted, 80, 100),
    row("key.dynatrace", "dt0s01.", Body::Dotted, 80, 100),
    row("key.e2b", "e2b_", Body::Hex, 40, 40),
    row("key.easypost", "EZAK", Body::Alnum, 54, 54),
    row("key.easypost", "EZTK", Body::Alnum, 54, 54),
    row("key.elastic", "essu_", Body::Base64, 60, 240),
    row("key.elevenlabs", "sk_", Body::Hex, 48, 48),
    row("key.endor", "endr+", Body::Alnum, 16, 16),
    row("key.facebook", "EAAC", Body::Alnum, 80, 300),
    row("key.facebook", "EAAM", Body::Alnum, 80, 300),
    row("key.facebook", "EAAB", Body::Alnum, 80, 300),
    row("key.facebook", "EAAG", Body::Alnum, 80, 300),
    row("key.facebook", "EAAJ", Body::Alnum, 80, 300),
    row("key.figma", "figd_", Body::Url, 40, 60),
    row("key.figma", "figo_", Body::Url, 40, 60),
    row("key.figma", "figu_", Body::Url, 40, 60),
    row("key.figma", "figr_", Body::Url, 40, 60),
    row("key.firecrawl", "fc-", Body::Hex, 32, 32),
    row("key.fireworks", "fw_", Body::Alnum, 22, 28),
    row("key.flutterwave", "FLWSECK_TEST-", Body::Url, 12, 40),
    row("key.flutterwave", "FLWPUBK_TEST-", Body::Url, 30, 40),
    row("key.flutterwave", "FLWSECK-", Body::Url, 12, 40),
    row("key.fly", "fo1_", Body::Url, 40, 50),
    row("key.fly", "fm1r_", Body::Base64, 60, 800),
    row("key.fly", "fm2_", Body::Base64, 60, 800),
    row("key.frameio", "fio-u-", Body::Dotted, 60, 70),
    row("key.github", "ghp_", Body::Alnum, 36, 36),
    row("key.github", "gho_", Body::Alnum, 36, 36),
    row("key.github", "ghu_", Body::Alnum, 36, 36),
    row("key.github", "ghs_", Body::Alnum, 36, 36),
    row("key.github", "ghr_", Body::Alnum, 36, 76),
    row("key.github", "github_pat_", Body::Word, 60, 100),
    row("key.gitlab", "glpat-", Body::Dotted, 20, 64),
    row("key.gitlab", "gldt-", Body::Url, 20, 64),
    row("key.gitlab", "glcbt-", Body::Url, 20, 64),
    row("key.gitlab", "glptt-", Body::Url, 20, 64),
    row("key.gitlab", "glrt-", Body::Dotted, 20, 64),
    row("key.gitlab", "glrtr-", Body::Url, 20, 64),
    row("key.gitlab", "glft-", Body::Url, 20, 80),
    row("key.gitlab", "glffct-", Body::Url, 20, 64),
    row("key.gitlab", "glimt-", Body::Url, 20, 64),
    row("key.gitlab", "glagent-", Body::Url, 40, 80),
    row("key.gitlab", "gloas-", Body::Url, 40, 80),
    row("key.gitlab", "glsoat-", Body::Url, 20, 64),
    row("key.gitlab", "GR1348941", Body::Url, 20, 64),
    row("key.gitlab", "_gitlab_session=", Body::Hex, 32, 32),
    row("key.gocardless", "live_", Body::Dotted, 40, 42),
    row("key.google", "AIza", Body::Url, 35, 35),
    row("key.google", "GOCSPX-", Body::Url, 28, 28),
    row("key.google", "ya29.", Body::Url, 24, 600),
    row("key.google", "1//", Body::Url, 40, 110),
    row("key.grafana", "glc_", Body::Base64, 30, 420),
    row("key.grafana", "glsa_", Body::Word, 38, 60),
    row("key.grafana", "eyJrIjoi", Body::Base64, 60, 420),
    row("key.groq", "gsk_", Body::Alnum, 48, 56),
    row("key.harness", "pat.", Body::Dotted, 60, 80),
    row("key.harness", "sat.", Body::Dotted, 60, 80),
    row("key.helicone", "sk-helicone-", Body::Url, 20, 64),
    row("key.heroku", "HRKU-AA", Body::Url, 40, 80),
    row("key.heroku", "HRKU-", Body::Uuid, 36, 36),
    row("key.honeycomb", "hcaik_", Body::Alnum, 58, 58),
    row("key.honeycomb", "hcalk_", Body::Alnum, 58, 58),
    row("key.honeycomb", "hcbik_", Body::Alnum, 58, 58),
    row("key.hubspot", "pat-na1-", Body::Uuid, 36, 36),
    row("key.hubspot", "pat-na2-", Body::Uuid, 36, 36),
    row("key.hubspot", "pat-eu1-", Body::Uuid, 36, 36),
    row("key.hugging-face", "hf_", Body::Alnum, 34, 37),
    row("key.hugging-face", "api_org_", Body::Alnum, 34, 34),
    row("key.influxdb", "apiv3_", Body::Url, 60, 120),
    row("key.infracost", "ico-", Body::Alnum, 32, 32),
    row("key.inngest", "signkey-prod-", Body::Hex, 32, 64),
    row("key.inngest", "signkey-test-", Body::Hex, 32, 64),
    row("key.intercom", "dG9rO", Body::Base64, 50, 60),
    row("key.intra42", "s-s4t2ud-", Body::Hex, 64, 64),
    row("key.intra42", "s-s4t2af-", Body::Hex, 64, 64),
    row("key.ionic", "ion_", Body::Alnum, 42, 42),
    row("key.jenkins", "{AQAAAB", Body::Base64, 20, 400),
    row("key.jfrog", "AKCp", Body::Base64, 60, 90),
    row("key.jfrog", "cmVmdGtu", Body::Alnum, 40, 72),
    row("key.jina", "jina_", Body::Alnum, 55, 65),
    row("key.klaviyo", "pk_", Body::Hex, 34, 34),
    row("key.langfuse", "sk-lf-", Body::Url, 32, 64),
    row("key.langsmith", "lsv2_pt_", Body::Word, 40, 48),
    row("key.langsmith", "lsv2_sk_", Body::Word, 40, 48),
    row("key.launchdarkly", "sdk-", Body::Uuid, 36, 36),
    row("key.launchdarkly", "mob-", Body::Uuid, 36, 36),
    row("key.launchdarkly", "api-", Body::Uuid, 36, 36),
    row("key.lichess", "lip_", Body::Alnum, 20, 20),
    row("key.linear", "lin_api_", Body::Alnum, 40, 40),
    row("key.linear", "lin_oauth_", Body::Alnum, 40, 80),
    row("key.llama-cloud", "llx-", Body::Alnum, 40, 56),
    row("key.lob", "test_pub_", Body::Hex, 31, 31),
    row("key.lob", "live_pub_", Body::Hex, 31, 31),
    row("key.lob", "live_", Body::Hex, 35, 35),
    row("key.lob", "test_", Body::Hex, 35, 35),
    row("key.mailersend", "mlsn.", Body::Hex, 64, 64),
    row("key.mailgun", "key-", Body::Hex, 31, 32),
    row("key.mailgun", "pubkey-", Body::Hex, 32, 32),
    row("key.mailgun", "private-", Body::Hex, 32, 32),
    row("key.mandrill", "md-", Body::Url, 22, 22),
    row("key.mapbox", "pk.eyJ", Body::Dotted, 60, 220),
    row("key.mapbox", "sk.eyJ", Body::Dotted, 60, 220),
    row("key.mapbox", "tk.eyJ", Body::Dotted, 60, 220),
    row("key.mongodb", "mdb_sa_sk_", Body::Url, 36, 48),
    row("key.neon", "napi_", Body::Alnum, 60, 70),
    row("key.netlify", "nfp_", Body::Alnum, 36, 36),
    row("key.netlify", "nfc_", Body::Alnum, 36, 36),
    row("key.netlify", "nfo_", Body::Alnum, 36, 36),
    row("key.netlify", "nfu_", Body::Alnum, 36, 36),
    row("key.new-relic", "NRAK-", Body::Alnum, 24, 40),
    row("key.new-relic", "NRII-", Body::Url, 32, 36),
    row("key.new-relic", "NRIQ-", Body::Url, 32, 36),
    row("key.new-relic", "NRJS-", Body::Hex, 19, 19),
    row("key.new-relic", "NRAA-", Body::Hex, 27, 27),
    row("key.new-relic", "NRRA-", Body::Hex, 42, 42),
    row("key.new-relic", "px-api-", Body::Uuid, 36, 36),
    row("key.new-relic", "px-dep-", Body::Uuid, 36, 36),
    row("key.nightfall", "NF-", Body::Alnum, 32, 32),
    row("key.notion", "ntn_", Body::Alnum, 40, 50),
    row("key.notion", "secret_", Body::Alnum, 43, 43),
    row("key.npm", "npm_", Body::Alnum, 36, 36),
    row("key.nuget", "oy2", Body::Lower, 43, 43),
    row("key.nvidia", "nvapi-", Body::Url, 60, 70),
    row("key.octopus", "API-", Body::Upper, 26, 26),
    row("key.onepassword", "ops_eyJ", Body::Base64, 200, 1600),
    row("key.onepassword", "A3-", Body::Dashed, 34, 40),
    row("key.onesignal", "os_v2_app_", Body::Lower, 80, 120),
    row("key.onesignal", "os_v2_org_", Body::Lower, 80, 120),
    row("key.open-vsx", "ovsxat_", Body::Uuid, 36, 36),
    row("key.openai", "sk-proj-", Body::Url, 32, 256),
    row("key.openai", "sk-svcacct-", Body::Url, 32, 256),
    row("key.openai", "sk-admin-", Body::Url, 32, 256),
    row("key.openai", "sk-None-", Body::Url, 32, 256),
    row("key.openai", "sk-", Body::Alnum, 32, 64),
    row("key.openrouter", "sk-or-v1-", Body::Hex, 64, 64),
    row("key.openshift", "sha256~", Body::Any, 43, 43),
    row("key.paddle", "pdl_live_apikey_", Body::Word, 40, 60),
    row("key.paddle", "pdl_sdbx_apikey_", Body::Word, 40, 60),
    row("key.paypal", "access_token$production$", Body::Any, 49, 49),
    row("key.paypal", "access_token$sandbox$", Body::Any, 49, 49),
    row("key.pem-base64", "LS0tLS1CRUdJTi", Body::Base64, 60, 16384),
    row("key.perplexity", "pplx-", Body::Alnum, 48, 48),
    row("key.pinecone", "pcsk_", Body::Word, 60, 80),
    row("key.plaid", "access-sandbox-", Body::Url, 36, 36),
    row("key.plaid", "access-production-", Body::Url, 36, 36),
    row("key.plaid", "access-development-", Body::Url, 36, 36),
    row("key.planetscale", "pscale_tkn_", Body::Dotted, 30, 70),
    row("key.planetscale", "pscale_pw_", Body::Dotted, 30, 70),
    row("key.planetscale", "pscale_oauth_", Body::Dotted, 30, 70),
    row("key.polar", "polar_pat_", Body::Alnum, 40, 50),
    row("key.polar", "polar_oat_", Body::Alnum, 40, 50),
    row("key.portainer", "ptr_", Body::Base64, 43, 52),
    row("key.posthog", "phx_", Body::Word, 40, 50),
    row("key.posthog", "phc_", Body::Word, 40, 50),
    row("key.postman", "PMAK-", Body::Url, 55, 64),
    row("key.prefect", "pnu_", Body::Alnum, 36, 36),
    row("key.prefect", "pnb_", Body::Alnum, 36, 36),
    row("key.pulumi", "pul-", Body::Hex, 40, 40),
    row("key.pypi", "pypi-AgE", Body::Url, 50, 1200),
    row("key.razorpay", "rzp_live_", Body::Alnum, 14, 14),
    row("key.razorpay", "rzp_test_", Body::Alnum, 14, 14),
    row("key.readme", "rdme_", Body::Alnum, 70, 70),
    row("key.render", "rnd_", Body::Alnum, 28, 40),
    row("key.replicate", "r8_", Body::Url, 37, 37),
    row("key.resend", "re_", Body::Word, 32, 36),
    row("key.rootly", "rootly_", Body::Hex, 64, 64),
    row("key.rubygems", "rubygems_", Body::Hex, 48, 48),
    row("key.runpod", "rpa_", Body::Alnum, 40, 48),
    row("key.scalingo", "tk-us-", Body::Url, 48, 48),
    row("key.segment", "sgp_", Body::Alnum, 64, 64),
    row("key.sendgrid", "SG.", Body::Dotted, 50, 80),
    row("key.sendinblue", "xkeysib-", Body::Url, 70, 100),
    row("key.sendinblue", "xsmtpsib-", Body::Url, 70, 100),
    row("key.sentry", "sntrys_eyJ", Body::Base64, 60, 300),
    row("key.sentry", "sntryu_", Body::Hex, 64, 64),
    row("key.settlemint", "sm_pat_", Body::Alnum, 16, 16),
    row("key.settlemint", "sm_aat_", Body::Alnum, 16, 16),
    row("key.settlemint", "sm_sat_", Body::Alnum, 16, 16),
    row("key.shippo", "shippo_live_", Body::Hex, 40, 40),
    row("key.shippo", "shippo_test_", Body::Hex, 40, 40),
    row("key.shopify", "shpat_", Body::Hex, 32, 32),
    row("key.shopify", "shpca_", Body::Hex, 32, 32),
    row("key.shopify", "shppa_", Body::Hex, 32, 32),
    row("key.shopify", "shpss_", Body::Hex, 32, 32),
    row("key.shopify", "shptka_", Body::Hex, 32, 32),
    row("key.slack", "xoxb-", Body::Slack, 16, 120),
    row("key.slack", "xoxp-", Body::Slack, 40, 160),
    row("key.slack", "xoxa-", Body::Url, 20, 160),
    row("key.slack", "xoxr-", Body::Url, 20, 160),
    row("key.slack", "xoxs-", Body::Slack, 20, 160),
    row("key.slack", "xoxo-", Body::Slack, 20, 160),
    row("key.slack", "xoxe.xoxp-", Body::Url, 100, 240),
    row("key.slack", "xoxe.xoxb-", Body::Url, 100, 240),
    row("key.slack", "xoxe-", Body::Url, 100, 240),
    row("key.slack", "xapp-", Body::Base64, 20, 160),
    row("key.slack", "xoxc-", Body::Slack, 40, 200),
    row("key.slack", "xoxd-", Body::Any, 60, 400),
    row("key.snyk", "snyk_uat.", Body::Dotted, 40, 160),
    row("key.snyk", "snyk_sat.", Body::Dotted, 40, 160),
    row("key.socket", "sktsec_", Body::Url, 40, 60),
    row("key.sonar", "squ_", Body::Hex, 40, 40),
    row("key.sonar", "sqp_", Body::Hex, 40, 40),
    row("key.sonar", "sqa_", Body::Hex, 40, 40),
    row("key.sourcegraph", "sgp_", Body::Hex, 40, 40),
    row("key.sourcegraph", "sgp_local_", Body::Hex, 40, 40),
    row("key.sourcegraph", "sgp_", Body::Word, 57, 57),
    row("key.sourcegraph", "slk_", Body::Hex, 64, 64),
    row("key.square", "EAAA", Body::Url, 58, 64),
    row("key.square", "sq0atp-", Body::Any, 22, 64),
    row("key.square", "sq0csp-", Body::Any, 40, 64),
    row("key.stackhawk", "hawk.", Body::Dotted, 38, 44),
    row("key.stripe", "sk_live_", Body::Alnum, 10, 120),
    row("key.stripe", "sk_test_", Body::Alnum, 10, 120),
    row("key.stripe", "rk_live_", Body::Alnum, 10, 120),
    row("key.stripe", "rk_test_", Body::Alnum, 10, 120),
    row("key.stripe", "sk_prod_", Body::Alnum, 10, 120),
    row("key.stripe", "rk_prod_", Body::Alnum, 10, 120),
    row("key.stripe", "whsec_", Body::Base64, 24, 80),
    row("key.stytch", "secret-live-", Body::Base64, 36, 44),
    row("key.stytch", "secret-test-", Body::Base64, 36, 44),
    row("key.supabase", "sbp_", Body::Hex, 40, 40),
    row("key.supabase", "sb_secret_", Body::Word, 28, 48),
    row("key.tailscale", "tskey-", Body::Url, 30, 80),
    row("key.tavily", "tvly-", Body::Url, 30, 50),
    row("key.telnyx", "KEY0", Body::Word, 50, 56),
    row("key.terraform", ".atlasv1.", Body::Any, 60, 80),
    row("key.together", "tgp_v1_", Body::Url, 43, 43),
    row("key.trello", "ATTA", Body::Hex, 60, 76),
    row("key.trigger", "tr_prod_", Body::Alnum, 20, 32),
    row("key.trigger", "tr_dev_", Body::Alnum, 20, 32),
    row("key.twilio", "SK", Body::Hex, 32, 32),
    row("key.twitter", "AAAAAAAAAAAAAAAAAAAAAA", Body::Any, 80, 100),
    row("key.typeform", "tfp_", Body::Dotted, 59, 59),
    row("key.ubidots", "BBFF-", Body::Alnum, 30, 30),
    row("key.ubidots", "BBUS-", Body::Alnum, 30, 30),
    row("key.vault", "hvs.", Body::Url, 36, 300),
    row("key.vault", "hvb.", Body::Url, 36, 300),
    row("key.vault", "hvr.", Body::Url, 36, 300),
    row("key.vercel", "vck_", Body::Alnum, 40, 80),
    row("key.vercel", "vcp_", Body::Alnum, 40, 80),
    row("key.vercel", "vercel_blob_rw_", Body::Word, 30, 64),
    row("key.voiceflow", "VF.DM.", Body::Dotted, 41, 41),
    row("key.voiceflow", "VF.WS.", Body::Dotted, 41, 41),
    row("key.voyage", "pa-", Body::Url, 40, 48),
    row("key.wakatime", "waka_", Body::Uuid, 36, 36),
    row("key.wandb", "wandb_v1_", Body::Word, 60, 100),
    row("key.xai", "xai-", Body::Alnum, 80, 80),
    row("key.xata", "xau_", Body::Alnum, 30, 60),
    row("key.yandex", "t1.", Body::Dotted, 80, 240),
    row("key.yandex", "AQVN", Body::Url, 35, 40),
    row("key.yandex", "y0_", Body::Url, 50, 60),
    row("key.yandex", "YCAJE", Body::Url, 20, 20),
    row("key.yandex", "YC", Body::Url, 38, 38),
    row("key.zuplo", "zpka_", Body::Alnum, 40, 60),
];
