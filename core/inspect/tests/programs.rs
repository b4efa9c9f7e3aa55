//! Programs of controllers by three lines, as makers write them; and languages that look much alike.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use penstock_inspect::{Inspector, Settings};
use plant::{Content, Origin, Piece, Sensitivity};
use std::borrow::Cow;

/// The lines that are found as a controller's program.
fn programs(text: &str) -> Vec<String> {
    let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).unwrap();
    let piece = Piece {
        path: "text".to_owned(),
        text: Cow::Borrowed(text),
        attachment: None,
        origin: Origin::default(),
        fixed: false,
    };
    let findings = inspector.read(&Content { pieces: vec![piece] }).unwrap();
    let ours = findings.into_iter().filter(|finding| finding.rule.as_str() == "code.plc");
    ours.map(|finding| text[finding.span].to_owned()).collect()
}

#[test]
fn three_lines_are_enough_whoever_wrote_the_program() {
    for text in [
        // Structured text: a case, a call, declarations of own types.
        "STEP_FILL:\n  valve := TRUE;\n  timer(IN := TRUE);",
        "10:\n  step := 20;\n  timer();",
        "power : MC_Power;\nmove : MC_MoveAbsolute;\nstate : E_State;",
        "Kettle_Level : Real;\nSteps : Array[0..9] of Struct\n  Speed : Int;",
        "#diff := #wanted - #level;\nIF #diff > 2 THEN\n  \"DO_Valve\" := TRUE;",
        "if kettle.level > high then\n  inlet := 0;\nelsif kettle.level < low then",
        "STEP Fill:\n  OpenValve(N);\nEND_STEP",
        "{region 'Init'}\n  ready := FALSE;\n{endregion}",
        // One operation a line.
        "LD X0\nANI X1\nOUT Y0",
        "LD T0\nMOV K100 D10\nRST C0",
        "LD 0.00\nAND NOT 0.01\nOUT 100.00",
        "LD R000\nOR R500\nOUT R500",
        "LD cnt.Q\nJMPCN skip\nLD 0",
        "      U     E 0.0\n      UN    A 4.3\n      =     A 4.0",
        "L \"Kettle\".Level\nL 100\n>=I",
        "CALL  \"FB_Motor\" , \"DB_Motor\"\n Start:=\"start\"\n Stop :=\"stop\"",
        "N: XIC(start)XIO(stop)OTE(motor);\nN: TON(timer,5000,0);\nN: MOV(0,speed);",
        // Exports.
        "<TcPlcObject Version=\"1.1.0.1\">\n<POU Name=\"MAIN\">\n<Declaration>",
        "<contact localId=\"2\" negated=\"false\">\n<variable>start</variable>\n</contact>",
        "<Access Scope=\"GlobalVariable\" UId=\"21\">\n<Symbol>\n<Component Name=\"start\" />",
    ] {
        assert_eq!(programs(text).len(), 1, "{text}");
    }
}

#[test]
fn languages_that_look_alike_and_prose_are_none() {
    for text in [
        "program Hello;\nvar\n  i: Integer;\nbegin\n  i := 10;\n  WriteLn('Hello');\nend.",
        "BEGIN\n  SELECT COUNT(*) INTO n FROM orders;\n  IF n > 10 THEN\n    status := 'FULL';\n  END IF;\nEND;",
        "process(clk)\nbegin\n  if rising_edge(clk) then\n    count <= count + 1;\n  end if;\nend process;",
        "function f(x)\n  if x > 10 then\n    return x - 1\n  end\n  while y < 100 do\n    y = y + 1\n  end\nend",
        "x := compute(y)\nname := \"Tom\"\nfor i := 0; i < n; i++ {",
        "CC := gcc\nSRC := $(wildcard *.c)\nall: build",
        "color : red;\nmargin : 0;\nfont : Arial;",
        "interface Motor {\n  name: string;\n  speed: number;\n}",
        "Step 1: open the lid\nStep 2: fill to the mark\nSet: 12\nNote:\nEnd the cycle;",
        "A 1 apples\nO 2 oranges\nS 12.5 small\nL 10 items",
        "x := 5;",
    ] {
        assert_eq!(programs(text), [""; 0], "{text}");
    }
}
