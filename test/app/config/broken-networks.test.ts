import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/app/config/read.ts";
import { ISSUED_UNTIL_MS } from "../../http/issue-certificate.ts";
import { itTellsOf, type Row } from "./broken-row.ts";
import { failureIn, makeFolder, readIn, soundConfig, type Written } from "./config-folder.ts";

const TLS = { certificateFile: "cert.pem", keyFile: "key.pem" };

function listenBy(over: Written): (config: Written) => void {
  return (config) => Object.assign(config, { listen: over, urls: "https://holdfast.acme.com" });
}

function proxyBy(over: Written): (config: Written) => void {
  return (config) => (config.github.main.proxy = over);
}

const NETWORK = "must be an IP address, or a network of them";
const NETWORK_MEND = "as in `trustedProxies: [10.0.0.0/8, ::1]`";

const LISTEN: readonly Row[] = [
  [
    "TLS without a certificate",
    listenBy({ tls: { keyFile: "key.pem" } }),
    "listen.tls.certificateFile",
    "is missing",
    "as in `certificateFile: ./fullchain.pem`",
  ],
  [
    "TLS without a key",
    listenBy({ tls: { certificateFile: "cert.pem" } }),
    "listen.tls.keyFile",
    "is missing",
    "as in `keyFile: ./privkey.pem`",
  ],
  [
    "TLS as a text",
    listenBy({ tls: "cert.pem" }),
    "listen.tls",
    "must be a block of keys",
    "as in `tls: { certificateFile: ./fullchain.pem, keyFile: ./privkey.pem }`",
  ],
  [
    "a certificate that is none",
    listenBy({ tls: { ...TLS, certificateFile: "alice-token" } }),
    "listen.tls.certificateFile",
    "holds no certificate in PEM form",
    "name the file with the certificate and, after it, those of the authorities above it (fullchain.pem)",
  ],
  [
    "a key that is none",
    listenBy({ tls: { ...TLS, keyFile: "cert.pem" } }),
    "listen.tls.keyFile",
    "holds no private key in PEM form that opens without a passphrase",
    "name the certificate's private key, without a passphrase",
  ],
  [
    "another certificate's key",
    listenBy({ tls: { ...TLS, keyFile: "other-key.pem" } }),
    "listen.tls.keyFile",
    "is not the key of the certificate in `certificateFile`",
    "name the key that the certificate was requested with; in the certificate's file, its own comes first",
  ],
  [
    "a trusted proxy by its name",
    listenBy({ trustedProxies: ["10.0.0.0/8", "proxy.acme.com"] }),
    "listen.trustedProxies[1]",
    NETWORK,
    NETWORK_MEND,
  ],
  ...["10.0.0.0/33", "::1/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "loopback", ""].map(
    (text): Row => [
      `a trusted proxy ${JSON.stringify(text)}`,
      listenBy({ trustedProxies: [text] }),
      "listen.trustedProxies[0]",
      NETWORK,
      NETWORK_MEND,
    ],
  ),
  ...["0.0.0.0/0", "::/0", "10.0.0.0/00"].map(
    (text): Row => [
      `everybody trusted by ${text}`,
      listenBy({ trustedProxies: [text] }),
      "listen.trustedProxies[0]",
      "would believe everybody",
      "name the addresses of your load balancers or proxies only",
    ],
  ),
  [
    "an address for people that is none",
    (c) => (c.urls = { webhooks: "https://a", agents: "https://b", operators: "ops" }),
    "urls.operators",
    "must be an http or https address without user, query or fragment",
    "as in `operators: https://holdfast-ops.ci.internal`",
  ],
];

const PROXY_URL = "must be an http or https address without a path";
const EXCEPT = "must be the name of a host or a domain, or an IP address";
const AUTHORITY = "name a file with the authority's certificate in PEM form (-----BEGIN CERTIFICATE-----)";

const CONNECTIONS: readonly Row[] = [
  [
    "an authority that is none",
    (c) => (c.github.main.caFile = "app.pem"),
    "github.main.caFile",
    "does not hold just certificates in PEM form, at least one",
    AUTHORITY,
  ],
  [
    "an authority without a file",
    (c) => (c.github.main.caFile = ""),
    "github.main.caFile",
    "is empty",
    "as in `caFile: ./acme-ca.pem`",
  ],
  [
    "a proxy as a text",
    proxyBy("http://proxy:3128"),
    "github.main.proxy",
    "must be a block of keys",
    "as in `proxy: { url: http://proxy:3128, except: [.internal] }`",
  ],
  [
    "a proxy without an address",
    proxyBy({ except: [".internal"] }),
    "github.main.proxy.url",
    "is missing",
    "as in `url: http://proxy:3128`; or set the variable HOLDFAST_GITHUB_MAIN_PROXY",
  ],
  [
    "a proxy with credentials",
    proxyBy({ url: "http://user:SECRETOFPROXY@proxy:3128" }),
    "github.main.proxy.url",
    "must not hold credentials",
    "put all of it into the variable HOLDFAST_GITHUB_<NAME>_PROXY",
  ],
  ...["proxy:3128", "socks5://proxy:1080", "http://proxy:3128/path", "http://proxy:3128?x=1"].map(
    (url): Row => [
      `a proxy ${url}`,
      proxyBy({ url }),
      "github.main.proxy.url",
      PROXY_URL,
      "as in `url: http://proxy:3128`",
    ],
  ),
  ...["*.internal", "10.0.0.0/8", "https://ghe.acme.com", "ghe.acme.com:443", "a b", ".", ""].map(
    (one): Row => [
      `an exception ${JSON.stringify(one)}`,
      proxyBy({ url: "http://proxy:3128", except: ["ok.internal", one] }),
      "github.main.proxy.except[1]",
      EXCEPT,
      "as in `except: [ghe.acme.com, .internal]`",
    ],
  ),
  [
    "two connections with one secret",
    (c) => (c.github.ghes = { ...c.github.main, webhookSecretFiles: ["old-webhook-secret", "webhook-secret"] }),
    "github.ghes.webhookSecretFiles[1]",
    "is a secret of `main` too: nothing else tells whose a delivery is",
    "openssl rand -hex 20 > webhook-secret, and the same in the webhook's settings at GitHub",
  ],
];

describe("listening", () => itTellsOf(LISTEN));
describe("connections", () => itTellsOf(CONNECTIONS));

describe("files and variables", () => {
  it.each<[string, (config: Written) => void, string]>([
    ["an authority", (c) => (c.github.main.caFile = "none"), "github.main.caFile"],
    ["a certificate", listenBy({ tls: { ...TLS, certificateFile: "none" } }), "listen.tls.certificateFile"],
    ["a certificate's key", listenBy({ tls: { ...TLS, keyFile: "none" } }), "listen.tls.keyFile"],
  ])("%s that is not there", async (_name, breakIt, path) => {
    const config = soundConfig();
    breakIt(config);
    const { code, problems } = await failureIn(makeFolder(), config);
    expect(code).toBe("config-unreadable");
    expect(problems).toMatchObject([{ path, problem: "names a file that cannot be read: there is none" }]);
  });

  it("an authority of which one certificate is broken", async () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "ca.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    const config = soundConfig();
    config.github.main.caFile = "ca.pem";
    const { problems } = await failureIn(folder, config);
    expect(problems).toMatchObject([{ path: "github.main.caFile" }]);
  });

  it.each([
    ["has expired", ISSUED_UNTIL_MS, "expired at 2049-01-01T00:00:00.000Z"],
    ["is from the future", 0, "is not valid before 2020-01-01T00:00:00.000Z"],
  ])("a certificate that %s", async (_name, nowMs, problem) => {
    const folder = makeFolder();
    const config = soundConfig();
    listenBy({ tls: TLS })(config);
    await readIn(folder, config);
    const reading = readConfig(join(folder, "holdfast.yaml"), {}, { nowMs: () => nowMs });
    await expect(reading).rejects.toMatchObject({ problems: [{ path: "listen.tls.certificateFile", problem }] });
  });

  it("a proxy in the file and in its variable", async () => {
    const config = soundConfig();
    config.github.main.proxy = { url: "http://proxy:3128" };
    const environment = { HOLDFAST_GITHUB_MAIN_PROXY: "http://me:SECRETOFPROXY@proxy:3128" };
    const { problems } = await failureIn(makeFolder(), config, environment);
    expect(problems).toEqual([
      {
        path: "github.main.proxy.url",
        problem: "is set, and the variable HOLDFAST_GITHUB_MAIN_PROXY is too",
        mend: "keep one of them",
      },
    ]);
  });

  it("a proxy's variable that holds none", async () => {
    const { problems } = await failureIn(makeFolder(), soundConfig(), { HOLDFAST_GITHUB_MAIN_PROXY: "SECRETOFPROXY" });
    expect(problems).toEqual([
      {
        path: "github.main.proxy.url",
        problem: "the variable HOLDFAST_GITHUB_MAIN_PROXY must be an http or https address without a path",
        mend: "as in `http://user:password@proxy:3128`, with %40 for an @ in the password",
      },
    ]);
  });
});
