//! What people may do with a running gateway. Roles are the plant's own words for its people's work; what each may do is fixed here, so
//! that it can be read in one place and audited.

use std::fmt;

/// The part that a person plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Runs the line: answers for holds, shuts what must be shut.
    Operator,
    /// Answers for zones and conduits.
    Engineer,
    /// Answers for incidents.
    Security,
    /// Reads everything, changes nothing.
    Auditor,
    /// Runs the gateway. Neither sees content nor decides holds: whoever runs a machine need not know what it carries.
    Administrator,
}

/// Something that can be done with a running gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See how it stands, without content.
    View,
    /// See the content of a held call. Each look is recorded.
    SeeContent,
    /// Isolate a part.
    Isolate,
    /// Restore a part.
    Restore,
    /// Let a held call go on, or refuse it.
    DecideHold,
    /// Have the plant's files read anew, and look at drafts of them.
    Change,
}

impl Role {
    /// Every role with its name.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("viewer", Self::Viewer),
        ("operator", Self::Operator),
        ("engineer", Self::Engineer),
        ("security", Self::Security),
        ("auditor", Self::Auditor),
        ("administrator", Self::Administrator),
    ];

    /// The role of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, role)| *role)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Engineer => "engineer",
            Self::Security => "security",
            Self::Auditor => "auditor",
            Self::Administrator => "administrator",
        }
    }

    /// Whether it has a right. Matched in full, so that a new right is given to nobody unsaid.
    #[must_use]
    pub fn has(self, right: Right) -> bool {
        match right {
            Right::View => true,
            Right::SeeContent => matches!(self, Self::Engineer | Self::Security | Self::Auditor),
            Right::Isolate => matches!(self, Self::Operator | Self::Engineer | Self::Security | Self::Administrator),
            Right::Restore | Right::Change => matches!(self, Self::Engineer | Self::Security | Self::Administrator),
            Right::DecideHold => matches!(self, Self::Operator | Self::Engineer | Self::Security),
        }
    }
}

impl Right {
    /// Every right with its name.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("view", Self::View),
        ("see-content", Self::SeeContent),
        ("isolate", Self::Isolate),
        ("restore", Self::Restore),
        ("decide-hold", Self::DecideHold),
        ("change", Self::Change),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, right)| *right == self).map_or("", |(name, _)| name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{Right, Role};

    #[test]
    fn each_role_has_these_rights_and_no_others() {
        let rights = |role: Role| -> String {
            let held = Right::NAMES.iter().filter(|(_, right)| role.has(*right));
            held.map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
        };
        for (name, expected) in [
            ("viewer", "view"),
            ("operator", "view isolate decide-hold"),
            ("engineer", "view see-content isolate restore decide-hold change"),
            ("security", "view see-content isolate restore decide-hold change"),
            ("auditor", "view see-content"),
            ("administrator", "view isolate restore change"),
        ] {
            assert_eq!(Role::named(name).map(rights).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(Role::named("root"), None);
    }
}
