//! Why a call was refused or failed: the one list of reason codes.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $message:literal;)*) => {
        /// Why a call was refused or failed. The codes are stable: callers and SIEM rules match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every reason, in the order of the pipeline.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code in errors, headers, records and metrics.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The reason with this code; `None` for one that a later version added.
            #[must_use]
            pub fn named(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.code() == code)
            }

            /// The HTTP status that the caller gets.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// What the caller is told. Never holds content, names of people, or the plant's inner layout.
            #[must_use]
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }
        }
    };
}

reasons! {
    /// The bytes are no HTTP request that we accept: smuggling shapes, bad framing, conflicting lengths.
    BadRequest = "bad-request", 400, "the request is not well-formed HTTP";
    /// A proxy, or a connection that was taken over, is to lead to a host that is no provider's.
    UnknownHost = "unknown-host", 403, "this host is not one that the plant opens for AI calls";
    /// The host of the tunnel, of the TLS handshake and of the request are not the same.
    HostMismatch = "host-mismatch", 421, "the tunnel, the TLS handshake and the request name different hosts";
    /// The first message of TLS names no server, hides one, or cannot be read.
    HelloRefused = "hello-refused", 400, "the TLS handshake does not say openly which server it is for";
    /// The caller ended the handshake: it does not believe in the plant's interception authority, or pins another certificate.
    CallerDistrusts = "caller-distrusts", 495, "the caller does not trust the certificate that the plant shows it";
    /// The URL names no provider of the plant.
    UnknownProvider = "unknown-provider", 404, "the path names no AI provider of this plant";
    /// The endpoint is not one that the provider's dialect is known to have.
    UnknownEndpoint = "unknown-endpoint", 403, "this endpoint is not open on this conduit";
    /// The body's content type does not fit the endpoint.
    ContentType = "content-type", 415, "the content type does not fit this endpoint";
    /// The body's content encoding is unknown, lies, or is stacked too high.
    ContentEncoding = "content-encoding", 415, "the content encoding cannot be read";
    /// The body is larger than the conduit allows, before or after decoding.
    BodyTooLarge = "body-too-large", 413, "the request body is larger than this conduit allows";
    /// The body did not arrive in time.
    BodyTimeout = "body-timeout", 408, "the request body did not arrive in time";
    /// The body is not what its content type says.
    Malformed = "malformed", 400, "the request body cannot be parsed";
    /// An object in the body holds one key twice.
    DuplicateKey = "duplicate-key", 400, "an object in the request body holds a key twice";
    /// The body nests deeper than the conduit allows.
    TooDeep = "too-deep", 400, "the request body is nested too deep";
    /// The call carries no evidence of the workload.
    NoIdentity = "no-identity", 401, "the call does not identify its workload; send a workload token or a client certificate";
    /// The workload token is not one of this plant's.
    TokenUnknown = "token-unknown", 401, "the workload token is not known";
    /// The workload token has expired.
    TokenExpired = "token-expired", 401, "the workload token has expired";
    /// The workload token was revoked.
    TokenRevoked = "token-revoked", 401, "the workload token was revoked";
    /// The client certificate is past its end or before its start.
    CertificateExpired = "certificate-expired", 401, "the client certificate is not valid at this time";
    /// The client certificate is not of the plant's authority.
    CertificateUntrusted = "certificate-untrusted", 401, "the client certificate was not issued by this plant";
    /// The client certificate names no workload or workstation of the plant.
    CertificateUnmapped = "certificate-unmapped", 403, "the client certificate names no workload of this plant";
    /// Two pieces of evidence name different workloads.
    IdentityConflict = "identity-conflict", 403, "the credentials of the call name different workloads";
    /// The call came from a network of another zone than the workload's.
    ZoneMismatch = "zone-mismatch", 403, "the call does not come from the zone of its workload";
    /// The workload, or another component of the call, lacks an owner, an update process or an isolation plan.
    Ungoverned = "ungoverned", 403, "the workload, or another component of this call, has no owner, update process or isolation plan on file";
    /// A component of the call is a draft, or approved and not put into service.
    ComponentNotLive = "component-not-live", 403, "a component of this call has not been put into service";
    /// A component of the call was taken out of service for a while.
    ComponentSuspended = "component-suspended", 403, "a component of this call is suspended; ask the plant's people before you try again";
    /// A component of the call was taken out of service for good.
    ComponentRetired = "component-retired", 403, "a component of this call is retired";
    /// The operator token cannot be checked or fails its checks.
    OperatorInvalid = "operator-invalid", 401, "the operator token is not valid";
    /// The operator token has expired.
    OperatorExpired = "operator-expired", 401, "the operator token has expired";
    /// The conduit needs a proved operator and the call has none.
    OperatorRequired = "operator-required", 403, "this conduit needs an operator token";
    /// The operator did not sign in the way the conduit asks for.
    OperatorAssurance = "operator-assurance", 403, "the operator did not sign in as strongly as this conduit asks";
    /// No conduit leads from the zone to the provider for this workload.
    NoConduit = "no-conduit", 403, "no conduit leads from this zone to this provider for this workload";
    /// Several purposes are possible and the call does not say which.
    PurposeMissing = "purpose-missing", 403, "the call does not say its purpose; send the Penstock-Purpose header";
    /// The purpose is not one that the workload and the conduit share.
    PurposeNotAllowed = "purpose-not-allowed", 403, "this purpose is not allowed here";
    /// The conduit's approval has ended.
    ConduitExpired = "conduit-expired", 403, "the approval of this conduit has expired";
    /// The conduit does not name the model.
    ModelNotAllowed = "model-not-allowed", 403, "this model is not open on this conduit";
    /// The conduit does not open a tool that the call offers or calls.
    ToolNotAllowed = "tool-not-allowed", 403, "this tool is not open on this conduit";
    /// Nobody approved the tool as its server defines it now.
    ToolNotApproved = "tool-not-approved", 403, "this tool is new, or its definition changed, and nobody has approved it yet";
    /// The call names a session that its workload did not begin through this gateway.
    SessionUnknown = "session-unknown", 404, "this session was not begun by this workload through this gateway; begin a new one";
    /// The content holds something of a data source that the workload, or the conduit, may not use.
    SourceDenied = "source-denied", 403, "the request uses a data source that is not approved for this workload here";
    /// The conduit refuses what was found in the content.
    ContentRefused = "content-refused", 403, "the request holds content that must not leave on this conduit";
    /// The content is more sensitive than conduit or provider may carry.
    AboveCeiling = "above-ceiling", 403, "the request is more sensitive than this conduit may carry";
    /// A Cedar rule of the plant forbids the call.
    RuleForbids = "rule-forbids", 403, "a rule of the plant forbids this call";
    /// The plant has shut this path by hand.
    Isolated = "isolated", 403, "the plant has isolated this path; ask its people before you try again";
    /// The call waited for a person, who refused it.
    HoldRefused = "hold-refused", 403, "the call waited for a person, who refused it";
    /// The call waited for a person, and nobody decided in time.
    HoldExpired = "hold-expired", 403, "the call waited for a person, and nobody decided in time";
    /// A quota of the plant is used up, or its budget of tokens or money.
    QuotaExceeded = "quota-exceeded", 429, "a quota of this plant is used up; ask again later";
    /// The ledger cannot write, so nothing may leave.
    LedgerUnavailable = "ledger-unavailable", 503, "the ledger cannot record the call, so it was not forwarded";
    /// The gateway is stopping.
    ShuttingDown = "shutting-down", 503, "the gateway is shutting down";
    /// More calls are under way than the gateway accepts.
    TooBusy = "too-busy", 503, "the gateway carries as many calls as it may";
    /// The provider's credential is missing.
    CredentialMissing = "credential-missing", 502, "the gateway has no credential for this provider";
    /// The provider failed too often, and is left alone for a while.
    ProviderResting = "provider-resting", 503, "the provider has failed too often and is left alone for a moment";
    /// The provider cannot be reached, or its certificate is not trusted.
    ProviderUnreachable = "provider-unreachable", 502, "the provider cannot be reached";
    /// The provider did not answer in time.
    ProviderTimeout = "provider-timeout", 504, "the provider did not answer in time";
    /// The provider reset, truncated or garbled its answer.
    ProviderBroken = "provider-broken", 502, "the provider broke off or garbled its answer";
    /// The answer holds what must not come back on this conduit.
    AnswerRefused = "answer-refused", 502, "the answer holds what must not come back on this conduit";
    /// The answer is larger than the conduit allows.
    AnswerTooLarge = "answer-too-large", 502, "the answer is larger than this conduit allows";
    /// The exchange took longer than the conduit allows.
    AnswerTooLong = "answer-too-long", 504, "the exchange took longer than this conduit allows";
    /// The answer recommends a value outside the limits of its tag.
    AnswerLimit = "answer-limit", 403, "the answer sets a process value outside the limits of this plant";
    /// The answer recommends something for a limited tag that cannot be held against its limits.
    AnswerUnresolved = "answer-unresolved", 403, "the answer sets a limited process value in a way that cannot be checked";
    /// The answer waits for a person, and nobody can be asked.
    AnswerHeld = "answer-held", 403, "the answer needs a person's decision, and nobody can be asked for it here";
    /// No call that the workload may account for has this record.
    RecordUnknown = "record-unknown", 404, "no call that this workload may account for has this record";
    /// The call has not ended, so its answer cannot be accounted for yet.
    RecordOpen = "record-open", 409, "the call has not ended yet; account for it when it has";
    /// The answer was too long ago, or has been accounted for too often.
    RecordClosed = "record-closed", 410, "this answer can no longer be accounted for";
    /// A web page asks, and it is none of those that the plant names.
    OriginRefused = "origin-refused", 403, "the plant does not name this web page's origin";
    /// The caller went away before the end.
    CallerLeft = "caller-left", 499, "the caller left before the answer was complete";
    /// The gateway stopped or failed before the exchange ended.
    Abandoned = "abandoned", 500, "the exchange was cut off before its end";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A call that goes nowhere: the reason, and what the plant's people are told beyond it.
///
/// The caller is told [`Reason::message`]; `detail` is for logs, records and `penstock explain`. It names plant
/// things (ids, labels, rules, offsets), never content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// The code.
    pub reason: Reason,
    /// What exactly, for the plant's people.
    pub detail: String,
    /// Rules that decided, if any did.
    pub rules: Vec<crate::RuleId>,
}

impl Refusal {
    /// A refusal that no rule of the plant's own caused.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), rules: Vec::new() }
    }

    /// What of the detail the caller is told too: where an answer was stopped, an operator must read of which tag and why.
    /// These details name tags that have limits, and labels; nothing else. Where a data source is closed, whoever runs the workload
    /// must know which: its name, and not what of it was found.
    #[must_use]
    pub fn told(&self) -> Option<&str> {
        let told = matches!(
            self.reason,
            Reason::AnswerLimit
                | Reason::AnswerUnresolved
                | Reason::AnswerHeld
                | Reason::AnswerRefused
                | Reason::SourceDenied
        );
        Some(self.detail.as_str()).filter(|detail| told && !detail.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_statuses_are_errors() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        assert!(Reason::ALL.iter().all(|reason| (400..600).contains(&reason.status())));
    }
}
