// A real OpenID Connect provider for operators, over TLS with the certificate and key in the two files that it is given.
// Prints its address; `POST /rotate` brings a new signing key in and takes
// the old one out of use (it stays in the key set until the next rotation). `POST /console?URL` makes a console's address known as that of
// another client, which has to prove its codes (PKCE). Ends with its standard input.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import https from "node:https";
import Provider from "oidc-provider";

const key = () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: "RS256", use: "sig" };
};

const [certificate, secret] = process.argv.slice(2).map((path) => readFileSync(path));
const server = https.createServer({ cert: certificate, key: secret }, (request, response) => {
  if (request.method === "POST" && request.url === "/rotate") {
    keys = [key(), keys[0]];
    provider = build();
    response.end("rotated\n");
    return;
  }
  if (request.method === "POST" && request.url.startsWith("/console?")) {
    console_ = decodeURIComponent(request.url.slice("/console?".length));
    provider = build();
    response.end("known\n");
    return;
  }
  provider.callback()(request, response);
});

const build = () => {
  const fresh = new Provider(issuer, {
    clients: [{
      client_id: "penstock",
      client_secret: "a-secret-of-the-test",
      redirect_uris: ["https://hmi.works.example/back"],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      id_token_signed_response_alg: "RS256",
    }, ...(console_ ? [{
      client_id: "penstock-console",
      client_secret: "a-secret/of_the:console",
      redirect_uris: [console_],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      id_token_signed_response_alg: "RS256",
      // The console stands on this machine in the tests.
      application_type: "native",
    }] : [])],
    // Roles are in the ID token, where the console looks for them.
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], groups: ["groups"] },
    scopes: ["openid", "groups"],
    jwks: { keys },
    cookies: { keys: ["a-cookie-key-of-the-test"] },
    pkce: { required: (_, client) => client.clientId === "penstock-console" },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, groups: GROUPS[id] ?? [] }) }),
  });
  fresh.on("server_error", (_, error) => console.error(error));
  return fresh;
};

const GROUPS = { anna: ["ot-engineering"], bela: ["plant-staff"] };
let console_;
let keys = [key()];
let issuer;
let provider;
server.listen(0, "127.0.0.1", () => {
  issuer = `https://localhost:${server.address().port}`;
  provider = build();
  console.log(issuer);
});
process.stdin.on("end", () => process.exit(0)).resume();
