"""KServe v2 over HTTP: `tritonclient`, unmodified, through a real gateway. What would lie in memory that a caller and a server share passes
nobody, so nothing of it crosses."""

import numpy
import pytest
import tritonclient.http as triton
import tritonclient.utils
import tritonclient.utils.shared_memory as shared_memory

REGION = "weld-frames"


@pytest.fixture
def client(plant):
    own = {"ssl": True, "ssl_options": {"ca_certs": plant.authority}}
    with triton.InferenceServerClient(f"localhost:{plant.port}/kserve", **own) as client:
        yield client


@pytest.fixture
def headers(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def region():
    """Memory of this process that another on this machine could open."""
    region = shared_memory.create_shared_memory_region("frames", "/penstock-weld-frames", 64)
    yield region
    shared_memory.destroy_shared_memory_region(region)


def text(said, binary=False):
    own = triton.InferInput("text", [1], "BYTES")
    own.set_data_from_numpy(numpy.array([said.encode()], dtype=object), binary_data=binary)
    return own


def score():
    return triton.InferRequestedOutput("score", binary_data=False)


def refused(call):
    with pytest.raises(tritonclient.utils.InferenceServerException) as raised:
        call()
    return raised.value


def test_a_text_crosses(client, plant, provider, headers):
    got = client.infer("weld", [text("is this seam whole?")], outputs=[score()], headers=headers)
    assert got.as_numpy("score").tolist() == pytest.approx([0.93])
    seen = provider.last()
    assert seen["path"] == "/v2/models/weld/infer" and "is this seam whole?" in str(seen["body"])
    assert plant.records("--kind", "intent")[-1]["what"]["provider"] == "kserve"


def test_bytes_after_the_json_are_refused(client, plant, provider, headers):
    """What the client does where it is not told otherwise: nobody could say whether all of it was read."""
    before = len(provider.seen())
    problem = refused(lambda: client.infer("weld", [text("is this seam whole?", binary=True)], headers=headers))
    record = plant.records("--kind", "refuse")[-1]
    assert record["dec"]["reason"] == "malformed" and record["id"] in problem.message()
    assert len(provider.seen()) == before


def test_shared_memory_is_neither_registered_nor_looked_up(client, plant, provider, headers, region):
    before = len(provider.seen())
    cases = [
        lambda: client.register_system_shared_memory(REGION, "/penstock-weld-frames", 64, headers=headers),
        lambda: client.unregister_system_shared_memory(REGION, headers=headers),
        lambda: client.unregister_system_shared_memory(headers=headers),
        lambda: client.get_system_shared_memory_status(REGION, headers=headers),
        lambda: client.get_system_shared_memory_status(headers=headers),
        lambda: client.register_cuda_shared_memory(REGION, b"aGFuZGxl", 0, 64, headers=headers),
        lambda: client.unregister_cuda_shared_memory(REGION, headers=headers),
        lambda: client.get_cuda_shared_memory_status(headers=headers),
    ]
    for call in cases:
        problem = refused(call)
        record = plant.records("--kind", "refuse")[-1]
        assert record["dec"]["reason"] == "unknown-endpoint" and record["what"]["provider"] == "kserve"
        assert "unknown-endpoint" in problem.message() and record["id"] in problem.message()
    assert len(provider.seen()) == before


def by_region(own):
    own.set_shared_memory(REGION, 64)
    return own


@pytest.mark.parametrize(
    "inputs, outputs",
    [
        ([by_region(triton.InferInput("frame", [64], "UINT8"))], [score()]),
        ([text("is this seam whole?"), by_region(triton.InferInput("frame", [64], "UINT8"))], [score()]),
        ([text("is this seam whole?")], [by_region(triton.InferRequestedOutput("score"))]),
    ],
    ids=["of an input", "beside a text", "of an output"],
)
def test_no_tensor_lies_in_a_region(client, plant, provider, headers, inputs, outputs):
    before = len(provider.seen())
    problem = refused(lambda: client.infer("weld", inputs, outputs=outputs, headers=headers))
    record = plant.records("--kind", "refuse")[-1]
    assert record["dec"]["reason"] == "content-refused" and record["id"] in problem.message()
    assert len(provider.seen()) == before
