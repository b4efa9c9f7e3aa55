//! `[oversight]` and `[conduits.<conduit>.oversight]`: what people do with answers, and who must say so.

use crate::callers::strings;
use crate::node::Node;
use crate::problem::Code;
use crate::report::Report;
use plant::{Oversight, WorkloadId};

/// Most origins: each is sent to nobody, and compared with each request.
const MOST: usize = 64;

/// The origins of web pages that may account for answers.
pub(crate) fn origins(file: &Node<'_>, report: &mut Report) -> Vec<String> {
    let Some(node) = file.table("oversight") else { return Vec::new() };
    let origins = strings(&node, "origins");
    if origins.len() > MOST {
        let message = format!("there are {} origins, and there may be {MOST}", origins.len());
        let help = "let the pages tell their own server, which tells the gateway";
        report.add(report.problem(Code::TooMany, node.span_of("origins"), message).help(help));
    }
    origins
}

/// How the answers of a conduit are accounted for.
pub(crate) fn of(conduit: &Node<'_>) -> Option<Oversight> {
    let node = conduit.table("oversight")?;
    let within = node.duration("within")?;
    Some(Oversight {
        within: node.flag("required").then_some(within),
        until: node.duration("until")?,
        by: node.reads("by", WorkloadId::new),
        proved: node.flag("proved"),
    })
}

/// What it means together with the rest.
pub(crate) fn judge(file: &Node<'_>, conduit: &Node<'_>, report: &mut Report) {
    let Some(node) = conduit.table("oversight") else { return };
    if node.flag("proved") && !file.says("operators") {
        let message = format!("{} takes proved operators only, and nobody vouches for operators", node.place);
        let help = "add the OpenID Connect issuer of the plant under `[operators]`";
        report.add(report.problem(Code::NoIssuer, node.span_of("proved"), message).help(help));
    }
    if node.says("within") && !node.flag("required") {
        let message = format!("{} says within which time, and requires nothing", node.place);
        report.add(report.problem(Code::Unused, node.span_of("within"), message).help("set `required = true`"));
    }
    if let (true, Some(within), Some(until)) = (node.flag("required"), node.duration("within"), node.duration("until"))
        && until < within
    {
        let message = format!("{} ends before the time is over that it gives", node.place);
        let key = if node.says("until") { "until" } else { "within" };
        report.add(
            report.problem(Code::BadValue, node.span_of(key), message).help("lengthen `until`, or shorten `within`"),
        );
    }
}
