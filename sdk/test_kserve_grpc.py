"""KServe v2 over gRPC: `tritonclient` and bare `grpcio`, unmodified, through a real gateway to a real gRPC server with the stubs that
`tritonclient` brings along."""

import concurrent.futures
import os
import queue
import struct
import subprocess
import sys
import threading

import certificates
import grpc
import numpy
import pytest
import tritonclient.grpc as triton
import tritonclient.utils
from conftest import DEADLINE, HERE, Plant, wait_for
from cryptography.x509.oid import ExtendedKeyUsageOID
from people import People
from test_openai import png
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

SECRET = "Use AKIAQ3EGRTYUJK5LZXCV with kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb to log in."
TAG = "TIC-101 drifts and FV-203A stays shut"

INTERCEPT = """
[intercept]
proxy = ["127.0.0.1:0"]
"""
PROVIDERS = """
[providers.vision]
dialect = "kserve"
address = "http://127.0.0.1:9"
credential = { environment = "VISION_CREDENTIAL" }
zone = "edge"
clearance = "restricted"
supplier = { name = "The plant itself" }
grpc = { names = ["localhost"], port = PLAIN }

[providers.welds]
dialect = "kserve"
address = "https://localhost:SECURE"
authorities = "pki/authority.pem"
zone = "edge"
clearance = "restricted"
supplier = { name = "The plant itself" }
[providers.welds.grpc]
"""

CONDUIT = """
[conduits.copilot-NAME]
from = ["line"]
to = "NAME"
purposes = ["advice"]
models = ["copilot*"]
ceiling = "restricted"
owner = "Line engineering"
approved_by = "Security"
handling = [{ label = "secret", do = "refuse" }, { label = "tag", do = "tokenise" }]
limits = { request_bytes = "1MiB", total = "20s" }
"""


class Service(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Repeats what it is asked, and keeps what it saw."""

    def __init__(self):
        self.seen = []
        self.cancelled = threading.Event()
        self.ended = threading.Event()

    def note(self, request, context):
        self.seen.append((request, dict(context.invocation_metadata()), context.time_remaining()))

    def ServerLive(self, request, context):
        self.note(request, context)
        return pb.ServerLiveResponse(live=True)

    def ServerReady(self, request, context):
        return pb.ServerReadyResponse(ready=True)

    def ModelReady(self, request, context):
        self.note(request, context)
        return pb.ModelReadyResponse(ready=request.name == "copilot")

    def ServerMetadata(self, request, context):
        return pb.ServerMetadataResponse(name="scripted", version="2.73", extensions=["classification"])

    def ModelMetadata(self, request, context):
        tensor = pb.ModelMetadataResponse.TensorMetadata(name="text", datatype="BYTES", shape=[-1])
        return pb.ModelMetadataResponse(name=request.name, versions=["1"], platform="python", inputs=[tensor])

    def ModelInfer(self, request, context):
        self.note(request, context)
        if request.model_name == "copilot-gone":
            context.set_trailing_metadata((("shard", "7"),))
            context.abort(grpc.StatusCode.UNAVAILABLE, f"no shard for {texts(request)[0]}, 100 % gone")
        if request.model_name == "copilot-hangs":
            context.add_callback(self.cancelled.set)
            self.cancelled.wait(DEADLINE)
        outputs = [
            pb.ModelInferResponse.InferOutputTensor(name=own.name, datatype=own.datatype, shape=own.shape, contents=own.contents)
            for own in request.inputs
        ]
        return pb.ModelInferResponse(
            model_name=request.model_name, id=request.id, outputs=outputs, raw_output_contents=request.raw_input_contents
        )

    def ModelStreamInfer(self, requests, context):
        """As Triton does with a decoupled model: as many answers to each request as it asks for."""
        context.add_callback(self.ended.set)
        for request in requests:
            if request.model_name == "copilot-gone":
                context.abort(grpc.StatusCode.UNAVAILABLE, f"no shard for {texts(request)[0]}")
            for number in range(request.parameters["times"].int64_param or 1):
                answer = self.ModelInfer(request, context)
                answer.parameters["number"].int64_param = number
                yield pb.ModelStreamInferResponse(infer_response=answer)


def texts(request):
    """The texts of the tensors of a call."""
    found = []
    for tensor in request.inputs:
        found += [text.decode() for text in tensor.contents.bytes_contents]
    for raw, tensor in zip(request.raw_input_contents, request.inputs):
        while tensor.datatype == "BYTES" and raw:
            (length,) = struct.unpack_from("<I", raw)
            found.append(raw[4 : 4 + length].decode())
            raw = raw[4 + length :]
    return found


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    service = Service()
    service.server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(service, service.server)
    service.plain = service.server.add_insecure_port("127.0.0.1:0")
    yield service
    service.server.stop(None)


@pytest.fixture(scope="module")
def plant(tmp_path_factory, provider, service):
    folder = tmp_path_factory.mktemp("kserve") / "works"
    text = (HERE / "plant.toml").read_text() + INTERCEPT + PROVIDERS + "".join(CONDUIT.replace("NAME", name) for name in ("vision", "welds"))
    plant = Plant(folder, provider, text=text)
    pki = folder / "pki"
    pair = certificates.issue(folder, "upstream", ["localhost"], pki, use=ExtendedKeyUsageOID.SERVER_AUTH)
    certificate, key = (path.read_bytes() for path in pair)
    secure = service.server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(key, certificate)]))
    service.server.start()
    file = folder / "plant.toml"
    file.write_text(file.read_text().replace("PLAIN", str(service.plain)).replace("SECURE", str(secure)))
    plant.environment |= {"VISION_CREDENTIAL": "vi-of-the-plant"}
    plant.penstock("intercept", "init")
    plant.start()
    plant.own = f"localhost:{secure}"
    yield plant
    plant.stop()
    plant.penstock("verify", str(folder / "ledger"), plant=False)


@pytest.fixture(scope="module")
def headers(plant):
    return {"authorization": f"Bearer {plant.token('copilot')}"}


@pytest.fixture(params=["by TLS", "in the clear", "to a provider by TLS"])
def client(request, plant):
    """Clients of each way in and out: the host says which provider is meant."""
    plain = plant.plain.rsplit(":", 1)[1]
    address, more = {
        "by TLS": (f"localhost:{plant.port}", {"ssl": True, "root_certificates": plant.authority}),
        "in the clear": (f"localhost:{plain}", {}),
        "to a provider by TLS": (f"127.0.0.1:{plain}", {}),
    }[request.param]
    with triton.InferenceServerClient(address, **more) as client:
        yield client


@pytest.fixture
def stub(plant):
    credentials = grpc.ssl_channel_credentials(open(plant.authority, "rb").read())
    with grpc.secure_channel(f"localhost:{plant.port}", credentials) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def tensor(*said, name="text"):
    own = triton.InferInput(name, [len(said)], "BYTES")
    own.set_data_from_numpy(numpy.array([text if isinstance(text, bytes) else text.encode() for text in said], dtype=object))
    return own


def numbers(array, name="frame"):
    own = triton.InferInput(name, list(array.shape), tritonclient.utils.np_to_triton_dtype(array.dtype))
    own.set_data_from_numpy(array)
    return own


def test_texts_cross_tokenised_and_come_back_as_they_were(client, plant, service, headers):
    frame = numpy.arange(12, dtype=numpy.float32).reshape(3, 4)
    inputs = [tensor(TAG, "the second"), numbers(frame)]
    got = client.infer("copilot", inputs, request_id="run-88", parameters={"note": "ask TIC-101"}, headers=headers)
    assert got.as_numpy("text").tolist() == [TAG.encode(), b"the second"]
    assert (got.as_numpy("frame") == frame).all()
    request, metadata, _ = service.seen[-1]
    assert "TIC-101" not in str(request) and "FV-203A" not in str(request) and texts(request)[1] == "the second"
    assert request.id == "run-88" and request.parameters["note"].string_param.startswith("ask TAG_")
    assert "psk_" not in str(metadata)
    record = plant.records("--kind", "intent")[-1]
    assert record["what"]["endpoint"] == "infer" and record["what"]["model"] == "copilot"
    assert plant.outcome(record["id"])["out"]["status"] == 200


def test_what_a_server_says_of_itself_crosses(client, headers):
    assert client.is_server_live(headers=headers) and client.is_server_ready(headers=headers)
    assert client.is_model_ready("copilot", headers=headers) and not client.is_model_ready("copilot-x", headers=headers)
    assert client.get_server_metadata(headers=headers).extensions == ["classification"]
    assert client.get_model_metadata("copilot", headers=headers).inputs[0].datatype == "BYTES"


def refused(call):
    with pytest.raises(tritonclient.utils.InferenceServerException) as raised:
        call()
    return raised.value.status(), raised.value.message()


def test_a_refusal_is_the_error_that_clients_know(client, plant, service, headers):
    before = len(service.seen)
    cases = [
        (lambda: client.infer("copilot", [tensor(SECRET)], headers=headers), "PERMISSION_DENIED", "content-refused"),
        (lambda: client.infer("other", [tensor("a")], headers=headers), "PERMISSION_DENIED", "model-not-allowed"),
        (lambda: client.infer("copilot", [tensor("a")]), "UNAUTHENTICATED", "no-identity"),
        (lambda: client.infer("copilot", [tensor("a" * (2 << 20))], headers=headers), "RESOURCE_EXHAUSTED", "body-too-large"),
        (lambda: client.get_model_config("copilot", headers=headers), "UNIMPLEMENTED", "unknown-endpoint"),
        (lambda: client.get_model_repository_index(headers=headers), "UNIMPLEMENTED", "unknown-endpoint"),
        (lambda: client.infer("copilot", [shared()], headers=headers), "PERMISSION_DENIED", "content-refused"),
    ]
    for call, code, reason in cases:
        status, message = refused(call)
        assert status == f"StatusCode.{code}" and reason in message, (status, message)
        record = plant.records("--kind", "refuse")[-1]
        assert record["dec"]["reason"] == reason and record["id"] in message
    assert len(service.seen) == before


def shared():
    own = triton.InferInput("text", [1], "BYTES")
    own.set_shared_memory("region", 64)
    return own


class Stream:
    """A stream of a client, with what came back."""

    def __init__(self, client, headers, **more):
        self.client, self.said = client, queue.Queue()
        client.start_stream(lambda result, error: self.said.put((result, error)), headers=headers, **more)

    def ask(self, *inputs, model="copilot", **more):
        self.client.async_stream_infer(model, list(inputs), **more)

    def next(self):
        result, error = self.said.get(timeout=DEADLINE)
        return error if result is None else result

    def text(self):
        return self.next().as_numpy("text")[0].decode()


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_stream_crosses_message_by_message(client, plant, service, headers, compression):
    before = len(service.seen)
    stream = Stream(client, headers, compression_algorithm=compression)
    stream.ask(tensor(TAG), request_id="run-1", parameters={"times": 3})
    assert [stream.text() for _ in range(3)] == [TAG] * 3
    for number in range(20):
        stream.ask(tensor(f"{TAG} {number}"), request_id=f"run-{number}")
    assert [stream.text() for _ in range(20)] == [f"{TAG} {number}" for number in range(20)]
    assert "TIC-101" not in str([request for request, _, _ in service.seen[before:]])
    client.stop_stream()
    intent = plant.records("--kind", "intent")[-1]
    assert intent["what"]["endpoint"] == "infer_stream" and intent["what"]["model"] == "copilot"
    events = [one for one in plant.records("--kind", "event") if one["ref"] == intent["id"]]
    assert len(events) == 20 and {one["dec"]["verdict"] for one in events} == {"tokenise"}
    ended = wait_for(lambda: [one for one in plant.records("--kind", "outcome") if one["ref"] == intent["id"]], "the end")
    assert len(ended) == 1 and ended[0]["out"]["status"] == 200


def test_what_may_not_leave_in_a_stream_is_its_own_error_and_the_stream_goes_on(client, plant, service, headers):
    before = len(service.seen)
    stream = Stream(client, headers)
    stream.ask(tensor("a"))
    assert stream.text() == "a"
    for bad, reason in ((lambda: stream.ask(tensor(SECRET)), "content-refused"), (lambda: stream.ask(shared()), "content-refused"), (lambda: stream.ask(tensor("b"), model="other"), "model-not-allowed")):
        bad()
        error = stream.next()
        assert isinstance(error, tritonclient.utils.InferenceServerException) and reason in error.message()
        stream.ask(tensor(f"after {reason}"))
        assert stream.text() == f"after {reason}"
    client.stop_stream()
    assert len(service.seen) == before + 4
    assert len(plant.records("--kind", "event", "--reason", "content-refused")) >= 2


def test_a_stream_whose_first_message_may_not_leave_ends_with_it(client, plant, headers):
    stream = Stream(client, headers)
    stream.ask(tensor(SECRET))
    error = stream.next()
    assert error.status() == "StatusCode.PERMISSION_DENIED" and "content-refused" in error.message()
    client.stop_stream(cancel_requests=True)
    assert plant.records("--kind", "refuse")[-1]["what"]["endpoint"] == "infer_stream"


def test_an_error_of_the_provider_ends_a_stream_as_it_says(client, headers):
    stream = Stream(client, headers)
    stream.ask(tensor("TIC-101"), model="copilot-gone")
    error = stream.next()
    assert error.status() == "StatusCode.UNAVAILABLE" and error.message() == "no shard for TIC-101"
    client.stop_stream(cancel_requests=True)


def test_pictures_and_frames_stream(client, service, headers):
    """As a camera sends them: many large ones, and none is lost or mixed up."""
    picture, frame = png(), numpy.arange(300 * 200, dtype=numpy.uint8).reshape(300, 200)
    stream = Stream(client, headers)
    for number in range(12):
        stream.ask(tensor(picture, name="image"), numbers(frame + number), request_id=str(number))
    for number in range(12):
        got = stream.next()
        assert got.get_response().id == str(number) and (got.as_numpy("frame") == frame + number).all()
    client.stop_stream()


def test_a_caller_that_leaves_its_stream_is_missed_by_nobody(client, plant, service, headers):
    stream = Stream(client, headers)
    service.ended.clear()
    stream.ask(tensor("a"))
    assert stream.text() == "a"
    client.stop_stream(cancel_requests=True)
    assert service.ended.wait(DEADLINE), "the provider is told"
    intent = plant.records("--kind", "intent")[-1]
    ended = wait_for(lambda: [one for one in plant.records("--kind", "outcome") if one["ref"] == intent["id"]], "the end")
    assert ended[0]["out"]["reason"] == "caller-left"


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compressed_calls_are_read(client, service, headers, algorithm):
    said = f"{TAG} {'and so on ' * 50}"
    got = client.infer("copilot", [tensor(said)], headers=headers, compression_algorithm=algorithm)
    assert got.as_numpy("text").tolist() == [said.encode()]
    assert "TIC-101" not in str(service.seen[-1][0])
    hidden = tensor(f"{SECRET} {'and so on ' * 50}")
    assert "content-refused" in refused(lambda: client.infer("copilot", [hidden], headers=headers, compression_algorithm=algorithm))[1]


def test_pictures_leave_bare(client, service, headers):
    picture = png()
    client.infer("copilot", [tensor(picture, name="image")], headers=headers)
    (raw,) = service.seen[-1][0].raw_input_contents
    (length,) = struct.unpack_from("<I", raw)
    assert len(raw) == 4 + length and raw[4:12] == picture[:8]


def test_asynchronous_calls_and_many_at_once(client, headers):
    said = queue.Queue()
    for number in range(32):
        client.async_infer("copilot", [tensor(f"{TAG} {number}")], lambda result, error: said.put((result, error)), headers=headers)
    got = [said.get(timeout=DEADLINE) for _ in range(32)]
    assert not [error for _, error in got if error]
    assert {result.as_numpy("text")[0].decode() for result, _ in got} == {f"{TAG} {number}" for number in range(32)}


UNAWARE = """
import sys, numpy, tritonclient.grpc as triton
own, trust = sys.argv[1:]
text = triton.InferInput("text", [1], "BYTES")
text.set_data_from_numpy(numpy.array([b"TIC-101 drifts"], dtype=object))
with triton.InferenceServerClient(own, ssl=True, root_certificates=trust) as client:
    print(client.infer("copilot", [text]).as_numpy("text")[0].decode())
"""


def test_a_client_that_knows_the_proxy_alone_is_read_too(plant, service):
    """It means the provider's own host, and what the proxy's environment says leads it through the gateway."""
    keep = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment = keep | {"https_proxy": f"http://copilot:{plant.token('copilot')}@{plant.more[0]}"}
    trust = plant.folder / "pki" / "intercept-authorities.pem"
    done = subprocess.run(
        [sys.executable, "-c", UNAWARE, plant.own, trust], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "TIC-101 drifts\n"), done.stderr
    assert "TIC-101" not in texts(service.seen[-1][0])[0]
    intent = [record for record in plant.records() if record["kind"] == "intent"][-1]
    assert (intent["what"]["provider"], intent["what"]["findings"]) == ("welds", [{"count": 1, "label": "tag"}])


def test_an_error_of_the_provider_is_its_own(client, plant, headers):
    status, message = refused(lambda: client.infer("copilot-gone", [tensor("TIC-101")], headers=headers))
    assert status == "StatusCode.UNAVAILABLE" and message == "no shard for TIC-101, 100 % gone"
    assert plant.outcome(plant.records("--kind", "intent")[-1]["id"])["out"]["status"] == 503


def ask(text, model="copilot"):
    contents = pb.InferTensorContents(bytes_contents=[text.encode()])
    own = pb.ModelInferRequest.InferInputTensor(name="text", datatype="BYTES", shape=[1], contents=contents)
    return pb.ModelInferRequest(model_name=model, inputs=[own])


def test_bare_grpc_sees_its_record_and_the_trailers_of_the_provider(stub, plant, service, headers):
    metadata = list(headers.items()) + [("x-own", "TIC-101")]
    answer, call = stub.ModelInfer.with_call(ask(TAG), metadata=metadata, timeout=10)
    assert answer.outputs[0].contents.bytes_contents == [TAG.encode()]
    record = dict(call.initial_metadata())["penstock-record"]
    assert plant.record(record)["what"]["provider"] == "vision"
    _, seen, remaining = service.seen[-1]
    assert "x-own" not in seen and seen["authorization"] == "Bearer vi-of-the-plant" and 0 < remaining <= 10
    with pytest.raises(grpc.RpcError) as raised:
        stub.ModelInfer(ask("a", "copilot-gone"), metadata=list(headers.items()))
    assert dict(raised.value.trailing_metadata())["shard"] == "7"
    with pytest.raises(grpc.RpcError) as raised:
        stub.ModelInfer(ask(SECRET), metadata=list(headers.items()))
    trailing = dict(raised.value.trailing_metadata())
    assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert trailing["penstock-decision"] == "refuse; reason=content-refused" and plant.record(trailing["penstock-record"])


def test_a_caller_that_stops_waiting_stops_the_provider(stub, plant, service, headers):
    service.cancelled.clear()
    with pytest.raises(grpc.RpcError) as raised:
        stub.ModelInfer(ask("a", "copilot-hangs"), metadata=list(headers.items()), timeout=1)
    assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert service.cancelled.wait(DEADLINE)
    service.cancelled.clear()
    before = len(service.seen)
    call = stub.ModelInfer.future(ask("a", "copilot-hangs"), metadata=list(headers.items()))
    wait_for(lambda: len(service.seen) > before, "the call")
    call.cancel()
    assert service.cancelled.wait(DEADLINE)


def element(text):
    return struct.pack("<I", len(text)) + text


def full(raw):
    """A call in which every field is set that holds a text; contents of tensors stand in one place or the other."""
    parameters = {"site": pb.InferParameter(string_param="Linz")}
    contents = None if raw else pb.InferTensorContents(bytes_contents=[b"a text"])
    own = pb.ModelInferRequest.InferInputTensor(name="text", datatype="BYTES", shape=[1], parameters=parameters, contents=contents)
    wanted = pb.ModelInferRequest.InferRequestedOutputTensor(name="text", parameters=parameters)
    rest = {"raw_input_contents": [element(b"a text")]} if raw else {}
    return pb.ModelInferRequest(
        model_name="copilot", model_version="1", id="i", parameters=parameters, inputs=[own], outputs=[wanted], **rest
    )


def is_text(field):
    return field.type in (field.TYPE_STRING, field.TYPE_BYTES)


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def texts_of(descriptor):
    """Every field of a message that holds a text, by its full name."""
    for field in descriptor.fields:
        if is_text(field):
            yield field.full_name
        elif field.message_type is not None:
            yield from texts_of(field.message_type)


def places(message):
    """Every text that is set: its field, and how to put another there, in a copy."""
    for field, value in message.ListFields():
        if is_map(field):
            entry = field.message_type.fields_by_name
            (name,) = value
            yield entry["key"].full_name, lambda text, value=value, name=name: value[text].CopyFrom(value.pop(name))
            yield from places(value[name])
        elif field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                yield from places(inner)
        elif is_text(field):

            def put(text, field=field, value=value):
                text = text.encode() if field.type == field.TYPE_BYTES else text
                text = element(text) if field.name == "raw_input_contents" else text
                if field.is_repeated:
                    value[0] = text
                else:
                    setattr(message, field.name, text)

            yield field.full_name, put


def test_every_text_of_the_protocol_is_read(stub, plant, service, headers):
    """By the protocol's own descriptors: a secret in each text of a call, one after the other."""
    before, tried = len(service.seen), set()
    for raw in (False, True):
        for number, (name, _) in enumerate(list(places(full(raw)))):
            call = full(raw)
            list(places(call))[number][1](SECRET)
            with pytest.raises(grpc.RpcError) as raised:
                stub.ModelInfer(call, metadata=list(headers.items()))
            assert raised.value.code() in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT), (name, raised.value)
            tried.add(name)
    assert tried == set(texts_of(pb.ModelInferRequest.DESCRIPTOR)), tried ^ set(texts_of(pb.ModelInferRequest.DESCRIPTOR))
    for call in (pb.ModelReadyRequest(name=SECRET), pb.ModelReadyRequest(name="copilot", version=SECRET)):
        with pytest.raises(grpc.RpcError) as raised:
            stub.ModelReady(call, metadata=list(headers.items()))
        assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert len(service.seen) == before


def test_two_providers_cannot_be_meant_by_one_host(plant, tmp_path):
    text = (plant.folder / "plant.toml").read_text()
    for wrong in ("", 'names = ["LOCALHOST"]'):
        folder = tmp_path / "plant"
        folder.mkdir(exist_ok=True)
        changed = text.replace('names = ["localhost"], ', "") if not wrong else text + wrong
        changed = changed if not wrong else text.replace("[providers.welds.grpc]\n", f"[providers.welds.grpc]\n{wrong}\n")
        (folder / "plant.toml").write_text(changed)
        done = plant.__class__.penstock(plant, "--plant", str(folder), "check", plant=False, check=False)
        assert done.returncode != 0 and "two providers want the gRPC calls" in done.stdout + done.stderr, done


def test_what_is_suspended_is_refused_over_grpc_by_each_way_in(plant, headers):
    """Directly, on a stream that runs, and through the proxy."""
    people = People(plant)
    stub_of = lambda channel: service_pb2_grpc.GRPCInferenceServiceStub(channel)
    credentials = grpc.ssl_channel_credentials(open(plant.authority, "rb").read())
    through = [("grpc.http_proxy", f"http://copilot:{plant.token('copilot')}@{plant.more[0]}")]
    inner = grpc.ssl_channel_credentials((plant.folder / "pki" / "intercept-authorities.pem").read_bytes())
    metadata = list(headers.items())
    with (
        grpc.secure_channel(f"localhost:{plant.port}", credentials) as direct,
        grpc.secure_channel(plant.own, inner, options=through) as proxied,
    ):
        ways = [lambda: stub_of(direct).ModelInfer(ask("a"), metadata=metadata), lambda: stub_of(proxied).ModelInfer(ask("a"))]
        for call in ways:
            assert call().outputs
        messages = queue.Queue()
        answers = stub_of(direct).ModelStreamInfer(iter(messages.get, None), metadata=metadata)
        messages.put(ask("a"))
        assert next(answers).infer_response.outputs
        people.step("workload:copilot", "suspended")
        with pytest.raises(grpc.RpcError) as raised:
            next(answers)
        assert "component-suspended" in raised.value.details(), raised.value
        messages.put(None)
        for call in ways:
            with pytest.raises(grpc.RpcError) as raised:
                call()
            assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED and "component-suspended" in raised.value.details()
        people.step("workload:copilot", "live")
        for call in ways:
            assert call().outputs
