// The official `openai` SDK for Node, unmodified, through a real gateway over TLS (NODE_EXTRA_CA_CERTS trusts the plant).
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: process.env.PENSTOCK_BASE, apiKey: process.env.PENSTOCK_TOKEN, maxRetries: 0 });
const ask = (text, more = {}) =>
  client.chat.completions.create({ model: "gpt-4o-mini", messages: [{ role: "user", content: text }], ...more });

test("a chat crosses and tags are put back", async () => {
  const answer = await ask("TIC-101 drifts");
  assert.equal(answer.choices[0].message.content, "TIC-101 drifts");
});

test("a stream passes event by event", async () => {
  let text = "";
  for await (const chunk of await ask("FV-203A stays shut", { stream: true })) text += chunk.choices[0]?.delta?.content ?? "";
  assert.equal(text, "FV-203A stays shut");
});

test("tool calls", async () => {
  const tools = [{ type: "function", function: { name: "note", parameters: { type: "object", properties: {} } } }];
  const answer = await ask("PT-4711 is low", { model: "tool-1", tools });
  assert.deepEqual(JSON.parse(answer.choices[0].message.tool_calls[0].function.arguments), { note: "PT-4711 is low" });
});

test("responses", async () => {
  assert.equal((await client.responses.create({ model: "gpt-4o-mini", input: "hello" })).output_text, "hello");
});

test("embeddings", async () => {
  const answer = await client.embeddings.create({ model: "text-embedding-3-small", input: "one" });
  assert.deepEqual(Array.from(answer.data[0].embedding), [0.25, -0.5, 0.125]);
});

test("a file upload", async () => {
  const file = await toFile(Buffer.from("pump 4 stopped"), "log.txt");
  assert.equal((await client.files.create({ file, purpose: "assistants" })).id, "file-1");
});

test("image input", async () => {
  // A PNG of one pixel.
  const data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const parts = [{ type: "text", text: "Is the cap on?" }, { type: "image_url", image_url: { url: `data:image/png;base64,${data}` } }];
  assert.match((await ask(parts)).choices[0].message.content, /Is the cap on\?/);
});

test("a person is redacted", async () => {
  const { data, response } = await ask("Mail anna.berger@works.example about it.").withResponse();
  assert.equal(response.headers.get("penstock-decision"), "redact");
  assert.match(data.choices[0].message.content, /redacted/);
});

test("a refused call raises the SDK's own error", async () => {
  await assert.rejects(
    ask("Use AKIAQ3EGRTYUJK5LZXCV with kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb to log in."),
    (error) => error instanceof OpenAI.PermissionDeniedError && error.code === "content-refused",
  );
});

test("a stream can be cancelled", async () => {
  const stream = await ask("endless", { model: "endless", stream: true });
  for await (const _ of stream) break;
  assert.ok(stream.controller.signal.aborted);
});
