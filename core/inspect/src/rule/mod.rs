//! The table of built-in rules: what each is called and which label it gives.

pub(crate) mod example;

use crate::secret::mark::MARKS;
use crate::secret::vendor::VENDORS;

macro_rules! built_in {
    ($($variant:ident $name:literal $label:literal;)*) => {
        /// A built-in rule that is not one of the vendors' key formats.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum BuiltIn { $($variant),* }

        const BUILT_IN: &[(&str, &str)] = &[$(($name, $label)),*];
    };
}

built_in! {
    AssignedKey "key.assigned" "secret.key";
    NearKey "key.near" "secret.key";
    BearerKey "key.bearer" "secret.key";
    PasswordHash "key.password-hash" "secret.key";
    Webhook "key.webhook" "secret.key";
    PrivateKey "private-key.pem" "secret.private-key";
    AssignedPassword "password.assigned" "secret.password";
    UrlPassword "password.url" "secret.password";
    CommandPassword "password.command" "secret.password";
    Email "person.email" "person.email";
    Phone "person.phone" "person.phone";
    Iban "person.iban" "person.iban";
    Card "person.card" "person.card";
    Ipv4 "network.ipv4" "network.address";
    Ipv6 "network.ipv6" "network.address";
    Mac "network.mac" "network.mac";
    TagIsa "tag.isa" "tag";
    TagVariable "tag.variable" "tag";
    TagAddress "tag.address" "tag";
    TagKks "tag.kks" "tag";
    TagReference "tag.reference" "tag";
    TagOpc "tag.opc" "tag";
    TagPin "tag.pin" "tag";
    TagScheme "tag.scheme" "tag";
    Setpoint "setpoint.value" "setpoint";
    Tolerance "tolerance.size" "tolerance";
    Geometry "tolerance.geometry" "tolerance";
    PartNumber "part.number" "part.number";
    BatchNumber "part.batch" "part.batch";
    DrawingNumber "part.drawing" "part.drawing";
    SerialNumber "part.serial" "part.serial";
    Badge "person.badge" "person.badge";
    NationalId "person.id" "person.id";
    PersonName "person.name" "person.name";
    PostalAddress "person.address" "person.address";
    NetworkPlan "network.plan" "network.plan";
    PlcCode "code.plc" "code.plc";
    Gcode "code.gcode" "code.gcode";
    Recipe "recipe.form" "recipe";
    Drawing "drawing.text" "drawing";
    Image "attachment.image" "attachment.image";
    ImageDrawing "attachment.image.drawing" "attachment.image.drawing";
    ImageScreen "attachment.image.screen" "attachment.image.screen";
    ImagePhotograph "attachment.image.photograph" "attachment.image.photograph";
    Audio "attachment.audio" "attachment.audio";
    File "attachment.file" "attachment.file";
    Opaque "attachment.opaque" "attachment.opaque";
    HiddenTags "hidden.tags" "injection.hidden";
    HiddenSelectors "hidden.selectors" "injection.hidden";
    HiddenZeroWidth "hidden.zero-width" "injection.hidden";
    HiddenBidi "hidden.bidi" "injection.hidden";
    HiddenMarkup "hidden.markup" "injection.hidden";
    MarkerTemplate "marker.template" "injection.marker";
    MarkerRole "marker.role" "injection.marker";
    PhraseOverride "phrase.override" "injection.phrase";
    PhrasePersona "phrase.persona" "injection.phrase";
    PhraseReveal "phrase.reveal" "injection.phrase";
    PhraseConceal "phrase.conceal" "injection.phrase";
    PhraseAuthority "phrase.authority" "injection.phrase";
    PhraseAddress "phrase.address" "injection.phrase";
    PhraseCombined "phrase.combined" "injection.phrase";
    EncodedPhrase "encoded.phrase" "injection.encoded";
}

/// Index of a rule in the whole table: built-in ones, then vendors, then the plant's dictionary labels.
pub(crate) type RuleIndex = usize;

impl BuiltIn {
    pub(crate) fn index(self) -> RuleIndex {
        self as usize
    }
}

/// Whether the rule finds whole blocks, in which values are findings of their own.
pub(crate) fn is_form(rule: RuleIndex) -> bool {
    [BuiltIn::PlcCode, BuiltIn::Gcode, BuiltIn::Recipe, BuiltIn::Drawing].iter().any(|form| form.index() == rule)
}

/// Index of the vendor rule at `position` of [`VENDORS`].
pub(crate) fn vendor(position: usize) -> RuleIndex {
    BUILT_IN.len() + position
}

/// Rules of what the plant registered. What they find is called by its own name, such as `document.pump-7`.
const REGISTERED: [(&str, &str); 4] =
    [("data", "data"), ("document", "document"), (TRACE, TRACE), ("picture", "picture")];

/// The label of a message that repeats too little of a document to be a copy.
pub(crate) const TRACE: &str = "document.trace";

/// Index of the mark rule at `position` of [`MARKS`].
pub(crate) fn mark(position: usize) -> RuleIndex {
    BUILT_IN.len() + VENDORS.len() + position
}

/// Every row of the table; a vendor with several prefixes comes several times.
pub(crate) fn rules_with_repeats() -> impl Iterator<Item = (&'static str, &'static str)> {
    let keys = VENDORS.iter().map(|vendor| vendor.rule).chain(MARKS.iter().map(|mark| mark.rule));
    BUILT_IN.iter().copied().chain(keys.map(|rule| (rule, "secret.key"))).chain(REGISTERED)
}

/// Every built-in rule with the label that it gives, in a fixed order. These names go into
/// [`crate::Settings::disabled`] and come back in a finding's `rule`.
pub fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut last = "";
    rules_with_repeats().filter(move |(name, _)| std::mem::replace(&mut last, name) != *name)
}
