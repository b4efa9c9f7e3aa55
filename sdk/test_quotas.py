"""A quota that is used up is what the official SDKs call a rate limit."""

import anthropic
import httpx2
import openai
import pytest


def test_openai_raises_a_rate_limit(plant, token):
    ask = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Why?"}]}
    with plant.client() as http:
        client = openai.OpenAI(base_url=f"{plant.base}/metered-chat/v1", api_key=token, http_client=http)
        client.chat.completions.create(**ask)
        with pytest.raises(openai.RateLimitError) as problem:
            client.chat.completions.create(**ask)
    assert problem.value.code == "quota-exceeded"
    assert problem.value.response.headers["x-should-retry"] == "false"
    assert 0 < int(problem.value.response.headers["retry-after"]) <= 30 * 86_400
    refused = plant.records("--reason", "quota-exceeded", "--provider", "metered-chat")
    assert len(refused) == 1, "the SDK did not ask again"


def test_anthropic_raises_a_rate_limit(plant, token):
    ask = {"model": "claude-metered", "max_tokens": 10, "messages": [{"role": "user", "content": "Why?"}]}
    with httpx2.Client(verify=plant.tls(), timeout=20) as http:
        client = anthropic.Anthropic(base_url=f"{plant.base}/metered", api_key=token, http_client=http)
        client.messages.create(**ask)
        with pytest.raises(anthropic.RateLimitError):
            client.messages.create(**ask)
