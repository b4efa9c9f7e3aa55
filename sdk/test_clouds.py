"""The official SDKs of other clouds and servers, unmodified, through a real gateway over TLS: where they call and with which key
is all that changes. `boto3` takes the workload token for a key of Bedrock's (`AWS_BEARER_TOKEN_BEDROCK`)."""

import base64
import datetime
import json
import os
import re
import subprocess

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import cohere
import mistralai.client as mistral
import mistralai.client.errors as mistral_errors
import openai
import pytest
from certificates import issue
from conftest import HERE, Plant
from google import genai
from google.genai import errors as google_errors
from google.genai import types as google
from test_openai import png

KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CREDENTIALS = {
    "AZURE": "azure-of-the-plant",
    "ENTRA": "eyJhbGciOiJub25lIn0.eyJpc3MiOiJlbnRyYSJ9.c2lnbmVk",
    "GEMINI": "AIza-of-the-plant",
    "BEDROCK": f"access_key_id=AKIDEXAMPLE secret_access_key={KEY} region=eu-central-1 session_token=FwoGZXIvYXdz",
    "COHERE": "co-of-the-plant",
    "MISTRAL": "mi-of-the-plant",
    "VLLM": "vl-of-the-plant",
    "LLAMACPP": "ll-of-the-plant",
    "TWIN": "tw-of-the-plant",
}
SECRET = "Use AKIAQ3EGRTYUJK5LZXCV with kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb to log in."
TAG = "TIC-101 drifts and FV-203A stays shut"
PERSON = "Mail anna.berger@works.example about it."


@pytest.fixture(scope="module")
def clouds(tmp_path_factory, provider):
    plant = Plant(tmp_path_factory.mktemp("clouds") / "works", provider, text=(HERE / "clouds.toml").read_text())
    plant.environment |= {f"{name}_CREDENTIAL": value for name, value in CREDENTIALS.items()}
    plant.start()
    yield plant
    plant.stop()
    plant.penstock("verify", str(plant.folder / "ledger"), plant=False)


@pytest.fixture(scope="module")
def key(clouds):
    return clouds.token("copilot")


def tokenised(provider):
    """What the provider saw last: tokens in the place of tags, and nothing of ours."""
    seen = provider.last()
    assert "TIC-101" not in seen["body"] and "psk_" not in str(seen), seen
    return seen


def last_refusal(clouds):
    return clouds.records("--kind", "refuse")[-1]["dec"]["reason"]


# Gemini


@pytest.fixture
def gemini(clouds, key):
    options = google.HttpOptions(base_url=f"{clouds.base}/gemini", client_args={"verify": clouds.tls()})
    return genai.Client(api_key=key, http_options=options)


def test_gemini_answers_and_tags_are_put_back(gemini, provider):
    answer = gemini.models.generate_content(model="gemini-2.5-flash", contents=TAG)
    assert answer.text == TAG
    assert answer.sdk_http_response.headers["penstock-decision"] == "tokenise"
    seen = tokenised(provider)
    assert seen["path"] == "/v1/models/gemini-2.5-flash:generateContent"
    assert seen["headers"]["x-goog-api-key"] == "AIza-of-the-plant"


def test_gemini_streams(clouds, gemini):
    parts = [part.text or "" for part in gemini.models.generate_content_stream(model="gemini-2.5-flash", contents=TAG)]
    assert len(parts) > 5 and "".join(parts) == TAG
    outcome = clouds.records("--kind", "outcome")[-1]
    assert outcome["io"]["output_tokens"] > 0


def test_a_gemini_stream_without_events_is_one_array_and_comes_in_pieces(clouds, key):
    body = {"contents": [{"parts": [{"text": TAG}]}]}
    with clouds.client(headers={"x-goog-api-key": key}) as client:
        path = f"{clouds.base}/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent"
        answer = client.post(path, json=body)
        events = answer.json()
        said = "".join(part["text"] for event in events for part in event["candidates"][0]["content"]["parts"])
        assert said == TAG and len(events) > 5
        cut = client.post(path.replace("gemini-2.5-flash", "reset"), json=body).json()
    assert cut[-1]["error"]["status"] == "UNAVAILABLE", "an array that breaks off still ends as JSON, with an error"


def test_gemini_calls_a_tool(gemini, provider):
    note = google.FunctionDeclaration(name="note", description="Notes it", parameters={"type": "OBJECT", "properties": {}})
    config = google.GenerateContentConfig(tools=[google.Tool(function_declarations=[note])])
    call = gemini.models.generate_content(model="tool-1", contents=TAG, config=config).function_calls[0]
    assert (call.name, call.args) == ("note", {"note": TAG})
    tokenised(provider)


def test_gemini_sees_a_picture(gemini, provider):
    parts = [google.Part.from_bytes(data=png(), mime_type="image/png"), "Is the cap on?"]
    assert gemini.models.generate_content(model="gemini-2.5-flash", contents=parts).text == "Is the cap on?"
    sent = json.loads(provider.last()["body"])["contents"][0]["parts"][0]["inlineData"]["data"]
    assert base64.urlsafe_b64decode(sent) == png()


def test_a_secret_in_a_file_is_read_too(clouds, gemini, provider):
    before = len(provider.seen())
    parts = [google.Part.from_bytes(data=SECRET.encode() * 3, mime_type="text/plain"), "Sum it up."]
    with pytest.raises(google_errors.ClientError):
        gemini.models.generate_content(model="gemini-2.5-flash", contents=parts)
    assert last_refusal(clouds) == "content-refused" and len(provider.seen()) == before


def test_gemini_redacts(gemini, provider):
    answer = gemini.models.generate_content(model="gemini-2.5-flash", contents=PERSON)
    assert "redacted" in answer.text and "anna.berger" not in provider.last()["body"]


def test_gemini_counts_embeds_and_lists(gemini):
    assert gemini.models.count_tokens(model="gemini-2.5-flash", contents="one two three").total_tokens == 3
    embedded = gemini.models.embed_content(model="gemini-embedding-001", contents=["one", "two"])
    assert [one.values for one in embedded.embeddings] == [[0.25, -0.5, 0.125]] * 2
    assert [model.name for model in gemini.models.list()] == ["models/gemini-2.5-flash"]


def test_a_refused_gemini_call_raises_googles_own_error(gemini):
    with pytest.raises(google_errors.ClientError) as caught:
        gemini.models.generate_content(model="gemini-2.5-flash", contents=SECRET)
    assert (caught.value.code, caught.value.status) == (403, "PERMISSION_DENIED")
    assert caught.value.details["error"]["details"][0]["reason"] == "CONTENT_REFUSED"


def test_a_gemini_stream_that_breaks_raises_googles_own_error(gemini):
    with pytest.raises(google_errors.ServerError) as caught:
        for _ in gemini.models.generate_content_stream(model="reset", contents="a text that is cut in the middle"):
            pass
    assert caught.value.code == 502


def test_a_key_in_the_query_is_refused(clouds, key):
    with clouds.client(headers={"x-goog-api-key": key}) as client:
        for name in ["key", "k%65y", "alt=sse&key", "access_token"]:
            answer = client.get(f"{clouds.base}/gemini/v1beta/models?{name}=AIza-of-somebody")
            assert (answer.status_code, answer.json()["error"]["details"][0]["reason"]) == (400, "BAD_REQUEST"), name


# Azure


@pytest.fixture(params=["azure", "entra"])
def azure(request, clouds, key):
    with clouds.client() as http:
        yield openai.AzureOpenAI(
            azure_endpoint=f"{clouds.base}/{request.param}", api_key=key, api_version="2024-10-21", http_client=http, max_retries=0
        )


def ask(client, text, model="gpt-4o", **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def test_azure_answers_by_deployment(azure, provider):
    assert ask(azure, TAG).choices[0].message.content == TAG
    seen = tokenised(provider)
    assert seen["path"] == "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
    if "entra" in str(azure.base_url):
        assert seen["headers"]["authorization"] == f"Bearer {CREDENTIALS['ENTRA']}" and "api-key" not in seen["headers"]
    else:
        assert seen["headers"]["api-key"] == "azure-of-the-plant"


def test_azure_streams_and_refuses_and_redacts(azure):
    assert "".join(chunk.choices[0].delta.content or "" for chunk in ask(azure, TAG, stream=True)) == TAG
    with pytest.raises(openai.PermissionDeniedError) as caught:
        ask(azure, SECRET)
    assert caught.value.code == "content-refused"
    assert "redacted" in ask(azure, PERSON).choices[0].message.content
    tool = {"type": "function", "function": {"name": "note", "parameters": {"type": "object", "properties": {}}}}
    call = ask(azure, TAG, model="tool-1", tools=[tool]).choices[0].message.tool_calls[0].function
    assert json.loads(call.arguments) == {"note": TAG}
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    picture = [{"type": "text", "text": "Is the cap on?"}, {"type": "image_url", "image_url": {"url": url}}]
    assert "Is the cap on?" in ask(azure, picture).choices[0].message.content


def test_the_deployment_is_the_model_whatever_the_body_says(clouds, key):
    with clouds.client(headers={"api-key": key}) as client:
        path = f"{clouds.base}/azure/openai/deployments/gpt-5-pro/chat/completions?api-version=2024-10-21"
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
        record = client.post(path, json=body).headers["penstock-record"]
    assert clouds.record(record)["what"]["model"] == "gpt-5-pro"


def test_azure_v1_and_batches(clouds, key, provider):
    with clouds.client() as http:
        client = openai.OpenAI(base_url=f"{clouds.base}/azure/openai/v1", api_key=key, http_client=http, max_retries=0)
        assert ask(client, TAG).choices[0].message.content == TAG
        assert provider.last()["headers"]["api-key"] == "azure-of-the-plant"
        batch = client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")
        batch = client.batches.retrieve(batch.id)
        assert batch.status == "completed"
        lines = client.files.content(batch.output_file_id).text.splitlines()
        assert [json.loads(line)["custom_id"] for line in lines] == ["one", "two"]


# Bedrock


@pytest.fixture
def bedrock(clouds, key, monkeypatch):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    return boto3.client(
        "bedrock-runtime", region_name="eu-central-1", endpoint_url=f"{clouds.base}/bedrock", verify=clouds.authority, config=config
    )


CLAUDE = "anthropic.claude-3-5-sonnet-20240620-v1:0"


def says(text):
    return [{"role": "user", "content": [{"text": text}]}]


def test_bedrock_converses_and_the_call_is_signed_with_the_plants_key(bedrock, provider):
    answer = bedrock.converse(modelId=CLAUDE, messages=says(TAG))
    assert answer["output"]["message"]["content"][0]["text"] == TAG
    assert answer["ResponseMetadata"]["HTTPHeaders"]["penstock-decision"] == "tokenise"
    seen = tokenised(provider)
    assert seen["path"] == "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse"
    check_signature(seen)


def check_signature(seen):
    """Signs what arrived once more, with Amazon's own code, at the time that it states."""
    headers = seen["headers"]
    request = botocore.awsrequest.AWSRequest("POST", f"http://{headers['host']}{seen['path']}", data=seen["body"].encode())
    credentials = botocore.credentials.Credentials("AKIDEXAMPLE", KEY, "FwoGZXIvYXdz")
    signer = botocore.auth.SigV4Auth(credentials, "bedrock", "eu-central-1")
    request.context["timestamp"] = headers["x-amz-date"]
    request.headers["X-Amz-Date"] = headers["x-amz-date"]
    request.headers["X-Amz-Security-Token"] = "FwoGZXIvYXdz"
    request.headers["host"] = headers["host"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert headers["x-amz-security-token"] == "FwoGZXIvYXdz"
    assert headers["authorization"].endswith("Signature=" + signer.signature(text, request))
    stated = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    assert abs((datetime.datetime.now(datetime.timezone.utc) - stated).total_seconds()) < 60


def test_bedrock_streams(clouds, bedrock):
    events = list(bedrock.converse_stream(modelId=CLAUDE, messages=says(TAG))["stream"])
    texts = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    assert len(texts) > 5 and "".join(texts) == TAG
    assert events[-1]["metadata"]["usage"]["inputTokens"] == 6
    assert clouds.records("--kind", "outcome")[-1]["io"]["input_tokens"] == 6


def test_a_model_is_invoked_whole_and_streamed(bedrock, provider):
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 99, "messages": [{"role": "user", "content": TAG}]})
    answer = bedrock.invoke_model(modelId=CLAUDE, body=body)
    assert json.loads(answer["body"].read())["content"][0]["text"] == TAG
    check_signature(tokenised(provider))
    stream = bedrock.invoke_model_with_response_stream(modelId=CLAUDE, body=body)["body"]
    chunks = [json.loads(event["chunk"]["bytes"]) for event in stream]
    assert "".join(chunk["delta"]["text"] for chunk in chunks if "delta" in chunk) == TAG


def test_bedrock_calls_a_tool_whole_and_streamed(bedrock):
    schema = {"json": {"type": "object", "properties": {"note": {"type": "string"}}}}
    tools = {"tools": [{"toolSpec": {"name": "note", "description": "Notes it", "inputSchema": schema}}]}
    asked = {"modelId": "tool-1", "messages": says(TAG), "toolConfig": tools}
    use = bedrock.converse(**asked)["output"]["message"]["content"][0]["toolUse"]
    assert (use["name"], use["input"]) == ("note", {"note": TAG})
    events = [event["contentBlockDelta"]["delta"] for event in bedrock.converse_stream(**asked)["stream"] if "contentBlockDelta" in event]
    assert json.loads("".join(delta["toolUse"]["input"] for delta in events)) == {"note": TAG}


def test_bedrock_sees_a_picture_and_reads_a_document(clouds, bedrock, provider):
    picture = [{"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": png()}}}, {"text": "Is the cap on?"}]}]
    assert "Is the cap on?" in bedrock.converse(modelId=CLAUDE, messages=picture)["output"]["message"]["content"][0]["text"]
    before = len(provider.seen())
    document = {"format": "txt", "name": "note", "source": {"bytes": SECRET.encode()}}
    with pytest.raises(bedrock.exceptions.AccessDeniedException):
        bedrock.converse(modelId=CLAUDE, messages=[{"role": "user", "content": [{"document": document}, {"text": "Sum it up."}]}])
    assert last_refusal(clouds) == "content-refused" and len(provider.seen()) == before


def test_bedrock_refuses_with_amazons_own_error_and_redacts(bedrock, provider):
    with pytest.raises(bedrock.exceptions.AccessDeniedException) as caught:
        bedrock.converse(modelId=CLAUDE, messages=says(SECRET))
    assert "content-refused" in str(caught.value)
    answer = bedrock.converse(modelId=CLAUDE, messages=says(PERSON))
    assert "redacted" in answer["output"]["message"]["content"][0]["text"]
    assert "anna.berger" not in provider.last()["body"]


@pytest.mark.parametrize("model", ["reset", "truncate", "silent"])
def test_a_bedrock_stream_that_breaks_raises_amazons_own_error(bedrock, model):
    with pytest.raises(botocore.exceptions.EventStreamError) as caught:
        list(bedrock.converse_stream(modelId=model, messages=says("a text that is cut in the middle"))["stream"])
    assert "modelStreamErrorException" in str(caught.value)


def test_a_callers_own_signature_proves_nobody_and_stays_here(clouds, provider, monkeypatch):
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    client = boto3.client(
        "bedrock-runtime", region_name="eu-central-1", endpoint_url=f"{clouds.base}/bedrock", verify=clouds.authority,
        aws_access_key_id="AKIDCALLER", aws_secret_access_key="of-the-caller", config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )
    before = len(provider.seen())
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.converse(modelId=CLAUDE, messages=says("hello"))
    assert len(provider.seen()) == before
    certificate = tuple(map(str, issue(clouds.folder, "copilot", ["spiffe://works/workload/copilot"], clouds.folder / "pki")))
    client = boto3.client(
        "bedrock-runtime", region_name="eu-central-1", endpoint_url=f"{clouds.base}/bedrock", verify=clouds.authority,
        aws_access_key_id="AKIDCALLER", aws_secret_access_key="of-the-caller", config=botocore.config.Config(client_cert=certificate),
    )
    client.converse(modelId=CLAUDE, messages=says("hello"))
    assert "AKIDCALLER" not in str(provider.last())
    check_signature(provider.last())


# Cohere


@pytest.fixture
def co(clouds, key):
    with clouds.client() as http:
        yield cohere.ClientV2(api_key=key, base_url=f"{clouds.base}/cohere", httpx_client=http)


def test_cohere_chats_streams_and_calls_tools(co, provider):
    asked = {"model": "command-a-03-2025", "messages": [{"role": "user", "content": TAG}]}
    assert co.chat(**asked).message.content[0].text == TAG
    assert tokenised(provider)["headers"]["authorization"] == "Bearer co-of-the-plant"
    deltas = [event.delta.message.content.text for event in co.chat_stream(**asked) if event.type == "content-delta"]
    assert len(deltas) > 5 and "".join(deltas) == TAG
    tool = {"type": "function", "function": {"name": "note", "description": "Notes it", "parameters": {"type": "object", "properties": {}}}}
    asked |= {"model": "tool-1", "tools": [tool]}
    assert json.loads(co.chat(**asked).message.tool_calls[0].function.arguments) == {"note": TAG}
    pieces = [event.delta.message.tool_calls.function.arguments for event in co.chat_stream(**asked) if event.type == "tool-call-delta"]
    assert json.loads("".join(pieces)) == {"note": TAG}


def test_cohere_embeds_and_ranks(co):
    embedded = co.embed(model="embed-v4.0", input_type="search_document", embedding_types=["float"], texts=["one"])
    assert embedded.embeddings.float_ == [[0.25, -0.5, 0.125]]
    assert co.rerank(model="rerank-v3.5", query="why", documents=["warm beer"]).results[0].index == 0


def test_cohere_refuses_with_its_own_error_and_redacts(co):
    with pytest.raises(cohere.errors.ForbiddenError) as caught:
        co.chat(model="command-a-03-2025", messages=[{"role": "user", "content": SECRET}])
    assert "content-refused" in caught.value.body["message"]
    answer = co.chat(model="command-a-03-2025", messages=[{"role": "user", "content": PERSON}])
    assert "redacted" in answer.message.content[0].text


def test_a_cohere_stream_that_breaks_ends_in_an_error(co):
    events = list(co.chat_stream(model="reset", messages=[{"role": "user", "content": "a text that is cut in the middle"}]))
    assert (events[-1].type, events[-1].delta.finish_reason) == ("message-end", "ERROR")


# Mistral


@pytest.fixture
def le_chat(clouds, key):
    with clouds.client() as http:
        yield mistral.Mistral(api_key=key, server_url=f"{clouds.base}/mistral", client=http)


def test_mistral_chats_streams_and_calls_tools(le_chat, provider):
    asked = {"model": "mistral-large-latest", "messages": [{"role": "user", "content": TAG}]}
    assert le_chat.chat.complete(**asked).choices[0].message.content == TAG
    assert tokenised(provider)["headers"]["authorization"] == "Bearer mi-of-the-plant"
    deltas = [event.data.choices[0].delta.content or "" for event in le_chat.chat.stream(**asked)]
    assert len(deltas) > 5 and "".join(deltas) == TAG
    tool = {"type": "function", "function": {"name": "note", "parameters": {"type": "object", "properties": {}}}}
    call = le_chat.chat.complete(**asked | {"model": "tool-1", "tools": [tool]}).choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"note": TAG}


def test_mistral_fills_embeds_sees_and_reads(le_chat, provider):
    assert le_chat.fim.complete(model="codestral-latest", prompt="def shut(", suffix="return").choices[0].message.content == "def shut("
    assert le_chat.embeddings.create(model="mistral-embed", inputs=["one"]).data[0].embedding == [0.25, -0.5, 0.125]
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    assert le_chat.ocr.process(model="mistral-ocr-latest", document={"type": "image_url", "image_url": url}).pages[0].markdown == "# Work order"
    parts = [{"type": "text", "text": "Is the cap on?"}, {"type": "image_url", "image_url": url}]
    answer = le_chat.chat.complete(model="pixtral-large-latest", messages=[{"role": "user", "content": parts}])
    assert "Is the cap on?" in answer.choices[0].message.content and url in provider.last()["body"]


def test_mistral_refuses_with_its_own_error_and_redacts(le_chat):
    def ask(text):
        return le_chat.chat.complete(model="mistral-large-latest", messages=[{"role": "user", "content": text}])
    with pytest.raises(mistral_errors.SDKError) as caught:
        ask(SECRET)
    assert caught.value.status_code == 403 and json.loads(caught.value.body)["code"] == "content-refused"
    assert "redacted" in ask(PERSON).choices[0].message.content


# Servers of the plant's own


@pytest.mark.parametrize("server", ["vllm", "llamacpp"])
def test_a_server_of_the_plants_own_chats_streams_and_refuses(clouds, key, provider, server):
    with clouds.client() as http:
        client = openai.OpenAI(base_url=f"{clouds.base}/{server}/v1", api_key=key, http_client=http, max_retries=0)
        schema = {"guided_json": {"type": "object", "properties": {"valve": {"type": "string"}}}}
        assert ask(client, TAG, model="qwen3", extra_body=schema).choices[0].message.content == TAG
        tokenised(provider)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in ask(client, TAG, model="qwen3", stream=True)) == TAG
        with pytest.raises(openai.PermissionDeniedError):
            ask(client, "hello", model="qwen3", extra_body={"guided_regex": SECRET})


def test_the_endpoints_that_servers_add(clouds, key, provider):
    with clouds.client(headers={"Authorization": f"Bearer {key}"}) as client:
        post = lambda path, body: client.post(clouds.base + path, json=body)
        assert post("/vllm/tokenize", {"model": "qwen3", "prompt": "one two"}).json()["count"] == 3
        assert post("/vllm/v1/rerank", {"model": "bge", "query": "why", "documents": ["warm beer"]}).json()["results"]
        assert post("/llamacpp/completion", {"prompt": TAG}).json()["content"] == TAG
        streamed = post("/llamacpp/completion", {"prompt": TAG, "stream": True}).text
        events = [json.loads(line[6:]) for line in streamed.splitlines() if line.startswith("data: ")]
        assert "".join(event["content"] for event in events) == TAG and "TIC-101" not in provider.last()["body"]
        assert client.get(f"{clouds.base}/llamacpp/props").json()["total_slots"] == 1
        # It tells of what others asked.
        assert client.get(f"{clouds.base}/llamacpp/slots").json()["error"]["code"] == "unknown-endpoint"
        refused = post("/llamacpp/infill", {"input_prefix": "x", "input_suffix": "", "input_extra": [{"text": SECRET}]})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "content-refused")


# The cloud of a machine's maker, which is known by its description alone


def test_a_described_api(clouds, key, provider):
    with clouds.client(headers={"Authorization": f"Bearer {key}"}) as client:
        path = f"{clouds.base}/twin/api/machines/filler-2/ask"
        asked = {"question": TAG, "history": [{"by": "crew", "text": PERSON}], "engine": {"name": "deep-1"}, "site": "hall 3"}
        answer = client.post(path, json=asked)
        assert answer.json()["answer"] == TAG and answer.headers["penstock-decision"] == "redact"
        seen = tokenised(provider)
        assert "anna.berger" not in seen["body"] and seen["headers"]["authorization"] == "Bearer tw-of-the-plant"
        record = clouds.record(answer.headers["penstock-record"])
        assert (record["what"]["endpoint"], record["what"]["model"]) == ("ask", "deep-1")
        # What is no prompt may not be replaced, and what nobody described is read.
        for changed, code in [
            ({"site": TAG}, "content-refused"),
            ({"note": SECRET}, "content-refused"),
            ({"engine": {"name": "other"}}, "model-not-allowed"),
        ]:
            refused = client.post(path, json=asked | changed)
            assert (refused.status_code, refused.json()["fault"]["code"], refused.json()["fault"]["http"]) == (403, code, 403)
        assert client.post(f"{clouds.base}/twin/api/other", json=asked).json()["fault"]["code"] == "unknown-endpoint"
        assert client.get(f"{clouds.base}/twin/api/machines/filler-2").status_code in (200, 404)
        events = client.post(path, json=asked | {"options": {"live": True}}).text.split("\n\n")
        said = "".join(json.loads(event[6:])["delta"]["text"] for event in events if event.startswith("data: "))
        assert said == TAG and len(events) > 5


def test_the_google_sdk_for_node(clouds, key):
    environment = os.environ | {
        "PENSTOCK_BASE": f"{clouds.base}/gemini", "PENSTOCK_TOKEN": key, "NODE_EXTRA_CA_CERTS": clouds.authority,
    }
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", "node/gemini.test.mjs"],
        cwd=HERE, env=environment, capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"^# pass (\d+)", done.stdout, re.M)[1]) == 5


# The plant's own answer, where nobody else gives one

AWAY = "The assistant is away. Follow SOP 7."


def test_gemini_reads_a_fixed_answer(clouds, key):
    options = google.HttpOptions(base_url=f"{clouds.base}/away-gemini", client_args={"verify": clouds.tls()})
    client = genai.Client(api_key=key, http_options=options)
    answer = client.models.generate_content(model="gemini-2.5-flash", contents="Why?")
    assert (answer.text, answer.model_version) == (AWAY, "penstock-fixed-answer")
    assert answer.sdk_http_response.headers["penstock-fallback"] == "fixed-answer; because=unreachable"
    parts = client.models.generate_content_stream(model="gemini-2.5-flash", contents="Why?")
    assert "".join(part.text or "" for part in parts) == AWAY
    with clouds.client(headers={"x-goog-api-key": key}) as client:
        path = f"{clouds.base}/away-gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent"
        (event,) = client.post(path, json={"contents": [{"parts": [{"text": "Why?"}]}]}).json()
    assert event["penstock"]["because"] == "unreachable"


def test_bedrock_reads_a_fixed_answer(clouds, key, monkeypatch):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    base = f"{clouds.base}/away-bedrock"
    runtime = boto3.client(
        "bedrock-runtime", region_name="eu-central-1", endpoint_url=base, verify=clouds.authority, config=config
    )
    answer = runtime.converse(modelId=CLAUDE, messages=says("Why?"))
    assert answer["output"]["message"]["content"] == [{"text": AWAY}] and answer["stopReason"] == "end_turn"
    events = list(runtime.converse_stream(modelId=CLAUDE, messages=says("Why?"))["stream"])
    assert [kind for event in events for kind in event] == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert events[1]["contentBlockDelta"]["delta"]["text"] == AWAY
    # Each model has a form of its own there.
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        runtime.invoke_model(modelId=CLAUDE, body=json.dumps({"messages": [{"role": "user", "content": "Why?"}]}))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502


def test_cohere_reads_a_fixed_answer(clouds, key):
    with clouds.client() as http:
        client = cohere.ClientV2(api_key=key, base_url=f"{clouds.base}/away-cohere", httpx_client=http)
        asked = {"model": "command-a", "messages": [{"role": "user", "content": "Why?"}]}
        answer = client.chat(**asked)
        assert (answer.message.content[0].text, answer.finish_reason) == (AWAY, "COMPLETE")
        events = list(client.chat_stream(**asked))
    said = [event.delta.message.content.text for event in events if event.type == "content-delta"]
    assert said == [AWAY] and events[0].type == "message-start" and events[-1].type == "message-end"
