import { describe } from "vitest";
import { INLINE, itTellsOf, NAME, RESERVED, type Row } from "./broken-row.ts";

const LISTEN = "must be `host:port`, the port from 1 to 65535";

const ROOT: readonly Row[] = [
  ["no controller id", (c) => delete c.controllerId, "controllerId", "is missing", "as in `controllerId: ci-eu`"],
  ["a controller id in capitals", (c) => (c.controllerId = "CI"), "controllerId", NAME, "as in `controllerId: ci-eu`"],
  ["a key misspelt", (c) => (c.controlerId = "x"), "controlerId", "unknown key", "did you mean `controllerId`?"],
  ["a key in another case", (c) => (c.Store = "x"), "Store", "unknown key", "did you mean `store`?"],
  [
    "a key out of nowhere",
    (c) => (c.webhookPort = 1),
    "webhookPort",
    "unknown key",
    "remove it; known here: controllerId, store, listen, urls, tokenKeyFile, github, telemetry, operators, pools",
  ],
  [
    "PostgreSQL",
    (c) => (c.store = "postgres://db/holdfast"),
    "store",
    RESERVED,
    "use `sqlite:` and a path, as in `store: sqlite:./holdfast.db`",
  ],
  [
    "a store of no kind",
    (c) => (c.store = "./holdfast.db"),
    "store",
    "is not the address of a store",
    "use `sqlite:` and a path, as in `store: sqlite:./holdfast.db`",
  ],
  ["listen without a port", (c) => (c.listen = "localhost"), "listen", LISTEN, "as in `listen: 127.0.0.1:8080`"],
  [
    "listen with a port too high",
    (c) => (c.listen = "127.0.0.1:65536"),
    "listen",
    LISTEN,
    "as in `listen: 127.0.0.1:8080`",
  ],
  [
    "listen as a number",
    (c) => (c.listen = 8080),
    "listen",
    "must be one address, or an object with one for each side",
    "as in `listen: 127.0.0.1:8080`",
  ],
  [
    "one side of listen wrong",
    (c) => Object.assign(c, { listen: { agents: "x" }, urls: "http://a" }),
    "listen.agents",
    LISTEN,
    "as in `agents: 0.0.0.0:8081`",
  ],
  [
    "a side of listen misspelt",
    (c) => Object.assign(c, { listen: { agent: "x:1" }, urls: "http://a" }),
    "listen.agent",
    "unknown key",
    "did you mean `agents`?",
  ],
  [
    "no urls for a wildcard",
    (c) => (c.listen = "0.0.0.0:8080"),
    "urls",
    "is missing, and nobody can call a wildcard address",
    "add it, as in `urls: https://holdfast.acme.com`",
  ],
  [
    "no urls for several addresses",
    (c) => (c.listen = { agents: "10.0.0.1:1" }),
    "urls",
    "is missing, and `listen` has several addresses",
    "add it, as in `urls: https://holdfast.acme.com`",
  ],
  [
    "urls that are none",
    (c) => (c.urls = "holdfast.acme.com"),
    "urls",
    "must be an http or https address without user, query or fragment",
    "as in `urls: https://holdfast.acme.com`",
  ],
  [
    "urls with one of two",
    (c) => (c.urls = { webhooks: "https://a" }),
    "urls.agents",
    "is missing",
    "as in `agents: https://holdfast.ci.internal`",
  ],
  [
    "an inline token key",
    (c) => Object.assign(c, { tokenKey: "x" }),
    "tokenKey",
    INLINE,
    "put it into a file of its own and name that by `tokenKeyFile`",
  ],
  [
    "no token key",
    (c) => delete c.tokenKeyFile,
    "tokenKeyFile",
    "is missing",
    "head -c 32 /dev/urandom > token-key, and `tokenKeyFile: ./token-key`; or set the variable HOLDFAST_TOKEN_KEY",
  ],
  [
    "a token key that is short",
    (c) => (c.tokenKeyFile = "alice-token"),
    "tokenKeyFile",
    "has fewer than 32 bytes",
    "head -c 32 /dev/urandom > token-key, and `tokenKeyFile: ./token-key`",
  ],
];

describe("the file", () => itTellsOf(ROOT));
