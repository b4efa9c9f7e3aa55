"""The official `anthropic` SDK, unmodified, through a real gateway over TLS."""

import asyncio
import base64

import anthropic
import httpx2
import pytest

from conftest import png


@pytest.fixture
def client(plant, token):
    with httpx2.Client(verify=plant.tls(), timeout=20) as http:
        yield anthropic.Anthropic(base_url=f"{plant.base}/anthropic", api_key=token, http_client=http, max_retries=0)


def ask(client, text, model="claude-sonnet-4-5", **more):
    messages = [{"role": "user", "content": text}]
    return client.messages.create(model=model, max_tokens=100, messages=messages, **more)


def test_a_message_crosses(provider, client):
    assert ask(client, "Why does the filler foam?").content[0].text == "Why does the filler foam?"
    assert provider.last()["headers"]["x-api-key"] == "ak-of-the-plant"
    assert "psk_" not in str(provider.last())


def test_a_stream_puts_tokens_back(provider, client):
    text = "TIC-101 drifts while FV-203A stays shut."
    messages = [{"role": "user", "content": text}]
    with client.messages.stream(model="claude-sonnet-4-5", max_tokens=100, messages=messages) as stream:
        assert "".join(stream.text_stream) == text
        assert stream.get_final_message().stop_reason == "end_turn"
    assert "TIC-101" not in provider.last()["body"]


def test_async(plant, token):
    async def main():
        async with httpx2.AsyncClient(verify=plant.tls(), timeout=20) as http:
            client = anthropic.AsyncAnthropic(
                base_url=f"{plant.base}/anthropic", api_key=token, http_client=http, max_retries=0
            )
            answers = await asyncio.gather(*(ask(client, f"question {number}") for number in range(8)))
            assert [answer.content[0].text for answer in answers] == [f"question {number}" for number in range(8)]

    asyncio.run(main())


def test_tool_use_whole_and_streamed(client):
    tool = {"name": "note", "input_schema": {"type": "object", "properties": {"note": {"type": "string"}}}}
    text = 'PT-4711 says "low"'
    whole = ask(client, text, model="tool-1", tools=[tool]).content[0]
    assert (whole.name, whole.input) == ("note", {"note": text})
    messages = [{"role": "user", "content": text}]
    with client.messages.stream(model="tool-1", max_tokens=100, messages=messages, tools=[tool]) as stream:
        assert stream.get_final_message().content[0].input == {"note": text}


def test_image_input(provider, client):
    data = base64.b64encode(png()).decode()
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    assert "Is the cap on?" in ask(client, [{"type": "text", "text": "Is the cap on?"}, picture]).content[0].text
    assert data in provider.last()["body"]


def test_a_person_is_redacted(provider, client):
    raw = client.messages.with_raw_response.create(
        model="claude-sonnet-4-5", max_tokens=100,
        messages=[{"role": "user", "content": "Mail anna.berger@works.example about it."}],
    )
    assert raw.headers["penstock-decision"] == "redact"
    assert "anna.berger" not in provider.last()["body"]
    assert "redacted" in raw.parse().content[0].text


def test_a_cancelled_stream_is_recorded_as_such(plant, client):
    stream = ask(client, "this never ends", model="endless", stream=True)
    id = stream.response.headers["penstock-record"]
    next(iter(stream))
    stream.close()
    assert plant.outcome(id)["out"]["reason"] == "caller-left"


def test_a_refused_call_raises_the_sdks_own_error(plant, client):
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        ask(client, "Use AKIAQ3EGRTYUJK5LZXCV with kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb to log in.")
    assert "content-refused" in str(caught.value)
    assert plant.record(caught.value.response.headers["penstock-record"])["dec"]["reason"] == "content-refused"


def test_a_broken_stream_ends_with_an_error(client):
    messages = [{"role": "user", "content": "a text that will be cut in the middle"}]
    with pytest.raises(anthropic.APIError):
        with client.messages.stream(model="truncate", max_tokens=100, messages=messages) as stream:
            for _ in stream.text_stream:
                pass


def test_counting_tokens(client):
    messages = [{"role": "user", "content": "one two three"}]
    assert client.messages.count_tokens(model="claude-sonnet-4-5", messages=messages).input_tokens == 3
