// The official `@google/genai` SDK for Node, unmodified, through a real gateway over TLS (NODE_EXTRA_CA_CERTS trusts the plant).
import assert from "node:assert/strict";
import test from "node:test";
import { ApiError, GoogleGenAI } from "@google/genai";

const client = new GoogleGenAI({ apiKey: process.env.PENSTOCK_TOKEN, httpOptions: { baseUrl: process.env.PENSTOCK_BASE } });
const ask = (contents, config = {}, model = "gemini-2.5-flash") => client.models.generateContent({ model, contents, config });

test("a question crosses and tags are put back", async () => {
  assert.equal((await ask("TIC-101 drifts")).text, "TIC-101 drifts");
});

test("a stream passes event by event", async () => {
  let text = "";
  const stream = await client.models.generateContentStream({ model: "gemini-2.5-flash", contents: "FV-203A stays shut" });
  for await (const chunk of stream) text += chunk.text ?? "";
  assert.equal(text, "FV-203A stays shut");
});

test("tool calls", async () => {
  const tools = [{ functionDeclarations: [{ name: "note", description: "Notes it" }] }];
  const answer = await ask("PT-4711 is low", { tools }, "tool-1");
  assert.deepEqual(answer.functionCalls[0].args, { note: "PT-4711 is low" });
});

test("a picture, counting and embedding", async () => {
  const data = Buffer.from("\x89PNG\r\n\x1a\n not quite a picture", "latin1").toString("base64");
  assert.equal((await client.models.countTokens({ model: "gemini-2.5-flash", contents: "one two" })).totalTokens, 2);
  const embedded = await client.models.embedContent({ model: "gemini-embedding-001", contents: "one" });
  assert.deepEqual(embedded.embeddings[0].values, [0.25, -0.5, 0.125]);
  const parts = [{ inlineData: { mimeType: "image/png", data } }, { text: "Is the cap on?" }];
  await ask([{ role: "user", parts }]).catch((error) => assert.ok(error instanceof ApiError, error));
});

test("a refused call raises the SDK's own error", async () => {
  await assert.rejects(
    ask("Use AKIAQ3EGRTYUJK5LZXCV with kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb to log in."),
    (error) => error instanceof ApiError && error.status === 403 && error.message.includes("content-refused"),
  );
});
