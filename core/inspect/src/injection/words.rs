//! The words that instructions to a model are made of, in six languages, and what each of them does in a sentence.
//!
//! No word tells anything alone. `ignore`, `previous` and `instructions` are the plant's words too; what they come to
//! together is judged in [`super::phrase`].

use crate::bytes::{Caseless, first, head};
use crate::ranked::{Ranked, spread};
use std::collections::{BTreeMap, BTreeSet};

/// What a word does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Class {
    /// Says that something no longer counts: `ignore`.
    Drop,
    /// Says that something counts: `follow`.
    Follow,
    Not,
    Without,
    /// What a model is given to go by: `instructions`.
    Talk,
    /// What it may not do, or was told: `rules`, `everything`.
    Rule,
    /// Said before: `previous`, `above`.
    Before,
    /// `all`, `any`.
    Every,
    /// `your`.
    Yours,
    /// Things of the plant that `ignore the previous` is said of every day.
    Plant,
    You,
    Be,
    Now,
    /// What `now` follows in `from now on`.
    From,
    /// `from now on` in one word.
    Hence,
    /// Says to be somebody else.
    Persona,
    /// Says that nothing is forbidden.
    Unbound,
    /// A model.
    Ai,
    /// `print`, `show`.
    Show,
    /// `leak`, `reveal`.
    Leak,
    Secret,
    System,
    Hidden,
    Tell,
    Human,
    /// `reply`, `respond`.
    Say,
    /// `text`, `conversation`.
    Text,
    Verbatim,
    New,
    Override,
    When,
    /// `summarising`, `answering`.
    Doing,
    /// `call`, `append`, `send`.
    Call,
    Link,
    /// Goes before an order: `and`, `please`.
    Lead,
    /// `must`, `will`: an order only to `you`.
    Auxiliary,
    /// An identifier that is called: `write_tag(`.
    Code,
    /// Makes a safeguard ineffective: `bypass`.
    Defeat,
    /// That was done, or is to be done by somebody: `bypassed`.
    Defeated,
    Defeating,
    /// Makes one ineffective, or a force sensor.
    Force,
    /// `turn`, of `turn off`; and the `off`.
    Turn,
    Off,
    /// A safeguard: `interlock`.
    Guard,
    Alarm,
    /// What makes a [`Class::Thing`] a safeguard: `safety`.
    Safe,
    /// The same, behind it: `relé de seguridad`.
    Behind,
    /// `relay`.
    Thing,
    /// Forbids or warns.
    Ban,
    /// Says that it was so.
    Past,
    If,
    /// Goes before a noun.
    Article,
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Classes(u64);

impl Classes {
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn of(class: Class) -> Self {
        Self(1 << class as u8)
    }

    pub(crate) fn has(self, class: Class) -> bool {
        self.0 & Self::of(class).0 != 0
    }

    #[inline]
    pub(crate) fn has_one_of(self, classes: &[Class]) -> bool {
        self.0 & classes.iter().fold(Self::NONE, |all, class| all.and(Self::of(*class))).0 != 0
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, class: Class) -> Self {
        Self(self.0 & !Self::of(class).0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::NONE
    }
}

/// Each class with its words, in lower case and without accents; one that ends in `*` stands for all that begin so.
const LEXICON: &[(Class, &str)] = &[
    (Class::Drop, "ignore ignoring disregard disregarding forget override overrule neglect unlearn overlook"),
    (Class::Drop, "ignorier* vergiss vergesst vergessen missachte* ubergehe* ignorez oublie oubliez oublier neglige*"),
    (Class::Drop, "ignora ignoren ignorad ignorar olvida olvide olvidate olviden olvidar ignorate dimentica"),
    (
        Class::Drop,
        "dimenticate trascura trascurate scorda scordati ignoruj zignoruj zignorujcie zapomnij zapomnijcie zlekcewaz",
    ),
    (
        Class::Follow,
        "follow following obey obeying heed comply befolge* folge suis suivez suivre obeis obeissez sigas siga seguir obedezcas",
    ),
    (Class::Follow, "seguire segui seguite obbedire stosuj przestrzegaj sluchaj kieruj"),
    (
        Class::Not,
        "not never don't dont doesn't shouldn't mustn't can't cannot won't stop no nicht nie niemals kein* keine pas jamais ne nunca",
    ),
    (Class::Not, "non mai longer"),
    (Class::Without, "without free no any ohne keine* sans sin senza bez not"),
    (
        Class::Talk,
        "instruction instructions prompt prompts directive directives guideline guidelines programming preprompt",
    ),
    (
        Class::Talk,
        "anweisung* instruktion* vorgabe* systemvorgabe* systemprompt* systemanweisung* eingabeaufforderung* richtlinie*",
    ),
    (
        Class::Talk,
        "consigne consignes instruccion instrucciones indicacion indicaciones directriz directrices istruzion* direttiv* indicazion*",
    ),
    (Class::Talk, "consegne instrukcj* polecen* wytyczn* wskazow* promptu prompta"),
    (
        Class::Rule,
        "rule rules command commands order orders constraint constraints restriction restrictions limitation limitations",
    ),
    (
        Class::Rule,
        "limit limits filter filters censorship boundaries ethics morals policy policies safeguard safeguards safety context training",
    ),
    (
        Class::Rule,
        "conversation conversations message messages input inputs request requests everything anything task role",
    ),
    (
        Class::Rule,
        "regel regeln befehl* einschrankung* beschrankung* kontext alles regle regles ordre ordres restriction* contexte tout",
    ),
    (
        Class::Rule,
        "regla reglas orden ordenes restriccion* limites filtros contexto todo regol* ordini restrizion* limiti filtri contesto tutto",
    ),
    (Class::Rule, "zasad* regul* rozkaz* ogranicz* filtr* kontekst* wszystko limitation* filtre filtres"),
    (
        Class::Before,
        "previous previously prior preceding above earlier foregoing former past before initial original told given learned got",
    ),
    (
        Class::Before,
        "received instructed vorherig* bisher* vorig* obig* fruher* vorangegangen* vorstehend* zuvor davor ursprunglich* gegeben* gesagt*",
    ),
    (
        Class::Before,
        "precedent* anterieur* avant prealable* initiales initiale recues dessus dit anterior anteriores previa previas previo",
    ),
    (
        Class::Before,
        "previos arriba dicho dado sopra prima anteriori ricevut* detto poprzedni* wczesniejsz* powyzsz* dotychczasow* uprzedni* powiedzian*",
    ),
    (
        Class::Every,
        "all any every these those whatever alle allen aller samtlich* jeglich* tous toutes toute todas todos todas tutte tutti le",
    ),
    (Class::Every, "wszystkie wszystkich wszelki* everything alles tout todo tutto wszystko"),
    (
        Class::Yours,
        "your yours deine* dein euer eure* ihre ihren tes ton votre vos tus tu su sus tuo tue tuoi vostre vostri twoj* swoje swoich swoj",
    ),
    (
        Class::Plant,
        "alarm* warning warnings fault faults error errors reading readings measurement* email emails mail mails version versions draft",
    ),
    (
        Class::Plant,
        "revision revisions page pages section sections chapter step steps sheet drawing drawings manual sop batch batches sample samples ticket label",
    ),
    (
        Class::Plant,
        "hmi panel display value values entry entries shift operator operators supplier vendor customer line lines work order field",
    ),
    (
        Class::Plant,
        "storung* warnung* meldung* fehler messwert* seite abschnitt kapitel schritt* zeichnung charge schicht alarme alarmes erreur*",
    ),
    (
        Class::Plant,
        "avertissement* alarma* errores aviso* pagina allarm* errore errori avvis* blad bledy ostrzezen* strona alarmy code game",
    ),
    (Class::You, "you u du sie ihr vous tu usted ustedes voi lei ty wy"),
    (Class::Be, "are re be you're bist sind seid es etes eres sei siete jestes"),
    (Class::You, "you're you'll"),
    (Class::Now, "now jetzt nun maintenant ahora adesso ora teraz sofort"),
    (Class::From, "from ab von de da od on starting"),
    (Class::Hence, "desormais dorenavant odtad d'ora fortan henceforth onwards"),
    (
        Class::Persona,
        "act pretend roleplay roleplaying simulate impersonate imitate immerse persona personify character verhalte benimm spiele",
    ),
    (Class::Persona, "agis comporte fais actua finge comportati fingi agisci zachowuj udawaj"),
    (
        Class::Unbound,
        "unfiltered uncensored unrestricted unbound amoral unethical jailbreak jailbroken jailbreaking dan unmoderated",
    ),
    (
        Class::Unbound,
        "unzensiert* ungefiltert* uneingeschrankt* censure* sincensura senzacensura nieocenzurowan* nieograniczon*",
    ),
    (
        Class::Ai,
        "ai chatbot chatgpt gpt llm assistant assistent* bot openai claude gemini copilot ki ia asistente assistente asystent* sztuczn*",
    ),
    (
        Class::Show,
        "print show output repeat display recite echo list write give tell gib gebt zeige* wiederhole* drucke* nenne* affiche* montre* repete*",
    ),
    (
        Class::Show,
        "muestra* imprime* repite* escribe mostra* stampa* ripeti* scrivi pokaz* wypisz* wyswietl* powtorz* podaj",
    ),
    (
        Class::Leak,
        "reveal leak disclose expose exfiltrate dump divulge verrate* enthulle* offenbare* revele* divulgue* revela* divulga* filtra",
    ),
    (Class::Leak, "rivela* svela* ujawnij* zdradz*"),
    (
        Class::Secret,
        "credential credentials password passwords secret secrets passphrase token tokens zugangsdaten passwort* kennwort* geheimnis*",
    ),
    (Class::Secret, "identifiants secreto* contrasen* credencial* credenzial* segret* hasl* poswiadczen*"),
    (Class::System, "system admin administrator developer root sistema systeme systemu systemowy* entwickler"),
    (
        Class::Hidden,
        "hidden secret internal confidential initial original system verborgen* versteckt* interne* cache* oculto* nascost* ukryt*",
    ),
    (
        Class::Tell,
        "tell mention inform notify reveal alert say warn telling mentioning informing sag sage erwahne* informiere* dis dites mentionne*",
    ),
    (Class::Tell, "digas menciones informes informar dire menzionare informare mow wspominaj informuj"),
    (
        Class::Human,
        "user users human humans benutzer* nutzer* anwender* bediener* utilisateur* usuario* utente utenti uzytkownik* uzytkownic*",
    ),
    (
        Class::Say,
        "reply respond answer replying responding act behave speak pretend talk output antworte* reponds repondez responde* contesta*",
    ),
    (Class::Say, "rispondi* rispondete odpowiadaj* odpowiedz"),
    (
        Class::Text,
        "text texts words word everything conversation contents content message inhalt texte texto testo tekst",
    ),
    (
        Class::Verbatim,
        "verbatim wortlich literally exactly textuellement literalmente letteralmente doslownie unchanged",
    ),
    (
        Class::New,
        "new updated neue* nouvelle* nouveau nueva* nuevo* nuov* now nowy nowa nowe nowego nowej nowych nowym revised",
    ),
    (Class::Override, "override overriding bypass prompt message instruction instructions directive notice"),
    (
        Class::When,
        "when before while after whenever bevor wenn nachdem beim avant lorsque quand cuando antes quando prima kiedy zanim podczas",
    ),
    (
        Class::Doing,
        "summarising summarizing answering responding replying translating processing reading summarise summarize answer respond reply",
    ),
    (Class::Doing, "antwortest zusammenfass* antworten resumes resumir responder repondre rispondere odpowiesz"),
    (
        Class::Call,
        "call append include send add insert execute run invoke post forward upload embed fetch visit open click render",
    ),
    (
        Class::Call,
        "sende* rufe fuge envoie* appelle* ajoute* envia* llama* anade* invia* chiama* aggiungi* wyslij* wywolaj* dodaj*",
    ),
    (Class::Link, "http https www"),
    (
        Class::Lead,
        "and then please now also just first simply completely instead so but or immediately kindly important note attention to hey",
    ),
    (
        Class::Lead,
        "totally entirely bitte und jetzt nun zuerst sofort et veuillez maintenant y ahora favor e ora favore adesso i teraz prosze",
    ),
    (
        Class::Auxiliary,
        "must should shall will can may need want have going sollst musst wirst dois devez debes deve devi musisz masz",
    ),
];

/// Longest word that is looked at, in bytes.
pub(crate) const LONGEST: usize = 32;

/// How many words of 64 bits tell the shapes that there are.
const SHAPES: usize = 1 << 10;

/// And the openings of three letters.
const OPENINGS: usize = 1 << 9;

/// The lexicon, ready to be asked.
pub(crate) struct Lexicon {
    /// The openings that words have.
    openings: Ranked<OPENINGS>,
    /// The shapes that words have: most words of a text have another.
    shapes: Ranked<SHAPES>,
    /// For each shape, ascending, the words that have it.
    groups: Vec<Box<[usize]>>,
    entries: Vec<Entry>,
}

struct Entry {
    text: String,
    stem: bool,
    classes: Classes,
    caseless: Caseless,
}

impl Entry {
    fn new(text: String, stem: bool, classes: Classes) -> Self {
        Self { caseless: Caseless::new(text.as_bytes()), text, stem, classes }
    }

    /// Whether it is what the word of this `length` is with which `text` begins; `first` is of `text`.
    #[inline]
    fn is(&self, first: u64, length: usize, text: &[u8]) -> bool {
        let own = self.text.as_bytes();
        (own.len() == length || self.stem && own.len() < length) && self.caseless.stands(own, first, text)
    }
}

impl Lexicon {
    /// That of instructions to a model.
    pub(super) fn new() -> Self {
        Self::of(LEXICON)
    }

    /// That of a table: each class with its words, parted by blanks.
    pub(crate) fn of(table: &[(Class, &str)]) -> Self {
        let mut words: BTreeMap<(String, bool), Classes> = BTreeMap::new();
        let mut add = |word: String, stem, class| {
            let classes = words.entry((word, stem)).or_default();
            *classes = classes.and(Classes::of(class));
        };
        for (class, listed) in table {
            for word in listed.split(' ') {
                let (word, stem) = word.strip_suffix('*').map_or((word, false), |stem| (stem, true));
                add(word.to_owned(), stem, *class);
                // What a rotation by half the alphabet makes of English, which every model reads.
                if matches!(class, Class::Drop | Class::Talk | Class::Before | Class::Every) && !stem && word.len() > 4
                {
                    add(word.chars().map(turn).collect(), false, *class);
                }
            }
        }
        let entry = |((text, stem), classes)| Entry::new(text, stem, classes);
        Self::with(words.into_iter().map(entry).collect())
    }

    fn with(entries: Vec<Entry>) -> Self {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, Entry { text, stem, .. }) in entries.iter().enumerate() {
            let longest = if *stem { LONGEST } else { text.len() };
            let shapes: BTreeSet<usize> = (text.len()..=longest).map(|length| shape(text.as_bytes(), length)).collect();
            shapes.into_iter().for_each(|shape| groups.entry(shape).or_default().push(index));
        }
        let openings = Ranked::new(entries.iter().map(|entry| opening(entry.text.as_bytes())));
        let shapes = Ranked::new(groups.keys().copied());
        Self { openings, shapes, groups: groups.into_values().map(Vec::into_boxed_slice).collect(), entries }
    }

    /// The words that have the shape of this one.
    fn group(&self, word: &[u8]) -> impl Iterator<Item = &Entry> {
        let rank = self.shapes.rank(shape(word, word.len()));
        let group = rank.and_then(|rank| self.groups.get(rank)).map(AsRef::as_ref).unwrap_or_default();
        group.iter().filter_map(|index| self.entries.get(*index))
    }

    /// What a word does; `word` is in lower case and without accents.
    pub(crate) fn classes(&self, word: &[u8]) -> Classes {
        let fits = self.group(word).filter(|entry| {
            let own = entry.text.as_bytes();
            word == own || entry.stem && word.starts_with(own)
        });
        fits.fold(Classes::NONE, |classes, entry| classes.and(entry.classes))
    }

    /// What the word of ASCII letters of any case does that has this `length` and `text` begins with.
    #[inline]
    pub(crate) fn classes_of_letters(&self, text: &[u8], length: usize) -> Classes {
        let rank = self.shapes.rank(shape_in(text, length));
        rank.map_or(Classes::NONE, |rank| self.classes_in(rank, text, length))
    }

    /// Whether the word of ASCII letters of any case may be one of ours that has this `length` and `text` begins with.
    #[inline]
    pub(crate) fn may_be(&self, text: &[u8], length: usize) -> bool {
        self.shapes.has(shape_in(text, length))
    }

    /// The same, where the word's shape is number `rank` of all.
    fn classes_in(&self, rank: usize, text: &[u8], length: usize) -> Classes {
        let group = self.groups.get(rank).map(AsRef::as_ref).unwrap_or_default();
        let first = first(text);
        let fits =
            group.iter().filter_map(|index| self.entries.get(*index)).filter(|entry| entry.is(first, length, text));
        fits.fold(Classes::NONE, |classes, entry| classes.and(entry.classes))
    }

    /// Whether a word of letters of any case may be one of ours.
    #[inline]
    pub(crate) fn may_have(&self, word: &[u8]) -> bool {
        self.shapes.has(shape(word, word.len()))
    }

    /// Whether a word of letters of any case may be one of ours, whatever follows; at least three are there.
    pub(crate) fn may_begin(&self, word: &[u8]) -> bool {
        self.openings.has(opening(word))
    }

    /// The longest of ours that `letters` begins with, of at least three: its length and what it does.
    pub(super) fn longest(&self, letters: &[u8]) -> Option<(usize, Classes)> {
        let beginnings = (3..=letters.len()).rev().filter_map(|length| letters.get(..length));
        let ours = |word: &[u8]| {
            let same = self.group(word).filter(|entry| entry.text.as_bytes() == word);
            Some((word.len(), same.map(|entry| entry.classes).reduce(Classes::and)?))
        };
        beginnings.filter_map(ours).next()
    }
}

/// What is told of a word before it is compared, below 2^16: its first four letters, which are the same here in both
/// cases, and its `length`, as far as words are told apart by it.
#[inline]
fn shape(word: &[u8], length: usize) -> usize {
    let head = match word {
        [a, b, c, d, ..] => [*a, *b, *c, *d],
        [a, b, c] => [*a, *b, *c, 0],
        [a, b] => [*a, *b, 0, 0],
        [a] => [*a, 0, 0, 0],
        [] => [0; 4],
    };
    told(u32::from_le_bytes(head), length)
}

/// The same of the word that has this `length` and `text` begins with.
#[inline]
fn shape_in(text: &[u8], length: usize) -> usize {
    let others = if length < 4 { u32::MAX << (8 * length) } else { 0 };
    told(u32::from_le_bytes(head(text)) & !others, length)
}

/// The same by the first four letters, one a byte.
#[inline]
fn told(head: u32, length: usize) -> usize {
    /// Stems stand for words of any length; so few lengths are told apart.
    const LENGTHS: usize = 12;
    spread(u64::from(head & 0x1F1F_1F1F) | (length.min(LENGTHS) as u64) << 32, 16)
}

/// Five bits of each of a word's first three letters.
fn opening(word: &[u8]) -> usize {
    word.iter().take(3).fold(0, |opening, letter| opening << 5 | usize::from(letter & 31))
}

fn turn(letter: char) -> char {
    let turned = |first: u8, letter: u8| char::from(first + (letter - first + 13) % 26);
    match u8::try_from(letter) {
        Ok(small @ b'a'..=b'z') => turned(b'a', small),
        _ => letter,
    }
}

/// A letter without its accent, in lower case.
pub(crate) fn bare(letter: char) -> char {
    match letter {
        'à'..='å' | 'À'..='Å' | 'ą' | 'Ą' => 'a',
        'ç' | 'Ç' | 'ć' | 'Ć' => 'c',
        'è'..='ë' | 'È'..='Ë' | 'ę' | 'Ę' => 'e',
        'ì'..='ï' | 'Ì'..='Ï' => 'i',
        'ł' | 'Ł' => 'l',
        'ñ' | 'Ñ' | 'ń' | 'Ń' => 'n',
        'ò'..='ö' | 'Ò'..='Ö' => 'o',
        'ß' | 'ś' | 'Ś' => 's',
        'ù'..='ü' | 'Ù'..='Ü' => 'u',
        'ż' | 'ź' | 'Ż' | 'Ź' => 'z',
        other => other.to_ascii_lowercase(),
    }
}
