"""The official `openai` SDK, unmodified, through a real gateway over TLS: its base URL and its key are all that changes."""

import asyncio

import httpx
import openai
import pytest

from conftest import png


@pytest.fixture
def client(plant, token):
    with plant.client() as http:
        yield openai.OpenAI(base_url=f"{plant.base}/openai/v1", api_key=token, http_client=http, max_retries=0)


def ask(client, text, model="gpt-4o-mini", **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def test_a_chat_crosses_and_is_recorded(plant, provider, client):
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Why does the filler foam?"}]
    )
    assert raw.parse().choices[0].message.content == "Why does the filler foam?"
    assert raw.headers["penstock-decision"] == "allow"
    seen = provider.last()
    assert seen["headers"]["authorization"] == "Bearer sk-of-the-plant"
    assert "psk_" not in str(seen)
    intent = plant.record(raw.headers["penstock-record"])
    assert intent["kind"] == "intent"
    assert intent["who"]["workload"] == {"by": "token", "id": "copilot"}
    assert (intent["where"]["zone"], intent["where"]["conduit"]) == ("line", "copilot-openai")
    outcome = plant.outcome(intent["id"])
    assert outcome["out"]["status"] == 200
    assert outcome["io"]["input_tokens"] == 5


def test_a_stream_passes_event_by_event(plant, client):
    stream = ask(client, "a somewhat longer text that comes in pieces", stream=True)
    deltas = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert len(deltas) > 5
    assert "".join(deltas) == "a somewhat longer text that comes in pieces"


def test_async_calls_and_streams(plant, token):
    async def main():
        async with httpx.AsyncClient(verify=plant.tls(), timeout=20) as http:
            client = openai.AsyncOpenAI(
                base_url=f"{plant.base}/openai/v1", api_key=token, http_client=http, max_retries=0
            )
            texts = [f"question {number}" for number in range(16)]
            answers = await asyncio.gather(*(ask(client, text) for text in texts))
            assert [answer.choices[0].message.content for answer in answers] == texts
            stream = await ask(client, "streamed and async", stream=True)
            parts = [chunk.choices[0].delta.content or "" async for chunk in stream]
            assert "".join(parts) == "streamed and async"

    asyncio.run(main())


def test_a_tag_is_tokenised_and_put_back(plant, provider, client):
    text = "TIC-101 drifts while FV-203A stays shut. Why does TIC-101 drift?"
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}]
    )
    assert raw.headers["penstock-decision"] == "tokenise"
    assert raw.parse().choices[0].message.content == text
    assert "TIC-101" not in provider.last()["body"] and "FV-203A" not in provider.last()["body"]
    first = provider.last()["body"]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in ask(client, text, stream=True)) == text
    assert first[first.index("messages") :][:200] in provider.last()["body"] or "TIC-101" not in provider.last()["body"]


def test_the_same_value_gets_the_same_token_in_every_call(provider, client):
    ask(client, "TIC-101 is high")
    first = provider.last()["body"]
    ask(client, "TIC-101 is high")
    assert provider.last()["body"] == first


def test_a_person_is_redacted(provider, client):
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Mail anna.berger@works.example about it."}]
    )
    assert raw.headers["penstock-decision"] == "redact"
    assert "anna.berger" not in provider.last()["body"]
    assert "redacted" in raw.parse().choices[0].message.content


def test_a_refused_call_raises_the_sdks_own_error(plant, provider, client):
    before = len(provider.seen())
    with pytest.raises(openai.PermissionDeniedError) as caught:
        ask(client, "Use AKIAQ3EGRTYUJK5LZXCV with kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb to log in.")
    assert caught.value.code == "content-refused"
    id = caught.value.response.headers["penstock-record"]
    assert caught.value.response.headers["penstock-decision"] == "refuse; reason=content-refused"
    record = plant.record(id)
    assert (record["kind"], record["dec"]["reason"]) == ("refuse", "content-refused")
    assert "AKIA" not in str(record)
    assert len(provider.seen()) == before


def test_restricted_content_goes_to_the_edge_instead(plant, client):
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "How much house yeast for 40 hl?"}]
    )
    assert raw.headers["penstock-decision"] == "reroute"
    assert raw.headers["penstock-rerouted"] == "edge"
    assert plant.record(raw.headers["penstock-record"])["what"]["rerouted"] == "edge"


def test_tool_calls_whole_and_streamed(client):
    tool = {
        "type": "function",
        "function": {
            "name": "note",
            "parameters": {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]},
        },
    }
    whole = ask(client, 'TIC-101 says "hot"', model="tool-1", tools=[tool]).choices[0].message.tool_calls[0]
    assert (whole.function.name, whole.function.arguments) == ("note", '{"note":"TIC-101 says \\"hot\\""}')
    pieces = ""
    for chunk in ask(client, 'TIC-101 says "hot"', model="tool-1", tools=[tool], stream=True):
        for call in chunk.choices[0].delta.tool_calls or []:
            pieces += call.function.arguments or ""
    assert pieces == whole.function.arguments


def test_responses_whole_and_streamed(client):
    text = "PT-4711 reads 3.2 bar"
    assert client.responses.create(model="gpt-4o-mini", input=text).output_text == text
    with client.responses.stream(model="gpt-4o-mini", input=text) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert (deltas, final.output_text) == (text, text)


def test_embeddings(client):
    answer = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])
    assert [item.embedding for item in answer.data] == [[0.25, -0.5, 0.125]] * 2


def test_models(client):
    assert [model.id for model in client.models.list().data] == ["gpt-4o-mini", "gpt-4o"]


def test_image_input(provider, client):
    import base64

    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    parts = [{"type": "text", "text": "Is the cap on?"}, {"type": "image_url", "image_url": {"url": url}}]
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": parts}])
    assert "Is the cap on?" in answer.choices[0].message.content
    assert url in provider.last()["body"]


def test_file_and_audio_uploads(provider, client):
    assert client.files.create(file=("log.txt", b"pump 4 stopped at noon"), purpose="assistants").id == "file-1"
    assert "pump 4 stopped at noon" in provider.last()["body"]
    heard = client.audio.transcriptions.create(model="whisper-1", file=("note.wav", b"RIFF$\0\0\0WAVEfmt " + bytes(64)))
    assert heard.text.startswith("heard")
    image = client.images.edit(model="gpt-image-1", image=("part.png", png()), prompt="remove the background")
    assert image.data[0].b64_json == "aW1hZ2U="


def test_an_upload_is_read_too(provider, client):
    before = len(provider.seen())
    with pytest.raises(openai.PermissionDeniedError):
        key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE KEY-----\n"
        client.files.create(file=("key.txt", key.encode()), purpose="assistants")
    assert len(provider.seen()) == before


def test_speech_comes_back_as_bytes(client):
    audio = client.audio.speech.create(model="tts-1", voice="alloy", input="The line is ready.")
    assert audio.content.startswith(b"\xff\xf3")


def test_a_cancelled_stream_is_recorded_as_such(plant, client):
    stream = ask(client, "this never ends", model="endless", stream=True)
    id = stream.response.headers["penstock-record"]
    next(iter(stream))
    stream.close()
    assert plant.outcome(id)["out"]["reason"] == "caller-left"


@pytest.mark.parametrize(
    "model, reason, error",
    [
        ("html", "provider-broken", openai.InternalServerError),
        ("hang", "provider-timeout", openai.InternalServerError),
        ("reset", "provider-broken", openai.InternalServerError),
        ("truncate", "provider-broken", openai.InternalServerError),
        ("wrong-length", "provider-broken", openai.InternalServerError),
        ("garbled", "provider-broken", openai.InternalServerError),
        ("silent", "provider-timeout", openai.InternalServerError),
    ],
)
def test_a_provider_that_fails_is_a_clear_error(plant, client, model, reason, error):
    with pytest.raises(error) as caught:
        ask(client, "hello", model=model)
    assert caught.value.code == reason
    id = caught.value.response.headers["penstock-record"]
    assert plant.outcome(id)["out"]["reason"] == reason


@pytest.mark.parametrize("model", ["reset", "truncate", "garbled", "silent"])
def test_a_stream_that_breaks_ends_with_an_error(plant, client, model):
    stream = ask(client, "a text that will be cut in the middle", model=model, stream=True)
    id = stream.response.headers["penstock-record"]
    with pytest.raises(openai.APIError) as caught:
        for _ in stream:
            pass
    reason = "provider-timeout" if model == "silent" else "provider-broken"
    assert caught.value.code == reason
    assert plant.outcome(id)["out"]["reason"] == reason


def test_a_providers_own_error_passes(client):
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, "hello", model="overloaded")
    assert "overloaded" in str(caught.value)


def test_an_encoded_answer_is_read(client):
    assert ask(client, "FV-203A is shut", model="gzip").choices[0].message.content == "FV-203A is shut"


def test_an_unknown_endpoint_is_refused(client):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.post("/fine_tuning/jobs", body={"model": "x"}, cast_to=object)
    assert caught.value.code == "unknown-endpoint"


def test_a_model_that_no_conduit_names_is_refused(plant, token):
    with plant.client() as http:
        client = openai.OpenAI(base_url=f"{plant.base}/nowhere/v1", api_key=token, http_client=http, max_retries=0)
        with pytest.raises(openai.NotFoundError) as caught:
            ask(client, "hello")
        assert caught.value.code == "unknown-provider"
