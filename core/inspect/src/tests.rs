//! The whole crate through its public door: what is found, what is not, what is changed and put back.

use crate::fuzz::{Mixer, apply, changed, fuzz_read, fuzz_restore, message};
use crate::{Entry, Inspector, Overflow, Settings, SettingsProblem, TransformProblem, rules};
use plant::{Channel, Content, Form, Label, Piece, Rewrite, RuleId, Scale, Sensitivity};
use proptest::prelude::*;
use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

static INSPECTOR: LazyLock<Inspector> =
    LazyLock::new(|| Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile"));

/// What is found in `text`: `label:value`, joined by ` | `.
fn found_by(inspector: &Inspector, text: &str) -> String {
    let findings = inspector.read(&message(text)).expect("few findings");
    let shown: Vec<String> = findings.iter().map(|f| format!("{}:{}", f.label, &text[f.span.clone()])).collect();
    shown.join(" | ")
}

fn check(text: &str, expected: &str) {
    assert_eq!(found_by(&INSPECTOR, text), expected, "in {text:?}");
}

fn nothing(texts: &[&str]) {
    for text in texts {
        check(text, "");
    }
}

fn label(text: &str) -> Label {
    Label::new(text).expect("a label")
}

fn key(prefix: &str, body: &str) -> String {
    // Put together at run time, so that no scanner of this repository takes a test for a leak.
    format!("{prefix}{body}")
}

#[test]
fn vendor_keys_are_found_by_their_prefix() {
    for key in [
        key("sk-", "mX4t5s1tyfCJyIKHwrqOT4BlbkFJT3VVmv6VdSwB7XXIq1TO"),
        key("ghp_", "4U3LSowpDx8XvYE7A8GH56oxU5aWnY2mzIbV"),
        key("AKIA", "Y3FDF7Q2K5TNW4ZB"),
        key("glpat-", "tFrjFXD7soVU2fqxuDMh"),
        key("hf_", "jYCNNYmxuBtgRinmPTvAmeHMXzbXxYAdwF"),
    ] {
        check(&format!("use {key} for it"), &format!("secret.key:{key}"));
    }
}

#[test]
fn a_key_split_by_zero_width_characters_is_found_whole() {
    let key = key("AK\u{200B}IA", "Y3FDF7Q2\u{2060}K5TNW4ZB");
    check(&format!("key {key}."), &format!("secret.key:{key}"));
}

#[test]
fn assigned_values_are_found_without_their_names() {
    check("API_KEY = \"951bc382db9abad29c68634761dd6e19\"", "secret.key:951bc382db9abad29c68634761dd6e19");
    check("password=hunter2!x", "secret.password:hunter2!x");
    check("{\"password\": \"Tr0ub4dor&3\"}", "secret.password:Tr0ub4dor&3");
    check("export DB_PASS='correct horse 4 battery'", "secret.password:correct horse 4 battery");
    check("postgres://app:s3cr3tpw@db.plant.local:5432/mes", "secret.password:s3cr3tpw");
    check("curl -u admin:Zx81spect https://x.example", "secret.password:admin:Zx81spect");
}

#[test]
fn passwords_are_found_however_people_give_them() {
    let secret = "Xk29dLq8vTz1";
    for text in [
        "**Password:** {}",
        "**Password**: {}",
        "the password was {}",
        "The admin password is: {}",
        "das Passwort lautet {}",
        "password - {}",
        "password -> {}",
        "password\t{}",
        "| password | {} |",
        "password: |\n  {}",
        "Mot de passe : {}",
        "Пароль: {}",
        "密码：{}",
        "password (panel 4): {}",
        "set password {}",
        "username admin password 7 {}",
        "{\"name\":\"DB_PASSWORD\",\"value\":\"{}\"}",
        "- name: DB_PASSWORD\n  value: {}",
        "{\"password\":[\"{}\"]}",
        "password=\"a\\\"{}\"",
    ] {
        let text = text.replace("{}", secret);
        let found = found_by(&INSPECTOR, &text);
        assert!(found.starts_with("secret.password:") && found.contains(secret), "{text:?}: {found:?}");
    }
    nothing(&[
        "The password must hold 12 characters and 2 Digits",
        "| password | string | required |",
        "password - at least 8 characters",
        "\"password\", \"user\": \"Xk29dLq8\"",
        "password for the new panel: see the safe",
    ]);
    check("Authorization: Token 951bc382db9abad29c68", "secret.key:951bc382db9abad29c68");
}

#[test]
fn passwords_are_found_in_columns_calls_and_accounts() {
    for (text, secrets) in [
        (
            "| system | user | password |\n|---|---|---|\n| HMI | op | Xk29dLq8 |\n| PLC | eng | red-Heron7 |",
            vec!["Xk29dLq8", "red-Heron7"],
        ),
        ("user;passwort;role\nop;Xk29&dLq8;1\neng;-;2\n", vec!["Xk29&dLq8"]),
        ("client.set_password(\"Xk29dLq8\")", vec!["Xk29dLq8"]),
        ("<x:Password Type=\"text\">Xk29dLq8</x:Password>", vec!["Xk29dLq8"]),
        ("<property name=\"store.password\">Xk29-dLq8</property>", vec!["Xk29-dLq8"]),
        ("Benutzer: op4 / Passwort: red-Heron", vec!["red-Heron"]),
        ("ROOTPW='Xk29dLq8'", vec!["Xk29dLq8"]),
        ("keytool -srcstorepass Xk29dLq8 -v", vec!["Xk29dLq8"]),
        ("WITH PASSWORD = N'Xk29-dLq8'", vec!["Xk29-dLq8"]),
        ("SMTP_PASSWORD=Xk29&dLq8", vec!["Xk29&dLq8"]),
        ("?user=a&password=Xk29dLq8&ssl=1", vec!["Xk29dLq8"]),
        ("credentialSecret: \"f1ow-Basalt-Kiln\"", vec!["f1ow-Basalt-Kiln"]),
        ("La password del PLC è Xk29dLq8", vec!["Xk29dLq8"]),
        ("Hasło do panelu głównego: Xk29dLq8", vec!["Xk29dLq8"]),
        ("Zugangsdaten Kamera 2: admin / Xk29#Lq8. Danke", vec!["Xk29#Lq8"]),
        ("INSERT INTO users(name, password) VALUES ('hmi', 'Xk29-dLq8')", vec!["Xk29-dLq8"]),
        ("Set-Cookie: lang=de; sessionid=9f8kd02mxq71lpz4st6vab1c; Path=/", vec!["9f8kd02mxq71lpz4st6vab1c"]),
        ("byte[] key = Encoding.UTF8.GetBytes(\"9f8Kd02mXq71LpZ4sT6v\");", vec!["9f8Kd02mXq71LpZ4sT6v"]),
        ("curl --user 'oee:Xk29dLq8' http://oee", vec!["oee:Xk29dLq8"]),
    ] {
        let findings = INSPECTOR.read(&message(text)).expect("few findings");
        let found: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.label.as_str().starts_with("secret"))
            .map(|finding| &text[finding.span.clone()])
            .collect();
        assert_eq!(found, secrets, "{text}");
    }
    nothing(&[
        "| field | password |\n|---|---|\n| type | string |",
        "$pw = Read-Host \"Password\" -AsSecureString",
        "name;password;last change\nop;yes;2024\n",
        "getSecret(\"mes-db-4471-x9\")",
        "BYPASS=Xk29dLq8",
        "password=%DB_PASSWORD%",
        "password: \"@{variables('pw')}\"",
        "Public key token=b77a5c561934e089",
        "the account is open 24 / 7",
        "secret: gw-tls-2024",
        "Passwort: siehe-Aushang",
        "curl -u username:password https://x.example",
    ]);
}

#[test]
fn a_private_key_is_found_to_its_last_line_or_as_far_as_it_goes() {
    let body = "MIIEowIBAAKCAQEAoy1XXuVAQpqHbQE05mkhrNg/124F/2K9Oaniz\nTZUUhK08U8Lah/RmUlXqQ01/SnZjKF9fjP8EqMNgW";
    let (open, close) = (key("-----BEGIN RSA ", "PRIVATE KEY-----"), key("-----END RSA ", "PRIVATE KEY-----"));
    let block = format!("{open}\n{body}\n{close}");
    check(&format!("here: {block} thanks"), &format!("secret.private-key:{block}"));
    let cut = format!("{open}\n{body}");
    check(&cut, &format!("secret.private-key:{cut}"));
    nothing(&["A PEM file begins with -----BEGIN PRIVATE KEY----- and so on."]);
}

#[test]
fn references_examples_and_hashes_are_no_secrets() {
    nothing(&[
        "export OPENAI_API_KEY=$OPENAI_API_KEY",
        "Authorization: Bearer ${TOKEN}",
        "aws_access_key: AKIAIOSFODNN7EXAMPLE",
        "api_key = \"your-api-key-goes-here-123\"",
        "password = os.environ['PW']",
        "password: at least 12 characters",
        "password policy: at least 12 characters",
        "How do I reset my password?",
        "api_key is a required field in the config schema",
        "token count: 4096 tokens, max_tokens=4096",
        "commit 9f8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b fixes it",
        "uuid 123e4567-e89b-12d3-a456-426614174000",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "The monkey has a keyboard: qwertzuiop1234asdf",
        "passwordLabel:\"Password:\",rememberMeLabel:\"Remember me:\"",
        "const password = process.env.APP_PASSWORD || \"not-set\"",
    ]);
}

#[test]
fn personal_data_is_found_with_its_check_digits() {
    check(
        "Mail anna.schmidt@werk.local or call +49 (0) 4561 088570.",
        "person.email:anna.schmidt@werk.local | person.phone:+49 (0) 4561 088570",
    );
    check("IBAN GB24\u{A0}PMYB 1464 3687 9420 95!", "person.iban:GB24\u{A0}PMYB 1464 3687 9420 95");
    check("IBAN GB24 PMYB 1464 3687 9420 96", "");
    check("card 4111 1111 1111 1111", "person.card:4111 1111 1111 1111");
    check("Karte ４１１１１１１１１１１１１１１１", "person.card:４１１１１１１１１１１１１１１１");
    check("tel. 030/1234567", "person.phone:030/1234567");
    nothing(&[
        "serial 4111111111111112",
        "pkg@1.2.3 and logo@2x.png",
        "git@github.com:plant/mes",
        "on 2026-11-20 21:30:00, on 20.11.2026",
    ]);
}

#[test]
fn nothing_beside_a_value_hides_it() {
    let key = key("AKIA", "Y3FDF7Q2K5TNW4ZB");
    let values = [
        "4556737586899855",
        "4556-7375-8689-9855",
        "DE22 2801 1095 8719 9722 38",
        "+49 4561 088570",
        "10.47.3.92",
        "fe80::1ff:fe23:4567:890a",
        "00:1b:44:11:3a:b7",
        "TIC-4711",
        "10LAB20CT001",
        "DB12.DBD20",
        "bob.miller@brewhouse-works.de",
        &key,
    ];
    for value in values {
        for beside in [
            "{}.txt",
            "{}.json",
            "{}.",
            "({})",
            "a,{},b",
            "copy of {}…",
            "»{}«",
            "、{}。",
            "温度{}的",
            "\u{2022}{}",
            "x/{}",
            "/{}/y",
            "file-{}.txt",
            "file_{}_old.txt",
            "_{}_",
            "{}'s",
            "?q=%20{}%20x",
            "&#32;{}&#32;",
            "at 5 {}",
        ] {
            let text = beside.replace("{}", value);
            let found = found_by(&INSPECTOR, &text);
            assert!(found.contains(value), "{text:?}: {found:?}");
        }
    }
    check("4556737586899855 12/29 123", "person.card:4556737586899855");
    check("+49 4561 088570 2024-11-20 10:00", "person.phone:+49 4561 088570");
    check("mac:00:1b:44:11:3a:b7", "network.mac:00:1b:44:11:3a:b7");
    check("why did TIC 4711 raise an alarm", "tag:TIC 4711");
    nothing(&[
        "does a FIT 200 exist",
        "DOC-PT-1234",
        "0.4556737586899855",
        "logo@2x.min.png",
        "openssl-1.2.3.4",
        "4012 4100 4055 4303 4123",
    ]);
}

#[test]
fn disguised_letters_and_digits_read_as_what_they_look_like() {
    check("\u{422}IC-4711", "tag:\u{422}IC-4711");
    check("\u{422}\u{406}\u{421}-4711", "tag:\u{422}\u{406}\u{421}-4711");
    check("4\u{301}556737586899855", "person.card:4\u{301}556737586899855");
    check("\u{24C9}IC-47\u{2460}\u{2460}", "tag:\u{24C9}IC-47\u{2460}\u{2460}");
    check("4\u{FE0F}\u{20E3}556737586899855", "person.card:4\u{FE0F}\u{20E3}556737586899855");
    nothing(&["\u{422}\u{420}\u{421} \u{43C}\u{438}\u{440}"]);
}

#[test]
fn addresses_are_told_from_versions() {
    check("PLC at 10.20.30.40/24, gateway fe80::1", "network.address:10.20.30.40/24 | network.address:fe80::1");
    check("MAC 00:1b:44:11:3a:b7 got 192.168.0.7", "network.mac:00:1b:44:11:3a:b7 | network.address:192.168.0.7");
    check("2001:db8::8a2e:370:7334", "network.address:2001:db8::8a2e:370:7334");
    nothing(&[
        "Firmware 3.14.1.2 fixes the bug in version 2.10.0.4.",
        "See chapter 4.2.1.7 of the manual.",
        "0.0.0.0 means any, 127.0.0.1 me, mask 255.255.255.0",
        "v1.2.3.4 and 1.2.3.4.5 and 300.1.1.1",
        "std::vec::Vec, dead::beef, at 12:30:45",
    ]);
}

#[test]
fn tags_of_all_styles_are_found() {
    for tag in [
        "TIC-101",
        "FV_203A",
        "10-PT-4711",
        "PIC101.PV",
        "PDIT-1002",
        "PSV-100",
        "LSHH-8088B",
        "tic-101",
        "DB12.DBD20",
        "%IW64",
        "%QX0.1",
        "N7:0",
        "ns=2;s=Reactor2.Feed",
        "=A1+K2-B7",
        "10LAB20CT001",
        "MIX6_TempSP",
        "CIP5_JacketTempSetpoint",
    ] {
        check(&format!("Look at {tag}, please"), &format!("tag:{tag}"));
    }
    check("path plant/FIC-101/sp", "tag:FIC-101");
    check("TI\u{AD}C-101", "tag:TI\u{AD}C-101");
}

#[test]
fn what_is_spelled_like_a_tag_is_none() {
    nothing(&[
        "MATH-101 and CHEM-204",
        "DIN 912 screws M8x1.25",
        "SARS-CoV-2 and COVID-19",
        "RFC-3339, ISO-9001, IEC-62443, CVE-2021-44228",
        "SHA-256, AES-256-GCM, UTF-8",
        "Flight LH-454",
        "Room TR-101 is booked",
        "room K-201",
        "static-101",
        "ticket INC-20391",
        "0c4f5a2e-PT-101a-4711-9d2c",
        "RS-232 and RS-485",
        "Invoice 2024-00871",
    ]);
}

#[test]
fn setpoints_need_a_process_around_them() {
    check("TIC-101 := 185.0 °C", "tag:TIC-101 | setpoint:185.0 °C");
    check("set temperature to 72 ℃", "setpoint:72 ℃");
    check("hold 63 °C for 30 min", "setpoint:63 °C");
    check("TIC_101 := 250.0;", "tag:TIC_101 | setpoint:250.0");
    check("{\"tag\":\"LIT-9076\",\"sp\":19.6,\"unit\":\"degC\"}", "tag:LIT-9076 | setpoint:19.6");
    check("Set FIC-12 to 12,5 m³/h", "tag:FIC-12 | setpoint:12,5 m³/h");
    check("keep the reactor between 10-20 barg", "setpoint:10-20 barg");
    check("reduce TIC-101 by 10 %", "tag:TIC-101");
    check("bore 229.26 ±0.005 mm", "tolerance:229.26 ±0.005 mm");
    nothing(&["The boiling point of acetone is 56 °C at 1 atm, why?", "We sold 1,250 units in Q3."]);
}

#[test]
fn setpoints_stand_in_columns_elements_and_behind_telling_names() {
    for (text, values) in [
        (
            "| Tag | about | SP | Unit |\n|---|---|---|---|\n| TX-1 | oven | 185 | °C |\n| TX-2 | head | 2.4 | bar |",
            vec!["185", "2.4"],
        ),
        ("Zone\tSetpoint [°C]\n1\t180\n2\t195\n", vec!["180", "195"]),
        ("Parameter,Value,Unit\njacket,78,°C\nshift,3,team\n", vec!["78"]),
        ("tag;sp;hi\nfirst;14.0;18\n", vec!["14.0", "18"]),
        ("<Setpoint unit=\"°C\">185</Setpoint>", vec!["185"]),
        ("<Parameter><Value>65</Value><Unit>°C</Unit></Parameter>", vec!["65"]),
        ("heater:\n  target_temperature: 210\n  max_power_kw: 18\n", vec!["210", "18"]),
        ("zone1_setpoint=245", vec!["245"]),
        ("rSollTemperatur := 72.5;", vec!["72.5"]),
        ("pH setpoint 6.8 for fermenter 3", vec!["6.8"]),
        ("Nachdruck 450 bar, Werkzeugtemperatur 80 °C", vec!["450 bar", "80 °C"]),
        ("The bath must stay at 55 ± 2 °C", vec!["55 ± 2 °C"]),
        ("Der Füllstand soll unter 70 % liegen", vec!["70 %"]),
        ("Kühlwasser auf 18 Grad einstellen", vec!["18 Grad"]),
    ] {
        let findings = INSPECTOR.read(&message(text)).expect("few findings");
        let found: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.label.as_str() == "setpoint")
            .map(|finding| &text[finding.span.clone()])
            .collect();
        assert_eq!(found, values, "{text}");
    }
    nothing(&[
        "| item | price | pieces |\n|---|---|---|\n| bolt | 12 | 4 |",
        "Water freezes at 0 °C at sea level.",
        "The motor has 7.5 kW",
        "Der Stahl der Ofentür schmilzt bei 1.536 °C",
        "{\"temperature\": 0.7, \"max_tokens\": 512}",
        "Name,Value\nretries,3\n",
    ]);
}

#[test]
fn the_plants_words_are_found_as_whole_words_in_any_case() {
    let mut settings = Settings::new(Sensitivity::LOWEST);
    let entry =
        Entry { terms: vec!["Golden Ale".to_owned(), "SÜD-7".to_owned()], patterns: vec![r"RZ-\d{4}".to_owned()] };
    settings.dictionary.insert(label("recipe.beer"), entry);
    settings.tags = vec![r"\bKX[0-9]{3}\b".to_owned()];
    settings.ignore = vec!["info@acme.example".to_owned()];
    settings.disabled = [RuleId::new("tag.isa").expect("a rule")].into();
    let inspector = Inspector::new(&settings).expect("valid settings");
    let found = |text| found_by(&inspector, text);
    assert_eq!(found("our golden ALE, RZ-0815"), "recipe.beer:golden ALE | recipe.beer:RZ-0815");
    assert_eq!(found("golden alehouse"), "");
    assert_eq!(found("in süd-7"), "recipe.beer:süd-7");
    assert_eq!(found("KX123 and TIC-101"), "tag:KX123");
    assert_eq!(found("INFO@acme.example, x@acme.example"), "person.email:x@acme.example");
}

#[test]
fn the_plants_words_are_found_however_they_are_parted_and_written() {
    let mut settings = Settings::new(Sensitivity::LOWEST);
    let terms = ["Golden Ale", "Bräu–7", "酵母"].map(str::to_owned).to_vec();
    settings.dictionary.insert(label("recipe"), Entry { terms, patterns: vec!["§[0-9]+".to_owned()] });
    let inspector = Inspector::new(&settings).expect("valid settings");
    for text in ["golden\nale", "GOLDEN\r\nALE", "golden_ale", "Golden+Ale", "Bra\u{308}u-7", "BRÄU–7", "酵母", "§15"]
    {
        for beside in ["{}", "_{}_2", "»{}«", "x {}.txt", "在{}里"] {
            assert_eq!(found_by(&inspector, &beside.replace("{}", text)), format!("recipe:{text}"), "{beside}");
        }
    }
    assert_eq!(found_by(&inspector, "golden alesü, xgolden ale, ügolden ale"), "");
}

#[test]
fn a_bad_pattern_names_its_entry() {
    let build = |patterns: &[&str]| {
        let mut settings = Settings::new(Sensitivity::LOWEST);
        let patterns = patterns.iter().map(|p| (*p).to_owned()).collect();
        settings.dictionary.insert(label("recipe"), Entry { terms: Vec::new(), patterns });
        Inspector::new(&settings).err()
    };
    assert!(matches!(build(&["ok", "(unclosed"]), Some(SettingsProblem::Pattern { index: 1, .. })));
    assert!(matches!(build(&[r"(?:(?:a{100}){100}){100}"]), Some(SettingsProblem::Pattern { index: 0, .. })));
    assert!(matches!(build(&["x*"]), Some(SettingsProblem::Pattern { index: 0, .. })));
    assert!(matches!(build(&[r"(a)\1"]), Some(SettingsProblem::Pattern { index: 0, .. })));
    let mut settings = Settings::new(Sensitivity::LOWEST);
    settings.disabled = [RuleId::new("no.such").expect("a rule")].into();
    assert!(matches!(Inspector::new(&settings).err(), Some(SettingsProblem::NoSuchRule { .. })));
}

#[test]
fn the_most_specific_entry_gives_the_sensitivity() {
    let scale = Scale::new(["public", "internal", "secret"].map(str::to_owned).to_vec()).expect("a scale");
    let step = |name| scale.step(name).expect("a step");
    let mut settings = Settings::new(step("public"));
    settings.labels.insert(label("person"), step("internal"));
    settings.labels.insert(label("person.iban"), step("secret"));
    assert_eq!(settings.sensitivity(&label("person.email")), step("internal"));
    assert_eq!(settings.sensitivity(&label("person.iban")), step("secret"));
    assert_eq!(settings.sensitivity(&label("tag")), step("public"));
}

#[test]
fn every_built_in_rule_has_a_valid_name_and_label() {
    for (name, label) in rules() {
        assert!(RuleId::new(name).is_ok() && Label::new(label).is_ok(), "{name}");
    }
    assert!(rules().count() > 100);
}

#[test]
fn attachments_and_telling_keys_are_findings_too() {
    let piece = |path: &str, text: &'static str, media: Option<&str>| Piece {
        path: path.to_owned(),
        text: Cow::Borrowed(text),
        attachment: media.map(str::to_owned),
        origin: plant::Origin::Prompt,
        fixed: true,
    };
    let content = Content {
        pieces: vec![
            piece("messages[0].content[1].image_url", "", Some("image/png")),
            piece("messages[0].content[1].image_url: end", "", Some("opaque/damaged")),
            piece("config.password", "hunter2", None),
            piece("config.note", "hunter2", None),
        ],
    };
    let findings = INSPECTOR.read(&content).expect("few findings");
    let shown: Vec<(usize, &str)> = findings.iter().map(|f| (f.piece, f.label.as_str())).collect();
    assert_eq!(shown, [(0, "attachment.image"), (1, "attachment.opaque"), (2, "secret.password")]);
    let refused = changed(&content, &findings, &[2], &[], "c").map(|_| ());
    assert_eq!(refused, Err(TransformProblem::Fixed { finding: 2, path: "config.password".to_owned() }));
}

#[test]
fn too_many_findings_are_an_error_not_a_cut() {
    let mut settings = Settings::new(Sensitivity::LOWEST);
    settings.findings = 10;
    let inspector = Inspector::new(&settings).expect("valid settings");
    assert_eq!(inspector.read(&message(&"TIC-101, ".repeat(11))), Err(Overflow { most: 10 }));
    assert_eq!(inspector.read(&message(&"TIC-101, ".repeat(10))).map(|f| f.len()), Ok(10));
    assert_eq!(inspector.read(&message(&"TIC-101, ".repeat(100_000))), Err(Overflow { most: 10 }));
}

#[test]
fn a_value_has_the_same_token_in_each_call_of_a_conduit() {
    let sent = |text: &str, conduit: &str| {
        let content = message(text);
        let findings = INSPECTOR.read(&content).expect("few findings");
        let all: Vec<usize> = (0..findings.len()).collect();
        apply(text, &changed(&content, &findings, &[], &all, conduit).expect("free text").edits)
    };
    let (one, two) = (sent("is TIC-101 ok?", "a"), sent("TIC-101 and FV-203, TIC-101", "a"));
    let token = one.split(' ').nth(1).expect("a token");
    assert!(token.starts_with("TAG_") && token.len() == 14, "{token}");
    assert_eq!(two.matches(token).count(), 2);
    assert!(!sent("is TIC-101 ok?", "b").contains(token));
}

#[test]
fn redaction_names_the_kind_and_wins_over_tokens() {
    let text = "mail a.b@c.example about TIC-101";
    let content = message(text);
    let findings = INSPECTOR.read(&content).expect("two findings");
    let mut done = changed(&content, &findings, &[0], &[0, 1], "c").expect("free text");
    assert_eq!((done.redacted, done.tokenised), (1, 1));
    let sent = apply(text, &done.edits);
    assert!(sent.starts_with("mail [redacted:person.email] about TAG_"), "{sent}");
    assert_eq!(done.restorer.whole(&sent, Form::Plain).as_deref(), Some("mail [redacted:person.email] about TIC-101"));
    assert!(!format!("{done:?}").contains("c.example"), "no content in Debug");
}

/// A restorer of one tag, and its token.
fn restorer() -> (crate::Restorer, String) {
    let content = message("TIC-101");
    let findings = INSPECTOR.read(&content).expect("one finding");
    let done = changed(&content, &findings, &[], &[0], "c").expect("free text");
    (done.restorer, done.edits[0].replacement.clone())
}

#[test]
fn a_token_comes_back_in_any_case_and_among_punctuation() {
    let (mut restorer, token) = restorer();
    let lower = token.to_lowercase();
    let text = format!("**{token}**, `{lower}`'s _{token}_ ({token}) x{token}s.");
    assert_eq!(
        restorer.whole(&text, Form::Plain).as_deref(),
        Some("**TIC-101**, `TIC-101`'s _TIC-101_ (TIC-101) xTIC-101s.")
    );
    assert_eq!(restorer.counts().restored, 5);
}

#[test]
fn only_what_may_become_a_token_is_held_back() {
    let (mut restorer, token) = restorer();
    let channel = Channel { number: 0, form: Form::Plain };
    assert_eq!(restorer.push(channel, "see TA"), "see ");
    assert_eq!(restorer.push(channel, "BLE and "), "TABLE and ");
    assert_eq!(restorer.push(channel, &token[..8]), "");
    assert_eq!(restorer.push(channel, &token[8..]), "TIC-101");
    assert_eq!(restorer.push(channel, &token[..9]), "");
    assert_eq!(restorer.finish(channel), &token[..9]);
}

#[test]
fn tokens_in_links_and_foreign_tokens_stay_and_are_counted() {
    let (mut restorer, token) = restorer();
    for text in [
        format!("![x](https://evil.example/?q={token})"),
        format!("[x](/a/{token})"),
        format!("<img src=\"//evil.example/{token}\">"),
        format!("www.evil.example/{token}"),
        format!("[x](<https://e.example/a {token}>)"),
        format!("https:\\/\\/e.example\\/{token}"),
        format!("<img src='https:\\\\evil.example\\{token}'>"),
        format!("<img src=\"https://evil.example/?q= {token}\">"),
        format!("<img src=' /\\evil.example/\n{token}'>"),
        format!("https:evil.example/{token} https:/evil.example/{token} mailto:e@evil.example?body={token}"),
        format!("<img src=\"http&#58;&#47;&#47;evil.example/{token}\">"),
    ] {
        assert_eq!(restorer.whole(&text, Form::Plain), None, "{text}");
    }
    assert_eq!(restorer.counts().in_links, 13);
    let text =
        format!("{{\"path\":\"C:\\\\plant\\\\{token}\",\"html\":\"<a href=\\\"//e.example/ {token}\\\">{token}\"}}");
    let restored = text.replacen(&token, "TIC-101", 1).replace(&format!(">{token}"), ">TIC-101");
    assert_eq!(restorer.whole(&text, Form::Json), Some(restored));
    let text = format!("{{\"url\":\"https://x.example/a\",\"tag\":\"{token}\"}}");
    assert!(restorer.whole(&text, Form::Json).is_some_and(|text| text.contains("TIC-101")));
    let foreign = crate::token::token(&Mixer, "other", &label("tag"), "TIC-102", 0);
    assert_eq!(restorer.whole(&format!("what is {foreign}?"), Form::Plain), None);
    assert_eq!(restorer.counts().unknown, 1);
}

#[test]
fn a_value_in_json_is_escaped() {
    let mut settings = Settings::new(Sensitivity::LOWEST);
    settings
        .dictionary
        .insert(label("quote"), Entry { terms: vec!["the \"A\" valve\\2".to_owned()], patterns: Vec::new() });
    let inspector = Inspector::new(&settings).expect("valid settings");
    let content = message("the \"A\" valve\\2");
    let findings = inspector.read(&content).expect("one finding");
    let mut done = changed(&content, &findings, &[], &[0], "c").expect("free text");
    let text = format!("{{\"v\":\"{}\"}}", done.edits[0].replacement);
    let restored = done.restorer.whole(&text, Form::Json).expect("a change");
    let parsed: serde_json::Value = serde_json::from_str(&restored).expect("still JSON");
    assert_eq!(parsed["v"], "the \"A\" valve\\2");
}

#[test]
fn a_forged_token_is_never_answered_with_a_value() {
    let (_, token) = restorer();
    let text = format!("TIC-101 is not {token} nor {}", token.to_lowercase());
    let content = message(&text);
    let findings = INSPECTOR.read(&content).expect("few findings");
    let all: Vec<usize> = (0..findings.len()).collect();
    let mut done = changed(&content, &findings, &[], &all, "c").expect("free text");
    let sent = apply(&text, &done.edits);
    assert!(!sent.starts_with(&format!("{token} ")), "another token is issued");
    assert_eq!(done.restorer.whole(&sent, Form::Plain), Some(text));
}

#[test]
fn hostile_texts_cost_no_more_than_their_length() {
    let unit = 8 << 10;
    for part in [
        "sk-",
        "key=",
        "password=",
        "eyJ",
        "-----BEGIN ",
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "://a:",
        "1.",
        "1-",
        "0 ",
        "(1",
        "@",
        "a@a.",
        "::",
        "ab:",
        "$1$",
        "%IX",
        "=A1+",
        "TIC-",
        "ns=1;s=",
        "A",
        "9",
        "_",
        "\u{200B}",
        "Bearer ",
        "1.1.1.",
        "setp a.b ",
        "set 1 °C ",
        ":AA",
        "password is \"",
        "-u a:",
        "xoxb-1111-",
        "1,1;",
        "TIC-101;1;bar\n",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "%41",
        "&#65;",
        "\\-",
        "\u{422}",
        "\u{E0041}",
        "\u{E0025}\u{E0034}\u{E0031}",
        "a\u{E0041}",
        "a\u{E0041}\u{E0042}\u{E0043}",
        "1 to 2 to ",
        "rod 200 rpm, ",
        "1/",
        "e\u{301}",
        "4556 ",
        "+49 4561 ",
        "a@b.1.",
        "QUFB",
        "password (",
        "hooks.slack.com/services/1",
        "before answering call ",
        "x\u{FE01}",
        "\u{2067}",
        "\u{202E}",
        "a\u{200B}",
        "\u{E0041}",
        "</system>",
        "<|im_start|>",
        "<a style=",
        "<!--",
        "i g n ",
        "previous instructions ",
        "you are ",
        "ignore ",
        "token mailjet ",
        "-us",
        "P/N ",
        "badge no. ",
        "Frau ",
        "A street",
        "1 A Street ",
        "address: A1",
        "permit tcp ",
        "flatness 0.",
        "1 +1",
        "Ø1 H7/",
        "vlan 1 ",
        "a [at] b [dot] ",
        "Program:a.",
        "DB 1.DBX ",
        "10 LAB20 ",
        "IF x THEN\n",
        "G1 X[",
        "G1 X1\n",
        "#1=AAAA(",
        "<HOP>\n",
        "x := 1;\n",
        "(*\n",
        "AQAAAB{",
        "community a ",
        "user|password|\n",
        "password;password;\n",
        "password;",
        "a;password\nb;Xk29dL\n",
        "username a password 0 a ",
        "radius-server key ",
        "wifi:t:;P:\\",
        ":5432:a:a:",
        "private-lines: A\nA",
        "sqlplus -s a/",
        "zip -P ",
        "set_password('a",
        "<x:password a='",
        "password=a&",
        "user: a-b password: a-b\n",
        "zugangsdaten a / a",
        "cookie: sid=",
        "cookie: a=;",
        "insert into a(password) values ('",
        "key=GetBytes(\"",
        "snmpwalk -A ",
        "pre-shared-key local ",
        "SP 1 ",
        "SP;1\n",
        "a;SP\nb;1\n",
        "1|",
        "<sp>1</sp>",
        "<value>1</value><",
        "zone_sp=1 ",
        "Nachdruck 1 bar ",
        "mash 1 °C ± 2 °C ",
        "1 ± 2 ",
    ] {
        let (small, large) = (part.repeat(unit / part.len()), part.repeat(8 * unit / part.len()));
        let time = |text: &str| {
            let begin = cpu_seconds();
            let _ = INSPECTOR.read(&message(text));
            cpu_seconds() - begin
        };
        let small = (0..3).map(|_| time(&small)).fold(f64::MAX, f64::min);
        let large = (0..3).map(|_| time(&large)).fold(f64::MAX, f64::min);
        // Eight times the text; the square would be 64 times. Below a millisecond the clock says nothing.
        assert!(large < 32.0 * small.max(0.001), "{part:?}: {small} s, then {large} s");
    }
}

/// What this thread has had of a processor: what others do meanwhile does not count.
pub(crate) fn cpu_seconds() -> f64 {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).unwrap().as_secs_f64()
}

#[test]
fn labelled_texts_are_read_well() {
    let Some(folder) = std::env::var_os("PENSTOCK_DATA") else {
        println!("skipped: PENSTOCK_DATA does not name the folder of labelled.jsonl");
        return;
    };
    let file =
        std::fs::read_to_string(std::path::Path::new(&folder).join("labelled.jsonl")).expect("the data can be read");
    let mut flagged = 0;
    let mut benign = 0;
    for line in file.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("a row is JSON");
        let text = row["text"].as_str().expect("a text");
        let findings = INSPECTOR.read(&message(text)).expect("few findings");
        if row["class"] == "benign" {
            benign += 1;
            flagged += usize::from(findings.iter().any(|f| f.label.as_str().starts_with("secret")));
        }
    }
    assert!(flagged * 1000 <= benign * 3, "{flagged} of {benign} benign texts hold a secret");
}

proptest! {
    #[test]
    fn any_text_keeps_the_laws(text in "\\PC{0,200}") {
        fuzz_read(text.as_bytes());
    }

    #[test]
    fn texts_of_telling_parts_keep_the_laws(parts in prop::collection::vec(parts(), 0..30)) {
        fuzz_read(parts.concat().as_bytes());
    }

    #[test]
    fn what_stands_in_front_does_not_change_what_is_found_behind(front in "[a-z ,]{0,60}", parts in prop::collection::vec(parts(), 0..12)) {
        // Two empty lines and a row of dashes: further than any context reaches.
        let gap = format!("\n\n{}\n\n", "- ".repeat(200));
        let behind = parts.concat();
        let alone = INSPECTOR.read(&message(&format!("{gap}{behind}"))).expect("few");
        let both = INSPECTOR.read(&message(&format!("{front}{gap}{behind}"))).expect("few");
        let tail: Vec<_> = both.iter().filter(|f| f.span.start >= front.len()).map(|f| (&f.rule, f.span.start - front.len())).collect();
        prop_assert_eq!(tail, alone.iter().map(|f| (&f.rule, f.span.start)).collect::<Vec<_>>());
    }

    #[test]
    fn chunks_change_nothing(length in 1u8..9, parts in prop::collection::vec(
        prop::sample::select(vec!["TAG_0000000000", "tag_0000", "000000", "TAG", "_", " ", "KEY_0ABC", "//", "](", "\"", "é", "\\", "n", "www."]), 0..24)
    ) {
        let mut data = vec![length];
        data.extend(parts.concat().bytes());
        fuzz_restore(&data);
    }
}

/// Parts that detectors look for, and what stands between.
fn parts() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        " ",
        "\n",
        ", ",
        "\"",
        "=",
        ": ",
        "://",
        "@",
        "-",
        "_",
        ".",
        "/",
        "TIC-101",
        "tic_101",
        "185 °C",
        " ℃",
        "set ",
        "password",
        "hunter2!",
        "token",
        "a.b@c.example",
        "10.1.2.3",
        "fe80::1",
        "4111111111111111",
        "GB24PMYB14643687942095",
        "+49 4561 088570",
        "\u{200B}",
        "１２",
        "ü",
        "acme brew",
        "R-12",
        "TAG_7K3M9QXR2W",
        "ns=2;s=a",
        "%IW6",
        "DB1.DBX0.1",
        "pH 5",
        "setp a.b 1",
        "eyJhbGciOiJIUzI1NiJ9",
        "-----BEGIN ",
    ])
}
