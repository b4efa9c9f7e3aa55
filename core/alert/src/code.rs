//! What an alert is of: the one list of codes.

use crate::Severity;
use plant::Reason;
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $base:ident, $title:literal;)*) => {
        /// What an alert is of. The codes are stable: rules of a SIEM match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code: at most 32 lower-case letters and hyphens.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How urgent it is in a zone of medium criticality, or in none.
            #[must_use]
            pub fn base(self) -> Severity {
                match self { $(Self::$name => Severity::$base,)* }
            }

            /// What it says to people, in ASCII.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// An answer recommended a value outside the limits of its tag, or one that could not be held against them.
    UnsafeSetpoint = "unsafe-setpoint", High, "An answer recommends a process value outside its limits";
    /// A credential that is not for this place, person or time.
    IdentityMisused = "identity-misused", High, "A credential was used where or when it must not be";
    /// A caller showed nothing, or nothing that counts.
    IdentityRefused = "identity-refused", Medium, "A caller could not be proved";
    /// No path of the plant allows the call.
    PathRefused = "path-refused", Medium, "A call was refused: no path of the plant allows it";
    /// What a call held must not leave.
    ContentRefused = "content-refused", Medium, "A call was refused: its content must not leave";
    /// Sensitive content was found in a call that may leave, perhaps changed.
    SensitiveContent = "sensitive-content", Medium, "Sensitive content was found in a call that went on";
    /// What an answer held must not come back.
    AnswerRefused = "answer-refused", Medium, "An answer was stopped on its way back";
    /// Bytes that are no call, or are made to look like two.
    FormRefused = "form-refused", Low, "A call was refused: it is malformed or deceives";
    /// A call came to a path that is shut by hand.
    IsolatedCall = "isolated-call", Low, "A call came to a path that is isolated";
    /// A call waited for a person and did not leave.
    HoldEnded = "hold-ended", Low, "A call that waited for a person did not leave";
    /// A call waits for a person.
    CallHeld = "call-held", Low, "A call waits for a person";
    /// A quota is used up.
    QuotaExceeded = "quota-exceeded", Medium, "A quota is used up and calls are refused";
    /// A quota comes to its share.
    QuotaWarning = "quota-warning", Low, "A quota is nearly used up";
    /// More calls than the gateway carries.
    Overloaded = "overloaded", Medium, "The gateway refuses calls because it carries as many as it may";
    /// A provider failed a call.
    ProviderFailed = "provider-failed", Low, "A provider failed calls";
    /// A provider failed so often that it is left alone.
    BreakerOpen = "breaker-open", Medium, "A provider fails and is left alone";
    /// Another answered than was asked.
    AnswerSwitched = "answer-switched", Low, "Calls are answered by another than was asked";
    /// The calls of a workload changed abruptly.
    WorkloadShifted = "workload-shifted", Medium, "The calls of a workload have shifted";
    /// Nobody accounted for an answer in time.
    AnswerUnaccounted = "answer-unaccounted", Medium, "Nobody accounted for an answer in time";
    /// A person did something else than an answer advised.
    AnswerOverruled = "answer-overruled", Low, "A person overrode or stopped what AI advised";
    /// Calls whose end nobody saw.
    CallAbandoned = "call-abandoned", Low, "Calls were cut off by the end of the gateway";
    /// A part of the traffic is shut by hand.
    Isolated = "isolated", High, "A part of the plant's AI traffic is isolated";
    /// A plant file was refused.
    PlantRefused = "plant-refused", High, "A plant file was refused and what was in force stays";
    /// Another plant file is in force.
    PlantChanged = "plant-changed", Low, "Another plant file is in force";
    /// A token was issued, altered, revoked or removed.
    AccessChanged = "access-changed", Low, "A token was issued, altered, revoked or removed";
    /// Somebody was turned away at the console.
    AccessRefused = "access-refused", Medium, "A sign-in, a token or a request at the console was refused";
    /// The clock was set.
    ClockSet = "clock-set", High, "The clock was set or drifted";
    /// A write was cut short by a crash.
    LedgerTorn = "ledger-torn", Medium, "A write of the ledger was cut short and removed";
    /// The disk below the ledger fills up.
    LedgerDisk = "ledger-disk", High, "The ledger's disk fills up or is full";
    /// Heads of the ledger cannot be published.
    LedgerUnpublished = "ledger-unpublished", Medium, "Heads of the ledger cannot be published";
    /// The ledger was not written for a while.
    LedgerGap = "ledger-gap", High, "The ledger could not be written for a while";
    /// The ledger takes no records, so nothing may leave.
    LedgerDown = "ledger-down", Critical, "The ledger takes no records and no call may leave";
    /// Too few witnesses sign.
    WitnessMissing = "witness-missing", High, "Too few witnesses have signed the ledger for too long";
    /// Somebody opened sealed content.
    ContentOpened = "content-opened", Medium, "Somebody opened sealed content of calls";
    /// Content was erased, held or released.
    ContentErased = "content-erased", Low, "Sealed content was erased, held or released";
    /// Records were exported or removed.
    RecordsMoved = "records-moved", Info, "Records were exported, or removed because their time was over";
    /// A drill showed that a promise is not kept.
    DrillFailed = "drill-failed", High, "A drill showed that the plant file's promises are not kept";
    /// The gateway started.
    GatewayStarted = "gateway-started", Info, "The gateway started";
    /// A destination of alerts takes none.
    DestinationDown = "destination-down", Medium, "A destination of alerts takes none";
    /// Alerts were withheld because there were too many, or a destination refused them.
    AlertsWithheld = "alerts-withheld", Medium, "Alerts were withheld: there were too many, or the destination refused them";
    /// Somebody tries out whether alerts arrive.
    Test = "test", Info, "A test: alerts arrive here";
}

impl Code {
    /// The code of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|code| code.name() == name).copied()
    }

    /// What a refusal or a bad end for this reason is an alert of, if of any: not what is nobody's doing.
    #[must_use]
    pub fn of_reason(reason: Reason) -> Option<Self> {
        use Reason as R;
        let code = match reason {
            R::AnswerLimit | R::AnswerUnresolved => Self::UnsafeSetpoint,
            R::TokenRevoked
            | R::IdentityConflict
            | R::ZoneMismatch
            | R::CertificateUntrusted
            | R::SessionUnknown
            | R::OriginRefused => Self::IdentityMisused,
            R::NoIdentity
            | R::TokenUnknown
            | R::TokenExpired
            | R::CertificateExpired
            | R::CertificateUnmapped
            | R::Ungoverned
            | R::OperatorInvalid
            | R::OperatorExpired
            | R::OperatorRequired
            | R::OperatorAssurance => Self::IdentityRefused,
            R::UnknownHost
            | R::UnknownProvider
            | R::UnknownEndpoint
            | R::CallerDistrusts
            | R::NoConduit
            | R::PurposeMissing
            | R::PurposeNotAllowed
            | R::ConduitExpired
            | R::ModelNotAllowed
            | R::ToolNotAllowed
            | R::ToolNotApproved
            | R::RuleForbids
            | R::ComponentNotLive
            | R::ComponentSuspended
            | R::ComponentRetired => Self::PathRefused,
            R::ContentRefused | R::AboveCeiling | R::SourceDenied => Self::ContentRefused,
            R::AnswerRefused | R::AnswerHeld => Self::AnswerRefused,
            R::BadRequest
            | R::HostMismatch
            | R::HelloRefused
            | R::ContentType
            | R::ContentEncoding
            | R::BodyTooLarge
            | R::Malformed
            | R::DuplicateKey
            | R::TooDeep => Self::FormRefused,
            R::Isolated => Self::IsolatedCall,
            R::HoldRefused | R::HoldExpired => Self::HoldEnded,
            R::QuotaExceeded => Self::QuotaExceeded,
            R::TooBusy => Self::Overloaded,
            R::CredentialMissing
            | R::ProviderResting
            | R::ProviderUnreachable
            | R::ProviderTimeout
            | R::ProviderBroken
            | R::AnswerTooLarge
            | R::AnswerTooLong => Self::ProviderFailed,
            R::Abandoned => Self::CallAbandoned,
            _ => return None,
        };
        Some(code)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
