//! The keys of what a provider may be beside its address: an API that is described, a service of gRPC.

use crate::table::{CALL, ERROR, HOST_NAME, JSON_PATH, Kind, SINGLE_PATH, Section, any, may};

static ANY_CALL: Kind = Kind::Form(&CALL);
static ANY_JSON_PATH: Kind = Kind::Form(&JSON_PATH);
static ANY_HOST_NAME: Kind = Kind::Form(&HOST_NAME);

pub(crate) static GRPC: Section = Section {
    path: "providers.<provider>.grpc",
    noun: "gRPC service",
    about: "A provider that callers reach over gRPC too. Their clients know the gateway's host and port, and no path that could name a \
            provider: the host does. Two providers cannot have the same, and at most one can be without.",
    fields: &[
        may(
            "names",
            any(&ANY_HOST_NAME),
            "[\"vision.gate.springwell.example\"]",
            "Hosts of the gateway, without ports, under which callers mean this provider: names that lead to the gateway and stand in its \
             certificate. Without any, it is meant under each host that no other provider has.",
        ),
        may(
            "port",
            Kind::Count { low: 1, high: 65_535 },
            "8001",
            "The port at which it speaks gRPC, on the host of `address` and by its scheme; the port of `address` if there is none here.",
        ),
    ],
};

pub(crate) static API: Section = Section {
    path: "providers.<provider>.api",
    noun: "API",
    about: "A JSON API described: the cloud of a machine's maker, for example. Every string of its calls is read, described or not; this says \
            what they are. A path is written as names joined by dots, with `[]` behind the name of a list: `history[].text`.",
    fields: &[
        may(
            "calls",
            any(&ANY_CALL),
            "[\"ask POST /v1/machines/{machine}/ask\"]",
            "Its calls: a name, which policies and records use, a method, and a path, in which a segment in braces stands for any and \
             `{model}` names the model. Others are refused. Without this list, any path is a call.",
        ),
        may("model", Kind::Form(&SINGLE_PATH), "\"engine.name\"", "Where a request names the model."),
        may(
            "stream",
            Kind::Form(&SINGLE_PATH),
            "\"options.live\"",
            "Where a request says `true` if its answer is to stream.",
        ),
        may(
            "prompts",
            any(&ANY_JSON_PATH),
            "[\"question\", \"history[].text\"]",
            "The texts of a request that may be replaced. All others are read too, and a finding in one that would have to be replaced \
             refuses the call. Without this list, all may be.",
        ),
        may(
            "texts",
            any(&ANY_JSON_PATH),
            "[\"delta.text\"]",
            "The texts of a streamed answer that its reader joins from event to event. They are read and rewritten joined.",
        ),
        may(
            "error",
            Kind::Form(&ERROR),
            "'{\"fault\": {\"code\": \"{code}\", \"text\": \"{message}\"}}'",
            "What an error looks like: JSON, in which `{code}`, `{message}`, `{record}` and `{status}` stand for what they name. Without \
             it, a problem as of RFC 9457.",
        ),
    ],
};
