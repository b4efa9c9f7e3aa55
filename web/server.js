// The API. What changes something shows the token of the session, which no other site can read, and is done once however often it is sent.
let token = null;
let lost = () => {};
export const useToken = (given) => { token = given; };
export const whenLost = (then) => { lost = then; };

// What the gateway says is wrong.
export class Problem extends Error {
  constructor(status, document) {
    super(document?.title ?? `${status}`);
    this.status = status;
    this.detail = document?.detail ?? null;
  }
}

const ask = async (method, path, body) => {
  const headers = { Accept: "application/json" };
  if (method !== "GET") {
    if (token) headers["Penstock-Console-Token"] = token;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    headers["Idempotency-Key"] = crypto.randomUUID();
  }
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}`, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer",
    });
  } catch {
    throw new Problem(0, null);
  }
  const document = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return { status: answer.status, body: document };
  if (answer.status === 401 && path !== "session") lost();
  throw new Problem(answer.status, document);
};

export const get = async (path) => (await ask("GET", path)).body;
export const send = (path, body) => ask("POST", path, body);
export const remove = (path) => ask("DELETE", path);
