//! Names of tags, paths and tables, as people and programs write them.

use super::{Holding, Listed, SourceProblem, overlaps};
use crate::fuzz::message;
use crate::{Changes, Inspector, Settings, SettingsProblem, transform};
use plant::{Rewrite, Scale, Source, SourceId};
use proptest::prelude::*;

fn source(name: &str, tags: &[&str], paths: &[&str], tables: &[&str]) -> Source {
    let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    let scale = Scale::new(["public", "internal"].map(str::to_owned).to_vec()).unwrap();
    Source {
        id: SourceId::new(name).unwrap(),
        title: None,
        sensitivity: scale.highest(),
        owner: "OT".to_owned(),
        tags: owned(tags),
        paths: owned(paths),
        documents: Vec::new(),
        tables: owned(tables),
    }
}

fn sources() -> Vec<Source> {
    vec![
        source("line-1", &["AREA1.TIC101.*", "FIC-2*", "ns=2;s=Line1.Oven.*", "[default]Line 1/Mixer/Speed"], &[], &[]),
        source("historian", &[], &[r"\\PISRV01\SINUSOID", r"\\AFSRV\Brewery\Line 2\*|Flow", "*BoilerFeed*"], &[]),
        source("mes", &[], &[], &["mes.orders", "MES_DB.dbo.*"]),
        source("sis", &["SIS-4711", "Ölpumpe.Druck", "炉1.温度"], &[], &[]),
    ]
}

fn inspector(sources: Vec<Source>) -> Result<Inspector, SettingsProblem> {
    let scale = Scale::new(["public", "internal"].map(str::to_owned).to_vec()).unwrap();
    Inspector::new(&Settings { sources, ..Settings::new(scale.highest()) })
}

/// The sources that are found, each with what was found.
fn found(text: &str) -> Vec<(String, String)> {
    let findings = inspector(sources()).unwrap().read(&message(text)).unwrap();
    let own = findings.into_iter().filter(|finding| finding.source().is_some());
    own.map(|finding| (finding.source().unwrap().to_owned(), text[finding.span.clone()].to_owned())).collect()
}

#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let found = found(text);
    let found: Vec<(&str, &str)> = found.iter().map(|(name, what)| (name.as_str(), what.as_str())).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_tag_is_found_with_every_separator_and_in_any_case() {
    for tag in [
        "AREA1.TIC101.PV",
        "area1.tic101.pv",
        "AREA1/TIC101/PV",
        r"AREA1\TIC101\PV",
        "AREA1_TIC-101_PV".replace("TIC-101", "TIC101").as_str(),
        "AREA1:TIC101:SP_H",
        "AREA1|TIC101|PV",
        "AREA1.TIC101.PV.Value[3]",
    ] {
        check(&format!("Why does {tag}, drift?"), &[("line-1", tag)]);
        check(tag, &[("line-1", tag)]);
    }
    check("ns=3;s=AREA1.TIC101.PV", &[("line-1", "AREA1.TIC101.PV")]);
    check("[default]Area1/TIC101/PV is high. So.", &[("line-1", "Area1/TIC101/PV")]);
    check("set AREA1.TIC101.SP=4", &[("line-1", "AREA1.TIC101.SP")]);
}

#[test]
fn parts_that_are_quoted_each_are_one_name() {
    check(r#"why is ns=3;s="AREA1"."TIC101"."PV" high"#, &[("line-1", r#"AREA1"."TIC101"."PV"#)]);
    check(r#""AREA1"/"TIC101"/"PV""#, &[("line-1", r#"AREA1"/"TIC101"/"PV"#)]);
    for text in [r#"{"AREA1":"TIC101.PV"}"#, r#""AREA1", "TIC101.PV""#, r#""AREA1" "TIC101.PV""#, r#""AREA1".TIC1011"#]
    {
        check(text, &[]);
    }
}

#[test]
fn the_bounds_of_a_name_hold() {
    for text in [
        "AREA1.TIC1011.PV",
        "XAREA1.TIC101.PV",
        "AREA1.TIC101.",
        "AREA1.TIC101",
        "AREA1.TIC101. PV",
        "AREA1 TIC101 PV",
        "sis 4711",
        "SIS-47112",
        "ASIS-4711",
        "ns=2;s=Line1.Oven",
        "mes.orders2",
        "games.orders",
        "PISRV01 SINUSOID",
    ] {
        check(text, &[]);
    }
    check("SIS-4711/4712", &[("sis", "SIS-4711")]);
    check("Plant.SIS_4711.Trip", &[("sis", "SIS_4711")]);
    check("FIC-2, FIC-21 and FIC-31", &[("line-1", "FIC-2"), ("line-1", "FIC-21")]);
}

#[test]
fn the_forms_of_historians_opc_ua_and_ignition_are_found() {
    check("read ns=2;s=Line1.Oven.Zone3.Temp now", &[("line-1", "ns=2;s=Line1.Oven.Zone3.Temp")]);
    check("[default]Line 1/Mixer/Speed", &[("line-1", "[default]Line 1/Mixer/Speed")]);
    check(r"\\PISRV01\SINUSOID at noon", &[("historian", r"PISRV01\SINUSOID")]);
    check(r"\\\\PISRV01\\SINUSOID at noon", &[("historian", r"PISRV01\\SINUSOID")]);
    check(r"\\AFSRV\Brewery\Line 2\Pump7|Flow rose", &[("historian", r"AFSRV\Brewery\Line 2\Pump7|Flow")]);
    check(r"\\AFSRV\Brewery\Line 2\Pump7|Level rose", &[]);
    check("see /tags/X_BoilerFeed_7.csv", &[("historian", "/tags/X_BoilerFeed_7.csv")]);
}

#[test]
fn tables_are_found_as_sql_writes_them() {
    for table in ["mes.orders", r#""mes"."orders""#, "[MES].[Orders]", "`mes`.`orders`", "mes.[orders]"] {
        check(&format!("SELECT * FROM {table} WHERE id = 4"), &[("mes", table)]);
    }
    check("SELECT 1 FROM MES_DB.dbo.Batches b", &[("mes", "MES_DB.dbo.Batches")]);
    check("SELECT 1 FROM [MES_DB].[dbo].[Batches] b", &[("mes", "[MES_DB].[dbo].[Batches]")]);
}

#[test]
fn other_scripts_have_their_cases() {
    check("ÖLPUMPE.DRUCK und ölpumpe/druck", &[("sis", "ÖLPUMPE.DRUCK"), ("sis", "ölpumpe/druck")]);
    check("请看炉1.温度吗", &[("sis", "炉1.温度")]);
}

#[test]
fn what_is_written_otherwise_is_found_where_it_stands() {
    check("call AREA1\u{200b}.TIC101.PV", &[("line-1", "AREA1\u{200b}.TIC101.PV")]);
    check("AREA1::TIC101//PV", &[("line-1", "AREA1::TIC101//PV")]);
    check(r#"{"tag": "AREA\u0031.TIC101.PV"}"#, &[("line-1", r"AREA\u0031.TIC101.PV")]);
    check("q=AREA1%2ETIC101%2EPV", &[("line-1", "AREA1%2ETIC101%2EPV")]);
    // "read AREA1.TIC101.PV and tell me what it was at noon" in base64
    let wrapped = "cmVhZCBBUkVBMS5USUMxMDEuUFYgYW5kIHRlbGwgbWUgd2hhdCBpdCB3YXMgYXQgbm9vbg==";
    check(&format!("do {wrapped} please"), &[("line-1", wrapped.trim_end_matches('='))]);
}

#[test]
fn a_tag_of_a_source_is_still_a_tag_and_may_be_of_two_sources() {
    let both = vec![source("all", &["PLANT.*"], &[], &[]), source("cell", &["PLANT.TIC101*"], &[], &[])];
    let findings = inspector(both).unwrap().read(&message("PLANT.TIC101.PV is 40")).unwrap();
    let labels: Vec<&str> = findings.iter().map(|finding| finding.label.as_str()).collect();
    assert!(labels.contains(&"source.all") && labels.contains(&"source.cell") && labels.contains(&"tag"), "{labels:?}");
}

#[test]
fn what_is_replaced_comes_back_although_sources_and_tags_overlap() {
    let text = "TIC-101.PV and PLANT.TIC-102.SP, ns=2;s=PLANT.FIC-7 and TIC-103";
    let all =
        vec![source("all", &["PLANT.*", "TIC-101.*"], &[], &[]), source("cell", &["TIC-102.SP", "TIC-103"], &[], &[])];
    let content = message(text);
    let findings = inspector(all).unwrap().read(&content).unwrap();
    assert!(findings.iter().filter(|finding| finding.source().is_some()).count() >= 5, "{findings:?}");
    let changes = Changes { tokenise: (0..findings.len()).collect(), ..Changes::default() };
    let changed = transform(&content, &findings, &changes, &crate::fuzz::maker("c")).unwrap();
    let mut sent = text.to_owned();
    for edit in changed.edits.iter().rev() {
        sent.replace_range(edit.span.clone(), &edit.replacement);
    }
    for part in ["TIC", "PLANT", "FIC"] {
        assert!(!sent.contains(part), "{sent}");
    }
    let mut restorer = changed.restorer;
    assert_eq!(restorer.whole(&sent, plant::Form::Plain).unwrap(), text);
}

#[test]
fn patterns_that_would_stand_anywhere_are_refused() {
    let why = |text: &str| match inspector(vec![source("line-1", &["AREA1.*", text], &[], &[])]) {
        Err(SettingsProblem::Source(SourceProblem::Pattern { at, why })) => {
            assert_eq!(at, Listed { source: SourceId::new("line-1").unwrap(), holding: Holding::Tag, index: 1 });
            why.to_string()
        }
        Err(other) => other.to_string(),
        Ok(_) => "fit".to_owned(),
    };
    for vague in ["*", "", "..", "*.PV", "A1*", "**", "--*TIC101"] {
        assert!(why(vague).contains("at least 3 letters"), "{vague}: {}", why(vague));
    }
    assert!(why("AB1*C*D*E*F*G").contains("more than 4"));
    assert!(why(&"A".repeat(300)).contains("bytes"));
    assert!(why("AREA1\nTIC").contains("control"));
    assert_eq!(why("*TIC101*"), "fit");
    let many: Vec<String> = (0..17).map(|number| format!("AREA1.*.P{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(matches!(
        inspector(vec![source("line-1", &many, &[], &[])]),
        Err(SettingsProblem::Source(SourceProblem::Alike { at })) if at.index == 16
    ));
}

#[test]
fn what_lies_within_another_source_is_told() {
    let all = [
        source("area-1", &["AREA1.*"], &[], &[]),
        source("sis", &["AREA1.SIS.*", "Area1/*"], &[], &[]),
        source("line-2", &["AREA2.*"], &[], &[]),
    ];
    let told: Vec<(String, usize, usize, bool)> = overlaps(all.iter())
        .unwrap()
        .into_iter()
        .map(|one| {
            (format!("{} in {}", one.inner.source, one.outer.source), one.inner.index, one.outer.index, one.same)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("sis in area-1".to_owned(), 0, 0, false),
            ("sis in area-1".to_owned(), 1, 0, true),
            ("area-1 in sis".to_owned(), 0, 1, true),
        ]
    );
}

proptest! {
    #[test]
    fn a_name_is_found_wherever_it_stands(
        before in "[ -~]{0,40}", after in "[ -~]{0,40}", which in 0usize..6, parted in prop::sample::select(vec!['.', '/', '_', '-'])
    ) {
        let names = ["AREA1.TIC101.PV", "FIC-27", "PISRV01.SINUSOID", "mes.orders", "SIS-4711", "area1.tic101.sp.max"];
        let name: String = names[which].chars().map(|c| if c == '.' && which != 3 { parted } else { c }).collect();
        // Between blanks nothing belongs to the name.
        let text = format!("{before} {name} {after}");
        let held = found(&text).iter().any(|(_, what)| what.contains(&name) || what == &name);
        prop_assert!(held, "{text}");
    }

    #[test]
    fn nothing_panics_and_spans_are_text(text in "\\PC{0,200}", pattern in "\\PC{0,40}") {
        let found = inspector(vec![source("any", &[&pattern], &[&pattern], &[&pattern]), sources().remove(1)]);
        if let Ok(inspector) = found {
            for finding in inspector.read(&message(&text)).unwrap_or_default() {
                prop_assert!(text.get(finding.span.clone()).is_some());
            }
        }
    }
}
