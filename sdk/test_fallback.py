"""Providers fail, and the official SDKs, unmodified, read what comes instead: another provider's answer, or a fixed one."""

import anthropic
import httpx2
import openai
import pytest

AWAY = "The assistant is away. Follow SOP 7."


@pytest.fixture
def frail(plant, token):
    with plant.client() as http:
        yield openai.OpenAI(base_url=f"{plant.base}/frail/v1", api_key=token, http_client=http, max_retries=0)


@pytest.fixture
def messages(plant, token):
    with httpx2.Client(verify=plant.tls(), timeout=20) as http:
        base = f"{plant.base}/frail-messages"
        yield anthropic.Anthropic(base_url=base, api_key=token, http_client=http, max_retries=0).messages


def ask(text="Why does the filler foam?", **more):
    return {"messages": [{"role": "user", "content": text}], **more}


@pytest.mark.parametrize("model, because", [("overloaded", "failing"), ("reset", "broken"), ("garbled", "broken")])
def test_another_provider_answers(plant, provider, frail, model, because):
    raw = frail.chat.completions.with_raw_response.create(model=model, **ask())
    answer = raw.parse()
    assert answer.choices[0].message.content == "Why does the filler foam?"
    assert answer.model == "gpt-4o-mini"
    assert answer.model_extra["penstock"] == {
        "answered_by": "edge",
        "because": because,
        "record": raw.headers["penstock-record"],
    }
    assert raw.headers["penstock-fallback"] == f"edge; because={because}"
    assert "authorization" not in provider.last()["headers"], "the edge gets no credential of the cloud's"
    records = [record for record in plant.records() if record.get("ref") == raw.headers["penstock-record"]]
    assert [record["kind"] for record in records] == ["switch", "outcome"]
    assert records[0]["note"]["from"] == "frail"
    assert (records[1]["what"]["rerouted"], records[1]["out"]["status"]) == ("edge", 200)


def test_another_provider_answers_as_a_stream(frail):
    stream = frail.chat.completions.create(model="overloaded", stream=True, **ask())
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "Why does the filler foam?"


def test_a_fixed_answer_is_an_answer(plant, frail):
    raw = frail.chat.completions.with_raw_response.create(model="hang", **ask())
    answer = raw.parse()
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (AWAY, "stop")
    assert answer.model == "penstock-fixed-answer"
    assert raw.headers["penstock-fallback"] == "fixed-answer; because=slow"
    records = [record for record in plant.records() if record.get("ref") == raw.headers["penstock-record"]]
    assert [record["note"]["answered_by"] for record in records] == ["fixed-answer", "fixed-answer"]


def test_a_fixed_answer_streams(frail):
    stream = frail.chat.completions.create(model="hang", stream=True, **ask())
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == AWAY


def test_a_fixed_answer_is_a_response_too(frail):
    assert frail.responses.create(model="hang", input="Why?").output_text == AWAY
    with frail.responses.stream(model="hang", input="Why?") as stream:
        kinds = [event.type for event in stream]
        assert stream.get_final_response().output_text == AWAY
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"


def test_a_fixed_answer_is_a_message(messages):
    message = messages.create(model="overloaded", max_tokens=100, **ask())
    assert (message.content[0].text, message.stop_reason) == (AWAY, "end_turn")


def test_a_fixed_answer_is_a_stream_of_a_message(messages):
    with messages.stream(model="overloaded", max_tokens=100, **ask()) as stream:
        assert "".join(stream.text_stream) == AWAY
        assert stream.get_final_message().stop_reason == "end_turn"


def test_what_no_text_can_stand_in_for_stays_an_error(frail):
    with pytest.raises(openai.APIStatusError) as problem:
        frail.embeddings.create(model="hang", input="Why?")
    assert problem.value.status_code == 504
    assert problem.value.body["code"] == "provider-timeout"
