import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { CERTIFICATE, makeFolder, readIn, soundConfig } from "./config-folder.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/guide/network.md"), "utf8");
const EXAMPLES = [...PAGE.matchAll(/```yaml\n(?<text>.*?)```/gs)].map((found) => found.groups?.text ?? "");
const LETSENCRYPT = "/etc/letsencrypt/live/holdfast.acme.com/";

const FILES = {
  "acme-ca.pem": CERTIFICATE.certificatePem,
  "fullchain.pem": CERTIFICATE.certificatePem,
  "privkey.pem": CERTIFICATE.keyPem,
  "main-webhook-secret": "one",
  "ghes-webhook-secret": "another",
  "ghes-token": "ghp_SECRET",
} as const;

it("finds the guide's examples", () => {
  expect(EXAMPLES.length).toBeGreaterThanOrEqual(8);
});

it.each(EXAMPLES.map((text, index) => [index, text] as const))(
  "example %i of the guide is sound",
  async (_index, text) => {
    const folder = makeFolder();
    for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);
    const example = parse(text.replaceAll(LETSENCRYPT, "./"));
    const config = { ...soundConfig(), ...example };
    config.pools[0].github = Object.keys(config.github)[0];
    await expect(readIn(folder, config)).resolves.toBeDefined();
  },
);
