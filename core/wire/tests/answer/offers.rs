//! Lists of tools, with those left out that may not be seen.

use super::rig::{Restore, Same, Source, VALUE, give};
use plant::{Channel, Dialect, Form, Rewrite};
use serde_json::{Value, json};

const MCP: Source = Source { dialect: Dialect::Mcp, path: "/mcp", status: 200, kind: "text/event-stream" };

/// Lets the tools pass whose names hold a `+`; notes what each is.
#[derive(Default)]
struct Plus {
    seen: Vec<String>,
    inner: Restore,
}

impl Rewrite for Plus {
    fn push(&mut self, channel: Channel, text: &str) -> String {
        self.inner.push(channel, text)
    }

    fn finish(&mut self, channel: Channel) -> String {
        self.inner.finish(channel)
    }

    fn whole(&mut self, text: &str, form: Form) -> Option<String> {
        self.inner.whole(text, form)
    }

    fn offers(&mut self, tool: &str, definition: &str) -> bool {
        self.seen.push(definition.to_owned());
        tool.contains('+')
    }
}

fn given(body: &str, source: Source) -> (String, Vec<String>) {
    let mut plus = Plus::default();
    let given = give(source.answer(false), body.as_bytes().chunks(7), &mut plus);
    assert_eq!(given.ended, Ok(()), "{body}");
    (String::from_utf8(given.out).unwrap(), plus.seen)
}

#[test]
fn whichever_tools_go_the_rest_is_a_list_still() {
    for kept in 0..16_u32 {
        let tool = |number: u32| {
            let name = if kept >> number & 1 == 1 { format!("+{number}") } else { number.to_string() };
            json!({"name": name, "description": "TOKEN", "inputSchema": {"type": "object"}})
        };
        let tools: Vec<Value> = (0..4).map(tool).collect();
        let whole = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools, "nextCursor": "c"}});
        let names =
            |list: &[Value]| list.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let expected: Vec<String> = names(&tools).into_iter().filter(|name| name.contains('+')).collect();
        for body in [whole.to_string(), format!("{whole:#}")] {
            let (document, seen) = given(&body, MCP.document());
            let read: Value = serde_json::from_str(&document).unwrap();
            assert_eq!(names(read["result"]["tools"].as_array().unwrap()), expected, "{body}");
            assert_eq!((seen.len(), read["result"]["nextCursor"].as_str()), (4, Some("c")));
            assert!(read["result"]["tools"].as_array().unwrap().iter().all(|tool| tool["description"] == VALUE));
        }
        let event = format!("event: message\r\nid: 7\r\ndata: {whole}\r\n\r\n: ping\r\n\r\n");
        let (stream, seen) = given(&event, MCP);
        let data = stream.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let read: Value = serde_json::from_str(data).unwrap();
        assert_eq!(read["result"]["tools"].as_array().unwrap().len(), kept.count_ones() as usize);
        assert!(seen.len() == 4 && stream.ends_with(": ping\r\n\r\n"));
    }
}

#[test]
fn what_is_no_list_of_tools_stays_and_what_has_no_name_goes() {
    for same in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"tools"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":{"name":"x"}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}"#,
    ] {
        assert_eq!(given(same, MCP.document()), (same.to_owned(), Vec::new()));
    }
    let (left, seen) =
        given(r#"[{"result":{"tools":[ 7 , {"title":"x"}, {"name":"+"} , {"name":["+"]} ]}}]"#, MCP.document());
    assert_eq!(left, r#"[{"result":{"tools":[ {"name":"+"} ]}}]"#);
    assert_eq!(seen, [r#"{"name":"+"}"#]);
}

#[test]
fn an_endless_stream_of_messages_has_no_last() {
    let event = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
    let given = give(MCP.answer(false), [event.as_bytes(), event.as_bytes()], &mut Same);
    assert_eq!((given.out.len(), given.ended), (2 * event.len(), Ok(())));
}
