//! The words that a recommendation is made of, in English and German.

use crate::words::Words;
use std::collections::HashMap;
use std::sync::OnceLock;

/// What a word may do in a clause: a set of bits.
pub(crate) type Kind = u64;

/// Asks for a value: `set`, `stelle`.
pub(crate) const WRITE: Kind = 1;
/// Asks for more: `raise`.
pub(crate) const UP: Kind = 1 << 1;
/// Asks for less: `lower`.
pub(crate) const DOWN: Kind = 1 << 2;
/// A target follows: `to`, `auf`.
pub(crate) const TO: Kind = 1 << 3;
/// A change follows: `by`, `um`.
pub(crate) const BY: Kind = 1 << 4;
/// What is left behind: `from`, `instead of`.
pub(crate) const FROM: Kind = 1 << 5;
/// Turns a clause around: `not`, `never`.
pub(crate) const NOT: Kind = 1 << 6;
/// Tells what is or was: `was`, `reads`.
pub(crate) const REPORT: Kind = 1 << 7;
/// The same, of what is over: `yesterday`.
pub(crate) const PAST: Kind = 1 << 8;
/// Supposes: `if`, `wenn`.
pub(crate) const SUPPOSE: Kind = 1 << 9;
/// Names a bound: `limit`, `Grenzwert`.
pub(crate) const BOUND: Kind = 1 << 10;
/// Above something: `above`, `exceed`.
pub(crate) const ABOVE: Kind = 1 << 11;
/// Below something.
pub(crate) const BELOW: Kind = 1 << 12;
/// As far as it goes: `maximum`.
pub(crate) const EXTREME: Kind = 1 << 13;
/// A value from before: `previous`.
pub(crate) const BACK: Kind = 1 << 14;
/// A multiple: `double`.
pub(crate) const FACTOR: Kind = 1 << 15;
/// A time around a value: `for`, `within`.
pub(crate) const DURING: Kind = 1 << 16;
/// Means what was spoken of: `it`, `there`.
pub(crate) const THIS: Kind = 1 << 17;
/// Between a preposition and its value: `about`, `the`.
pub(crate) const FILL: Kind = 1 << 18;
/// Two ends follow: `between`.
pub(crate) const BETWEEN: Kind = 1 << 19;
/// What is to be: `setpoint`, `should`, `new`.
pub(crate) const AIM: Kind = 1 << 20;
/// Joins: `and`.
pub(crate) const AND: Kind = 1 << 21;
/// Begins a clause: `but`, `then`.
pub(crate) const BREAK: Kind = 1 << 22;
/// Who does it: `you`, `we`.
pub(crate) const WHO: Kind = 1 << 23;
/// Says what would come of it: `dangerous`, `decomposes`.
pub(crate) const HARM: Kind = 1 << 24;
/// At a value: `at`, `bei`.
pub(crate) const AT: Kind = 1 << 25;
/// Turns a negation around: `hesitate`, `forget`.
pub(crate) const DESPITE: Kind = 1 << 26;
/// Makes a verb's participle a report: `was`, `wurde`, `has been`.
pub(crate) const PASSIVE: Kind = 1 << 27;
/// German, and so are its decimal commas.
pub(crate) const GERMAN: Kind = 1 << 28;
/// English, and so are its decimal points.
pub(crate) const ENGLISH: Kind = 1 << 29;
/// A quantity of the process by its name: `temperature`.
pub(crate) const NAMED: Kind = 1 << 30;
/// Any other known word: no unit.
pub(crate) const OTHER: Kind = 1 << 31;
/// A verb as a noun: `setting`.
pub(crate) const GERUND: Kind = 1 << 32;
/// Supposes in front of whom it is said of: `should it reach`, `sollte er erreichen`.
pub(crate) const INVERTS: Kind = 1 << 34;
/// Asks who did it, or supposes that somebody does.
pub(crate) const WHOEVER: Kind = 1 << 35;
/// Asks why: with a negation behind it, it proposes.
pub(crate) const WHY: Kind = 1 << 36;
/// Asks, in front of whom it asks about: `did you`, `hast du`.
pub(crate) const ASKS: Kind = 1 << 39;
/// Says what a value does by itself: `rises`, `steigt`.
pub(crate) const DRIFTS: Kind = 1 << 37;
/// Says that something may be: `might`, `könnte`.
pub(crate) const MAYBE: Kind = 1 << 38;
/// Says of a change that it is small, and not how small: `slightly`, `etwas`.
pub(crate) const VAGUE: Kind = 1 << 40;
/// Points at a value that stands elsewhere: `the value`, `whatever`, `das Rezept`.
pub(crate) const REFERS: Kind = 1 << 41;
/// Tells a time, not a value: `minutes`, `longer`.
pub(crate) const LASTS: Kind = 1 << 42;
/// Asks, in front of whom it is said of and in a question alone: `soll er`.
pub(crate) const SHALL: Kind = 1 << 43;
/// Says a number by itself: `seven`, `dreißig`.
pub(crate) const NUMBER: Kind = 1 << 33;

const WORDS: &[(Kind, &str)] = &[
    (INVERTS | ENGLISH, "should"),
    (INVERTS | GERMAN, "sollte sollten"),
    (DRIFTS | ENGLISH, "creep creeps crept drift drifts climb climbs rise rises fall falls sink sinks swing swings"),
    (DRIFTS | GERMAN, "steigt steigen sinkt sinken fällt fallen klettert klettern schwankt"),
    (MAYBE | ENGLISH, "might could would can may will"),
    (MAYBE | GERMAN, "könnte könnten würde würden kann"),
    (WHY | ENGLISH, "why"),
    (WHY | GERMAN, "warum wieso"),
    (ASKS | ENGLISH, "did does"),
    (ASKS | GERMAN, "hast habt"),
    (WHOEVER | ENGLISH, "who whoever"),
    (WHOEVER | GERMAN, "wer"),
    (
        WRITE | ENGLISH,
        "set adjust change put keep hold maintain bring move go run operate turn dial target recommend suggest propose use choose select apply enter write program configure start restart ramp drive push heat cool try aim take switch stay leave command force override assign specify tune regulate control make let get need want require stabilise stabilize settle advise update modify position reset load send give fix lock park pin setting setting return keeping adjusting changing holding bringing moving going running operating ramping applying using maintaining writing putting targeting driving setpoint_write write_tag writetag set_setpoint setvalue set_value mov move_to",
    ),
    (
        WRITE | UP | ENGLISH,
        "raise increase boost bump heighten lift step-up elevate up crank raising increasing boosting bumping lifting",
    ),
    (
        WRITE | DOWN | ENGLISH,
        "lower decrease reduce cut drop throttle decrement slow down lowering decreasing reducing cutting dropping",
    ),
    (
        WRITE | ENGLISH,
        "double triple quadruple halve maximise maximize minimise minimize restore revert doubling halving tripling",
    ),
    (
        WRITE | GERMAN,
        "verdopple verdoppeln halbiere halbieren verdreifachen maximieren minimieren zurücksetzen zurückstellen",
    ),
    (
        WRITE | GERMAN,
        "drehe drehen stelle stellen stell einstellen setze setzen setz setzt stellt einzustellen zu_setzen halte halten hält fahre fahren fahr regle regeln ändere ändern empfehle empfehlen empfiehlt verwende verwenden wähle wählen nutze nutzen bringe bringen gib eingeben vorgeben belasse lassen lasse bleibe bleiben betreibe betreiben gehe gehen starte starten schlage vorschlagen programmiere programmieren einzuregeln anfahren eingestellt gestellt gesetzt umstellen verstellen justieren justiere konfigurieren parametrieren schreibe schreiben temperieren temperiere heizen heize kühlen kühle überschreibe überschreiben gefahren gehalten geregelt korrigieren korrigiere anpassen passe",
    ),
    (
        WRITE | UP | GERMAN,
        "erhöhe erhöhen erhöht anheben hebe heben steigern steigere hochfahren hochsetzen heraufsetzen hochstellen höher aufheizen aufdrehen hochregeln angehoben gesteigert",
    ),
    (
        WRITE | DOWN | GERMAN,
        "senke senken absenken gesenkt verringern verringere reduzieren reduziere drosseln drossle herabsetzen herunterfahren heruntersetzen runterfahren vermindern mindern abkühlen niedriger zurücknehmen herunterregeln abgesenkt reduziert verringert",
    ),
    (TO | ENGLISH, "to towards toward onto into becomes become equals equal"),
    (TO | GERMAN, "auf zu gleich"),
    (BY | ENGLISH, "by"),
    (BY | GERMAN, "um"),
    (FROM | ENGLISH, "from instead rather versus vs than formerly previously"),
    (FROM | GERMAN, "von statt anstatt anstelle als"),
    (
        NOT | ENGLISH,
        "not never no none don't dont doesn't cannot can't cant won't mustn't shouldn't avoid without neither nor isn't aren't wasn't wouldn't couldn't needn't refrain unless nothing stop",
    ),
    (NOT | GERMAN, "nicht nie niemals kein keine keinen keinesfalls keineswegs ohne vermeiden vermeide weder nichts"),
    (
        REPORT | ENGLISH,
        "reads read shows show showed showing displays indicates indicated reach reported reports reporting measured measures recorded records logged reached reaches hit hits rose fell climbed peaked dropped tripped observed sits sat stood stands currently current present presently actual now averaged average averages oscillates fluctuates varies varied typically usually normally historically log history trend data saw noted remained ran held stayed spiked drifted settled registered alarmed oscillated swung exceeded crossed touched overshot surged dipped is are am 's being measurement reading readings",
    ),
    (REPORT | PASSIVE | PAST | ENGLISH, "was were had been got has have"),
    (
        REPORT | PAST | ENGLISH,
        "raised lowered increased decreased reduced adjusted changed kept operated moved brought went",
    ),
    (REPORT | PASSIVE | PAST | GERMAN, "war waren wurde wurden hatte hatten worden gewesen"),
    (
        REPORT | GERMAN,
        "ist sind liegt lag lagen lief liefen beträgt betrug zeigt zeigte zeigen gemessen misst aktuell aktuelle aktueller aktuellen derzeit momentan momentane jetzt istwert erreicht erreichte stieg fiel sank meldet meldete steht stand protokoll verlauf messwert hat erreichen überschritt unterschritt schwankte pendelte",
    ),
    (PAST | ENGLISH, "yesterday ago earlier last overnight past"),
    (PAST | GERMAN, "gestern vorgestern früher vorhin damals zuvor"),
    (
        SUPPOSE | ENGLISH,
        "if when whenever once suppose assuming assumed assumes provided should_it in_case while whether what hypothetically imagine",
    ),
    (SUPPOSE | GERMAN, "wenn falls sobald angenommen sofern während ob"),
    (
        BOUND | ENGLISH,
        "limit limits alarm alarms trip trips interlock interlocks range ranges design rated rating spec specification specifications allowed allowable permitted permissible threshold thresholds bound bounds constraint constraints ceiling floor envelope hh ll hihi lolo setpoint_high clamp span",
    ),
    (
        BOUND | GERMAN,
        "grenzwert grenzwerte grenze grenzen alarmgrenze abschaltgrenze bereich messbereich regelbereich zulässig zulässige zulässigen zulässiger erlaubt erlaubte schwelle schaltpunkt obergrenze untergrenze auslegung auslegungsdruck höchstwert",
    ),
    (ABOVE | ENGLISH, "above over exceed exceeds exceeding beyond greater higher past more least"),
    (ABOVE | GERMAN, "über oberhalb überschreiten überschreitet überschreite mehr mindestens größer"),
    (BELOW | ENGLISH, "below under less fewer beneath most"),
    (BELOW | GERMAN, "unter unterhalb unterschreiten unterschreitet höchstens weniger kleiner"),
    (
        EXTREME | ENGLISH,
        "maximum max minimum min highest lowest flat possible full fully wide-open flat-out limitless infinity inf nan unlimited maximise maximize minimise minimize top maxed all-out",
    ),
    (
        EXTREME | GERMAN,
        "voll volle voller vollgas anschlag maximale maximalen minimalen minimale höchste niedrigste maximal minimal maximieren minimieren ganz höchststufe unendlich maximalwert minimalwert höchstmöglich möglich",
    ),
    (
        BACK | ENGLISH,
        "back previous old former original before default normal usual prior baseline restore revert again nominal initial earlier_value standard same",
    ),
    (
        BACK | GERMAN,
        "zurück vorherigen vorherige vorheriger alten alte alter alter ursprünglichen ursprüngliche bisherigen bisherige zurücksetzen zurückstellen vorigen normalwert ausgangswert standardwert wieder normalen",
    ),
    (
        FACTOR | ENGLISH,
        "double doubled doubling triple quadruple halve half twice thrice halving tripling factor times fold",
    ),
    (
        FACTOR | GERMAN,
        "verdopple verdoppeln verdreifachen halbiere halbieren doppelte doppelten dreifache hälfte faktor fache fachen doppelt",
    ),
    (DURING | ENGLISH, "for within during after every until per each at_least_for"),
    (DURING | GERMAN, "für innerhalb binnen nach alle lang pro je bis"),
    (THIS | ENGLISH, "it this that there its itself here both them they"),
    (THIS | GERMAN, "ihn es sie diesen dieses diese dies dort da dieser das hier ihm"),
    (
        FILL | ENGLISH,
        "the a an about approximately approx around roughly exactly nearly almost some say only just value values new of up down temperature_of ca circa precisely steady constant fixed another extra additional further maximum_of minimum_of no_more target",
    ),
    (
        FILL | GERMAN,
        "den dem der die das ein eine einen etwa rund ungefähr zirka genau knapp gut neuen neue neuer konstant konstante fest weitere weiteren zusätzlich circa ca cirka vom",
    ),
    (
        VAGUE | ENGLISH,
        "slightly somewhat bit touch notch tad little few couple marginally fraction fractionally moderately gently wider tighter further smidge trifle",
    ),
    (
        VAGUE | GERMAN,
        "etwas leicht leichter wenig bisschen bißchen tick stück stückchen paar geringfügig ein_wenig weiter hauch nuance spur moderat behutsam",
    ),
    (SHALL | GERMAN, "soll sollen"),
    (REFERS | ENGLISH, "value values setting settings figure number whatever recipe spec"),
    (REFERS | GERMAN, "wert werte einstellung rezept vorgabewert was"),
    (
        LASTS | ENGLISH,
        "minute minutes minutely second seconds hour hours day days week weeks moment moments longer later earlier sooner shorter time times",
    ),
    (
        LASTS | GERMAN,
        "minute minuten sekunde sekunden stunde stunden tag tage woche wochen länger später früher kürzer moment augenblick zeit mal",
    ),
    (
        WRITE | ENGLISH,
        "nudge ease tweak trim open close tighten loosen nudging easing tweaking trimming opening closing",
    ),
    (WRITE | GERMAN, "öffne öffnen schließe schließen dreh gestellt nachstellen nachregeln feinjustieren"),
    (UP | GERMAN, "hoch rauf herauf hinauf"),
    (DOWN | GERMAN, "herunter runter hinunter"),
    (BETWEEN | ENGLISH, "between"),
    (BETWEEN | GERMAN, "zwischen"),
    (
        AIM | ENGLISH,
        "setpoint setpoints set-point sp should must shall ought recommended recommendation suggested proposed optimal optimum ideal best desired preferred new target goal aim would could may might can will required intended planned requested appropriate right correct sensible please necessary advisable better",
    ),
    (
        AIM | GERMAN,
        "sollwert sollwerte soll sollte sollten sollen muss müssen empfohlen empfohlene empfohlener optimal optimale ideal ideale bitte würde könnte könnten würden kann darf neuer vorgabe zielwert ziel gewünscht empfehlung vorschlag nötig notwendig erforderlich ratsam sinnvoll angebracht besser stellwert führungsgröße",
    ),
    (AND | ENGLISH, "and or as as_well_as plus"),
    (AND | GERMAN, "und oder sowie bzw"),
    (
        BREAK | ENGLISH,
        "but however then otherwise because since so therefore although though hence afterwards whereas which who why how",
    ),
    (
        BREAK | GERMAN,
        "aber sondern dann sonst weil da_ damit deshalb daher obwohl jedoch danach doch denn anschließend",
    ),
    (WHO | ENGLISH, "you we i he she operator operators one someone they_ somebody crew staff people shift"),
    (WHO | GERMAN, "ich du wir man er ihr jemand bediener anlagenfahrer"),
    (
        HARM | ENGLISH,
        "dangerous unsafe hazardous decompose decomposes boil boils melt melts freeze freezes ignite ignites rupture ruptures damage damages violate violates burst bursts explode explodes degrade degrades wrong unacceptable prohibited forbidden harmful risky disaster runaway scorch scorches char chars burn burns coke cokes crack cracks clog clogs foam foams cavitate cavitates spoil spoils",
    ),
    (
        HARM | GERMAN,
        "gefährlich unsicher zersetzt zersetzen siedet schmilzt gefriert verboten unzulässig beschädigt beschädigen falsch riskant platzt explodiert verkokt verkoken verbrennt verbrennen anbrennen reißt reißen schäumt schäumen verdirbt verderben",
    ),
    (AT | ENGLISH, "at @"),
    (AT | GERMAN, "bei"),
    (DESPITE | ENGLISH, "hesitate forget fail worry only necessarily reason problem doubt"),
    (DESPITE | GERMAN, "zögern zögere vergessen vergiss nur"),
    (
        NAMED | ENGLISH,
        "temperature temperatures pressure pressures flow flows flowrate level levels speed speeds concentration conductivity humidity density voltage torque power position opening feed jacket reactor pump valve agitator boiler column vessel tank furnace dryer heater",
    ),
    (
        NAMED | GERMAN,
        "temperatur druck durchfluss drehzahl füllstand stand_ konzentration leitfähigkeit feuchte dichte spannung drehmoment leistung stellung öffnung mantel reaktor pumpe ventil rührer kessel kolonne behälter ofen trockner heizung",
    ),
    (
        OTHER | ENGLISH,
        "with on off in out via using_ slowly quickly immediately today tomorrow tonight soon gradually steadily carefully manually automatically first second third step steps point points please_ loop controller mode manual auto automatic cascade output input unit units tag tags name type number id process safe safely because_ due also too very still yet already next following day night shift_ morning evening today's line product batch phase recipe resin catalyst reaction yield quality energy efficiency order ok okay yes instead_ once_ twice_ maximum_ and/or total end begin initially finally later earlier sooner long short wait check verify ensure monitor watch observe confirm note remember see look based given per_ against across along among around_ away closer toward_ though_ thus way well pages page pieces pcs costs cost",
    ),
    (
        OTHER | GERMAN,
        "mit im am in an aus vor sofort langsam schnell heute morgen bald schrittweise manuell automatisch regler betrieb modus ausgang eingang einheit messstelle name art nummer prozess sicher sicherheit wegen auch sehr noch schon nächste folgende tag_ nacht schicht linie produkt charge phase rezept harz reaktion ausbeute qualität energie ordnung ja später prüfen achten hinweis siehe gut_ ab an_ ein_ uhr dabei davon dafür dazu hoch runter herunter hinauf stufe stufen wert werte zum zur beim des einem einer eines stück seiten seite mal kostet",
    ),
];

/// Numbers below a hundred, in English.
pub(crate) const NUMBERS: &[(&str, f64)] = &[
    ("zero", 0.0),
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("thirteen", 13.0),
    ("fourteen", 14.0),
    ("fifteen", 15.0),
    ("sixteen", 16.0),
    ("seventeen", 17.0),
    ("eighteen", 18.0),
    ("nineteen", 19.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
    ("dozen", 12.0),
];

/// Words for multiples.
pub(crate) const FACTORS: &[(&str, f64)] = &[
    ("double", 2.0),
    ("doubled", 2.0),
    ("doubling", 2.0),
    ("twice", 2.0),
    ("triple", 3.0),
    ("tripling", 3.0),
    ("thrice", 3.0),
    ("quadruple", 4.0),
    ("halve", 0.5),
    ("half", 0.5),
    ("halving", 0.5),
    ("verdopple", 2.0),
    ("verdoppeln", 2.0),
    ("doppelte", 2.0),
    ("doppelten", 2.0),
    ("doppelt", 2.0),
    ("verdreifachen", 3.0),
    ("dreifache", 3.0),
    ("halbiere", 0.5),
    ("halbieren", 0.5),
    ("hälfte", 0.5),
];

/// The same in German, with the forms that stand in longer ones.
pub(crate) const ZAHLEN: &[(&str, f64)] = &[
    ("null", 0.0),
    ("eins", 1.0),
    ("ein", 1.0),
    ("zwei", 2.0),
    ("zwo", 2.0),
    ("drei", 3.0),
    ("vier", 4.0),
    ("fünf", 5.0),
    ("sechs", 6.0),
    ("sieben", 7.0),
    ("acht", 8.0),
    ("neun", 9.0),
    ("zehn", 10.0),
    ("elf", 11.0),
    ("zwölf", 12.0),
    ("dreizehn", 13.0),
    ("vierzehn", 14.0),
    ("fünfzehn", 15.0),
    ("sechzehn", 16.0),
    ("siebzehn", 17.0),
    ("achtzehn", 18.0),
    ("neunzehn", 19.0),
    ("zwanzig", 20.0),
    ("dreißig", 30.0),
    ("dreissig", 30.0),
    ("vierzig", 40.0),
    ("fünfzig", 50.0),
    ("sechzig", 60.0),
    ("siebzig", 70.0),
    ("achtzig", 80.0),
    ("neunzig", 90.0),
];

/// What is known of a word.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    kind: Kind,
    factor: Option<f64>,
}

fn entry(word: &str) -> Entry {
    static ENTRIES: OnceLock<HashMap<&'static str, Entry, Words>> = OnceLock::new();
    let entries = ENTRIES.get_or_init(|| {
        let mut entries: HashMap<&'static str, Entry, Words> = HashMap::default();
        for (kind, words) in WORDS {
            for word in words.split(' ') {
                let gerund = kind & WRITE != 0 && kind & ENGLISH != 0 && word.len() > 5 && word.ends_with("ing");
                entries.entry(word).or_default().kind |= *kind | if gerund { GERUND } else { 0 };
            }
        }
        for (word, factor) in FACTORS {
            entries.entry(word).or_default().factor = Some(*factor);
        }
        for (word, _) in NUMBERS.iter().chain(ZAHLEN) {
            entries.entry(word).or_default().kind |= NUMBER;
        }
        entries
    });
    entries.get(word).copied().unwrap_or_default()
}

/// What a word may do; 0 if it is not known. A word that says a number does nothing else.
pub(crate) fn kind(word: &str) -> Kind {
    entry(word).kind & !NUMBER
}

/// What a word may do, and the multiple that it says.
pub(crate) fn word(word: &str) -> (Kind, Option<f64>) {
    let Entry { kind, factor } = entry(word);
    (kind & !NUMBER, factor)
}

/// Whether a word can be the first of a number in words. German ones are put together from others, `a` and `an` stand before
/// `hundred`.
pub(crate) fn counts(word: &str) -> bool {
    matches!(word, "a" | "an")
        || entry(word).kind & NUMBER != 0
        || word.len() > 6 && ["und", "tausend", "einhalb"].iter().any(|part| word.contains(part))
}
