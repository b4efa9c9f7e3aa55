"""The official `ollama` SDK, unmodified, through a real gateway over TLS."""

import asyncio

import ollama
import pytest

from conftest import png, wait_for


@pytest.fixture
def client(plant, token):
    return ollama.Client(host=f"{plant.base}/ollama", verify=plant.tls(), headers={"Authorization": f"Bearer {token}"})


def messages(text):
    return [{"role": "user", "content": text}]


def test_a_chat_crosses_and_tokens_are_put_back(provider, client):
    assert client.chat(model="llama3.2", messages=messages("TIC-101 is high")).message.content == "TIC-101 is high"
    assert "TIC-101" not in provider.last()["body"]


def test_a_stream(client):
    parts = [part.message.content for part in client.chat(model="llama3.2", messages=messages("FV-203A is shut"), stream=True)]
    assert "".join(parts) == "FV-203A is shut"


def test_generate_and_embed(client):
    assert client.generate(model="llama3.2", prompt="why?").response == "why?"
    assert list(client.embed(model="llama3.2", input="x").embeddings[0]) == [0.25, -0.5, 0.125]
    assert client.list().models[0].model == "llama3.2"


def test_tool_calls(provider, client):
    tool = {"type": "function", "function": {"name": "note", "parameters": {"type": "object", "properties": {"note": {"type": "string"}}}}}
    call = client.chat(model="tool-1", messages=messages("PT-4711 is low"), tools=[tool]).message.tool_calls[0]
    assert (call.function.name, dict(call.function.arguments)) == ("note", {"note": "PT-4711 is low"})
    assert "PT-4711" not in provider.last()["body"]


def test_image_input(provider, client):
    said = client.chat(model="llama3.2", messages=[{"role": "user", "content": "Is the cap on?", "images": [png()]}])
    assert "Is the cap on?" in said.message.content
    assert "images" in provider.last()["body"]


def test_a_person_is_redacted(provider, client):
    said = client.chat(model="llama3.2", messages=messages("Mail anna.berger@works.example about it."))
    assert "redacted" in said.message.content
    assert "anna.berger" not in provider.last()["body"]


def test_a_cancelled_stream_is_recorded_as_such(plant, client):
    left = lambda: plant.records("--provider", "ollama", "--reason", "caller-left")
    before = len(left())
    stream = client.chat(model="endless", messages=messages("this never ends"), stream=True)
    next(stream)
    stream.close()
    wait_for(lambda: len(left()) > before, "a record of the caller that left")


def test_async(plant, token):
    async def main():
        client = ollama.AsyncClient(
            host=f"{plant.base}/ollama", verify=plant.tls(), headers={"Authorization": f"Bearer {token}"}
        )
        return await client.chat(model="llama3.2", messages=messages("async"))

    assert asyncio.run(main()).message.content == "async"


def test_a_refused_call_raises_the_sdks_own_error(client):
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat(model="mistral", messages=messages("hello"))
    assert caught.value.status_code == 403
    assert "model-not-allowed" in str(caught.value)
