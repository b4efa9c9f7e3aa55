// Node behind the proxy: its own fetch, and the SDK on it. Both know of it by the environment (HTTPS_PROXY, NODE_EXTRA_CA_CERTS).
import OpenAI from "openai";
import { EnvHttpProxyAgent, setGlobalDispatcher } from "undici";

setGlobalDispatcher(new EnvHttpProxyAgent());

const messages = [{ role: "user", content: "TIC-101 drifts" }];
const answer = await fetch("https://api.openai.com/v1/chat/completions", {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: `Bearer ${process.env.OPENAI_API_KEY}` },
  body: JSON.stringify({ model: "gpt-4o-mini", messages }),
});
console.log("fetch", (await answer.json()).choices[0].message.content);

const said = await new OpenAI({ maxRetries: 0 }).chat.completions.create({ model: "gpt-4o-mini", messages });
console.log("openai", said.choices[0].message.content);
