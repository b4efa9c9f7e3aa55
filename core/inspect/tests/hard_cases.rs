//! Cases that are hard to read, one by one: what is written in unusual ways, and what only looks like something.

#![expect(clippy::expect_used, reason = "a test stops where it is wrong")]

use penstock_inspect::{Inspector, Settings};
use plant::{Content, Origin, Piece, Sensitivity};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

static INSPECTOR: LazyLock<Inspector> =
    LazyLock::new(|| Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile"));

/// What is found in `text`: `label:value`, joined by ` | `.
fn found(text: &str) -> String {
    let piece = Piece {
        path: "messages[0].content".to_owned(),
        text: Cow::Borrowed(text),
        attachment: None,
        origin: Origin::default(),
        fixed: false,
    };
    let findings = INSPECTOR.read(&Content { pieces: vec![piece] }).expect("few findings");
    let shown: Vec<String> = findings.iter().map(|f| format!("{}:{}", f.label, &text[f.span.clone()])).collect();
    shown.join(" | ")
}

/// Each text with a part of what must be found in it.
fn finds(cases: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (text, expected) in cases {
        let found = found(text);
        if !found.contains(expected) {
            let _ = writeln!(wrong, "{text:?}: {expected:?} is not in {found:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Each text with a label that nothing in it may have.
fn lacks(label: &str, texts: &[&str]) {
    let mut wrong = String::new();
    for text in texts {
        let found = found(text);
        if found.split(" | ").any(|one| one.starts_with(label)) {
            let _ = writeln!(wrong, "{text:?}: {found:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Put together at run time, so that no scanner of this repository takes a test for a leak.
fn key(prefix: &str, body: &str) -> String {
    format!("{prefix}{body}")
}

#[test]
fn secrets_are_found_in_whatever_they_are_wrapped() {
    let aws = key("AKIA", "Y3FDF7Q2K5TNW4ZB");
    let pem = key(
        "-----BEGIN RSA ",
        "PRIVATE KEY-----\\nMIIEowIBAAKCAQEAoy1XXuVAQpqHbQE05mkhrNg\\nTZUUhK08U8Lah/RmUlXqQ01/SnZjKF9f\\n-----END RSA ",
    ) + "PRIVATE KEY-----";
    finds(&[
        (&format!("\\u0041{}", &aws[1..]), "secret.key:\\u0041KIA"),
        (&format!("{{\"key\": \"{pem}\"}}"), "secret.private-key:"),
        ("config: YXBpX2tleSA9ICI5NTFiYzM4MmRiOWFiYWQyOWM2ODYzNDc2MWRkNmUxOSIK", "secret.key:"),
        ("mqtts://line4:Xk29dLq8vTz1@broker.plant.local:8883", "secret.password:Xk29dLq8vTz1"),
        (&format!("data:text/plain,{aws}"), "secret.key:AKIA"),
        (
            "{\"tool\":\"http\",\"arguments\":\"{\\\"headers\\\":{\\\"X-Api-Key\\\":\\\"9f8Kd02mXq71LpZ4sT6v\\\"}}\"}",
            "secret.key:9f8Kd02mXq71LpZ4sT6v",
        ),
        (&format!("backup-{aws}.env"), "secret.key:AKIA"),
        ("token = \"qXvZpLrTgKwNbHjYcDfM\"", "secret.key:qXvZpLrTgKwNbHjYcDfM"),
        ("password = \"red horse 4 battery staple\"", "secret.password:red horse 4 battery staple"),
        ("snmp-server community Xk29dLq8 RO", "secret.password:Xk29dLq8"),
        ("rwcommunity f3rm3nt0r 10.0.0.0/8", "secret.password:f3rm3nt0r"),
        ("snmpget -v2c -c f3rm3nt0r 10.20.30.40 sysUpTime.0", "secret.password:f3rm3nt0r"),
        ("TIA project password: Kn0wh0w!S7", "secret.password:Kn0wh0w!S7"),
        ("curl -u \":d2LkV78zLx!t\" https://historian.local:9200", "secret.password::d2LkV78zLx!t"),
        ("Authorization: Basic YnJvd3Nlcjo0NzExeA==", "secret.key:YnJvd3Nlcjo0NzExeA=="),
        ("wpa_passphrase=\"Halle7Nord\"", "secret.password:Halle7Nord"),
        ("psk=\"Halle7Nord\"", "secret.password:Halle7Nord"),
        ("sshpass -p Xk29dLq8 ssh plc@10.0.0.5", "secret.password:Xk29dLq8"),
        ("<secret>{AQAAABAAAAAQvT7fJH3LmnP0w9x2kQdZ8R1s}</secret>", "secret.key:"),
    ]);
}

#[test]
fn keys_of_many_vendors_are_found_by_their_form() {
    let hex = "9f4c1e7a0b8d2365f7a9c0d1e2b34568";
    let word = "Zq8Lr2TgKw5NbHjY7cDfM0xVp3Ss9Ru1Wt6Ea4Ib";
    for (text, value) in [
        (key("glpat-", "tFrjFXD7soVU2fqxuDMh"), ""),
        (key("nfp_", &word[..36]), ""),
        (key("pat-eu1-", "7a1c8e02-3f5b-4d69-90ab-cd12ef345678"), ""),
        (key("sdk-", "7a1c8e02-3f5b-4d69-90ab-cd12ef345678"), ""),
        (key("rzp_live_", &word[..14]), ""),
        (key("SK", hex), ""),
        (format!("{hex}-us{}", 14), ""),
        (key("apify_api_", &word[..36]), ""),
        (key("mlsn.", &format!("{hex}{hex}")), ""),
        (format!("mailjet private key is {hex}"), hex),
        (format!("<id>datadog</id> <secret>{{{}}}</secret>", &word[..32]), &word[..32]),
        (format!("my losant access token: use {} for it", &word[..30]), &word[..30]),
    ] {
        let value = if value.is_empty() { text.clone() } else { value.to_owned() };
        assert_eq!(found(&text), format!("secret.key:{value}"), "{text}");
    }
}

#[test]
fn what_stands_for_a_secret_is_none() {
    lacks(
        "secret",
        &[
            "curl -H \"Authorization: Bearer $OPENAI_API_KEY\"",
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "request id 123e4567-e89b-12d3-a456-426614174000",
            "github token needed to fetch commit 9f8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b",
            "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
            "snmp-server community public RO",
            "token: sk-1234..abcd is cut",
            "the key of the valve is in the cabinet 4711-0815-2024-11",
            "sha256 of the key file: 9f8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9f8b7c6d5e4f3a2b1c0d9e8f",
        ],
    );
}

#[test]
fn persons_are_found_as_people_write_them() {
    finds(&[
        ("mail to j.kowalski@halle3.local", "person.email:j.kowalski@halle3.local"),
        ("mail to j.kowalski@werk.corp", "person.email:j.kowalski@werk.corp"),
        ("ask anna.schmidt [at] brauwerk.de", "person.email:anna.schmidt [at] brauwerk.de"),
        ("ask anna.schmidt (at) brauwerk (dot) de", "person.email:anna.schmidt (at) brauwerk (dot) de"),
        ("Tel. 030/901820-12", "person.phone:030/901820-12"),
        ("Tel.: 0341/12 34 56 78", "person.phone:0341/12 34 56 78"),
        ("tel. 22/123-45-67", "person.phone:22/123-45-67"),
        ("IBAN DE22\u{A0}2801\u{A0}1095\u{A0}8719\u{A0}9722\u{A0}38", "person.iban:"),
        ("IBAN: de22280110958719972238", "person.iban:de22280110958719972238"),
        ("{\"first_name\":\"Tomasz\",\"last_name\": \"Nowak\"}", "person.name:Tomasz | person.name:Nowak"),
    ]);
    lacks(
        "person",
        &["serial 4111111111111112", "S/N 4556 7375 8689 9856", "git@github.com:plant/mes", "pump @ 60 rpm"],
    );
}

#[test]
fn addresses_of_networks_are_told_from_versions() {
    finds(&[
        ("ping 1.2.3.4 first", "network.address:1.2.3.4"),
        ("gateway is fe80::1", "network.address:fe80::1"),
        ("via 2001:db8::1", "network.address:2001:db8::1"),
        ("route fd00:1::/32", "network.address:fd00:1::/32"),
    ]);
    lacks("network", &["version 1.2.3.4", "std::fmt", "at 12:30:45", "firmware V4.5.2.1"]);
}

#[test]
fn tags_are_found_in_every_style() {
    finds(&[
        ("write DB12.DBD20", "tag:DB12.DBD20"),
        ("L DB 12.DBX 0.3", "tag:DB 12.DBX 0.3"),
        ("%IW64 is frozen", "tag:%IW64"),
        ("N7:0 counts", "tag:N7:0"),
        ("ns=2;s=Reactor.Temp", "tag:ns=2;s=Reactor.Temp"),
        ("at =A1+K2-B7", "tag:=A1+K2-B7"),
        ("at =E01.M2+S4-Q1", "tag:=E01.M2+S4-Q1"),
        ("read 10LAB20CT001 now", "tag:10LAB20CT001"),
        ("read 10LAB20 CT001 now", "tag:10LAB20 CT001"),
        ("read 10 LAB20 CT001 XQ01", "tag:10 LAB20 CT001"),
        ("Program:MainProgram.Tank1_Level", "tag:Program:MainProgram.Tank1_Level"),
        ("Local:1:I.Data.0 is stuck", "tag:Local:1:I.Data.0"),
        ("pic-4711 drifts", "tag:pic-4711"),
        ("TI\u{AD}C-101", "tag:TI\u{AD}C-101"),
        ("\u{422}IC-4711", "tag:\u{422}IC-4711"),
        ("plant/area1/FIC-101/pv", "tag:FIC-101"),
        ("//srv/trends/TIC-4711.csv", "tag:TIC-4711"),
        ("M10.3 = 1, set MW20 and \"Motor\".Start", "tag:MW20"),
    ]);
    lacks(
        "tag",
        &[
            "MATH-101",
            "room K-201",
            "SARS-CoV-2",
            "static-101",
            "DIN 912",
            "M8x1.25",
            "0c4f5a2e-pt-101a-4711-9d2c",
            "ISO 9001",
            "EN 61131-3",
            "meet at 10 LAB people",
            "the M10 screw",
            "Local:1 time",
        ],
    );
    let list: String = (0..10_000).fold(String::new(), |mut list, row| {
        let _ = writeln!(list, "TIC-{};{}", 1000 + row % 9000, row % 90);
        list
    });
    assert_eq!(found(&list).split(" | ").filter(|one| one.starts_with("tag")).count(), 10_000);
}

#[test]
fn a_value_in_a_unit_of_a_process_is_a_setpoint_without_a_word_that_says_so() {
    finds(&[
        ("Anstellen mit 9 °C", "setpoint:9 °C"),
        ("Glühen: 640 °C, 12 K", "setpoint:640 °C"),
        ("load 14 mg/cm², 35 m/min", "setpoint:14 mg/cm²"),
        ("air 14 m³/min, froth 25 cm, pH 10.5", "setpoint:25 cm"),
        ("stock 0.9 %, couch 32 kPa", "setpoint:0.9 %"),
        ("Job 12: 210 A, 24 V, gas 14 l/min", "setpoint:210 A"),
        ("give it 12 cubic meters per hour", "setpoint:12 cubic meters per hour"),
        ("Step;Pressure bar\n1;2.5\n2;3.5\n", "setpoint:3.5"),
        ("ctrl.set_target(temp=185.0, unit=\"C\")", "setpoint:185.0"),
    ]);
}

#[test]
fn what_was_read_what_a_thing_is_and_what_a_plate_says_is_no_setpoint() {
    lacks(
        "setpoint",
        &[
            "Gemessen wurden 61,8 °C am Vorlauf und 48 °C am Rücklauf.",
            "It is 34 °C in the hall again.",
            "The melting point of tin is 232 °C at 1 bar.",
            "1 bar = 100 kPa",
            "Sensor 0-16 bar, or 0 to 10 bar",
            "400 V, 50 Hz, 15 kW, 1465 rpm",
            "The hose withstands 25 bar",
            "the reactor took 3.1 MJ/kg, trucks 20 km/h",
            "Raise the penalty to 5 % and cut the notice to 30 days.",
            "Add 2 cups of flour and bake at 180 °C for 30 minutes.",
        ],
    );
}

#[test]
fn setpoints_are_found_however_the_number_is_written() {
    finds(&[
        ("set TIC-101 to 1.250 °C", "setpoint:1.250 °C"),
        ("set TIC-101 to 1,250 rpm", "setpoint:1,250 rpm"),
        ("TIC-101 auf 12,5 °C stellen", "setpoint:12,5 °C"),
        ("reactor temperature 185 ℃", "setpoint:185 ℃"),
        ("keep the furnace at 365 F", "setpoint:365 F"),
        ("PIC-7 limit 4 barg", "setpoint:4 barg"),
        ("PIC-707 limit 4 bara", "setpoint:4 bara"),
        ("set the pressure between 3 and 5 bar", "setpoint:3 and 5 bar"),
        ("| TIC-101 | 185 | °C |", "setpoint:185"),
        ("SIC-101 := 1.5e3 rpm", "setpoint:1.5e3 rpm"),
        ("set TIC-101 to <b>185</b> °C", "setpoint:185"),
        ("{\"tag\":\"TIC-101\",\"sp\":\"185.5\"}", "setpoint:185.5"),
        ("{\\\"tag\\\":\\\"TIC-101\\\",\\\"sp\\\":185.5}", "setpoint:185.5"),
        ("TIC_101 := 250.0;", "setpoint:250.0"),
        ("TIC-101 and PIC-202: 80 °C", "setpoint:80 °C"),
        ("Look at TIC-101. Set it to 185 °C.", "setpoint:185 °C"),
        ("tag;value [°C]\nTIC-101;185\nTIC-102;190", "setpoint:190"),
        ("ramp the oven from 20 to 85 °C", "setpoint:20 to 85 °C"),
        ("Ofen Zonen 1-4: 190/205/210/210 °C", "setpoint:190/205/210/210 °C"),
        ("Temperature (°C): 185", "setpoint:185"),
        ("rotor 450 rpm, screen 0.8 bar, binder 120 g/min", "setpoint:450 rpm | setpoint:0.8 bar | setpoint:120 g/min"),
        ("Ventil Y7 auf 45 % gestellt", "setpoint:45 %"),
        ("Schieber 4 auf 45 % drosseln", "setpoint:45 %"),
        ("Reaktor mit 37,0 °C gefahren", "setpoint:37,0 °C"),
        ("can you bring the ethylene SP down to -4", "setpoint:-4"),
        ("anneal at 1050C", "setpoint:1050C"),
        ("Pumpe aus bei 4,10 m", "setpoint:4,10 m"),
        ("ns=2;s=Line3.Oven.SP <- 215.0", "setpoint:215.0"),
        ("write(\"Oven.Zone2.SP\", 215.0)", "setpoint:215.0"),
        ("recipe[\"pressure_torr\"] = 2.5", "setpoint:2.5"),
        ("{\"tag\":\"oven.zone2.sp\",\"value\":240}", "setpoint:240"),
        ("step;nominal;lsl;usl;uom\n10;60;55;65;°C", "setpoint:60"),
    ]);
    lacks(
        "setpoint",
        &[
            "reduce TIC-101 by 10 %",
            "TIC-101 is NaN",
            "raise FIC-101 by 5 %, twice",
            "we sold 365 F models",
            "the bath was 82 °C at 05:40",
            "gemessen 0,21 mg/l im Becken",
            "the kettle, measured 64 °C",
            "Reduce the price to 85 % and the discount to 3 %",
            "1 bar = 100 kPa, and 1 psi is 6.9 kPa",
            "motor nameplate: 400 V, 50 Hz, 15 kW",
            "the pump sample had 38 g/l and pH 11.2",
            "TIC-101 to 1e400",
        ],
    );
}

#[test]
fn every_rule_does_with_its_examples_what_it_must() {
    let trial = penstock_inspect::try_rules(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
    assert_eq!(trial.failures, [], "of {} examples", trial.examples);
    // No text is an example of the seven that are about attachments, of the five that find what a plant registered or
    // numbers in its own way, and of what several weak signs come to.
    assert_eq!(trial.rules + 13, penstock_inspect::rules().count());
}

#[test]
fn a_rule_of_the_plants_own_stands_in_the_place_of_one_of_ours() {
    let id = |name: &str| plant::RuleId::new(name).expect("a name");
    let own = |name: &str, pattern: &str, near: &[&str], check| penstock_inspect::Detector {
        name: id(name),
        label: plant::Label::new("part.ours").expect("a label"),
        patterns: vec![pattern.to_owned()],
        near: near.iter().map(|word| (*word).to_owned()).collect(),
        check,
        finds: Vec::new(),
        ignores: Vec::new(),
    };
    let mut settings = Settings::new(Sensitivity::LOWEST);
    settings.detectors = vec![
        own("part.number", "[A-Z]{2}-[0-9]{6}", &["teil", "part"], None),
        own("meter", r"\b[0-9]{8}\b", &[], Some(penstock_inspect::Check::Luhn)),
    ];
    let inspector = Inspector::new(&settings).expect("valid settings");
    let rules = |text: &str| {
        let piece = Piece {
            path: "x".to_owned(),
            text: Cow::Owned(text.to_owned()),
            attachment: None,
            origin: Origin::default(),
            fixed: false,
        };
        let found = inspector.read(&Content { pieces: vec![piece] }).expect("few findings");
        found.iter().map(|f| format!("{}:{}", f.rule, f.label)).collect::<Vec<_>>()
    };
    assert_eq!(rules("Teil AB-123456"), ["part.number:part.ours"]);
    assert_eq!(rules("room AB-123456"), [""; 0]);
    assert_eq!(rules("P/N 5703.3804.74"), [""; 0], "ours is replaced");
    assert_eq!(rules("meter 12345674"), ["meter:part.ours"]);
    assert_eq!(rules("meter 12345678"), [""; 0]);
}
