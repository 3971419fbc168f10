/** A folder with a sound configuration and its secrets, for tests to break. */
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { stringify } from "yaml";
import type { Config } from "../../../src/app/config/config.ts";
import type { Environment } from "../../../src/app/config/environment.ts";
import { ConfigError } from "../../../src/app/config/problems.ts";
import { readConfig } from "../../../src/app/config/read.ts";
import { issueCertificate } from "../../http/issue-certificate.ts";

export const PRIVATE_KEY = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
}).privateKey;

export const CERTIFICATE = issueCertificate();
const OTHER_CERTIFICATE = issueCertificate("other");

export const SECRETS = {
  "token-key": "k".repeat(32),
  "github-token": "ghp_SECRETOFGITHUB\n",
  "webhook-secret": "SECRETOFWEBHOOK",
  "old-webhook-secret": "OLDSECRETOFWEBHOOK",
  "alice-token": "SECRETOFALICE0123\n",
  "app.pem": PRIVATE_KEY,
  "ca.pem": `the authority of acme\n${CERTIFICATE.certificatePem}\n${OTHER_CERTIFICATE.certificatePem}`,
  "cert.pem": CERTIFICATE.certificatePem,
  "key.pem": CERTIFICATE.keyPem,
  "other-key.pem": OTHER_CERTIFICATE.keyPem,
} as const;

// A test breaks it anywhere, so it has no narrower type than what YAML can say.
// biome-ignore lint/suspicious/noExplicitAny: broken on purpose
export type Written = any;

export function soundConfig(): Written {
  return {
    controllerId: "ci-eu",
    tokenKeyFile: "token-key",
    github: { main: { token: { file: "github-token" }, webhookSecretFiles: ["webhook-secret"] } },
    operators: [{ name: "alice", role: "operator", tokenFile: "alice-token" }],
    pools: [
      {
        name: "linux",
        github: "main",
        scope: { organization: "acme" },
        labels: ["self-hosted", "linux"],
        machines: { max: 4 },
        runner: { directory: "/opt/runner" },
        provider: { kind: "process", workDirectory: "./machines" },
      },
    ],
  };
}

/** A new folder with the secrets; it goes when the test is over. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(SECRETS)) writeFileSync(join(folder, name), text);
  return folder;
}

/** @param config text as it is, or a value to write as YAML. */
export async function readIn(folder: string, config: unknown, environment: Environment = {}): Promise<Config> {
  const path = join(folder, "holdfast.yaml");
  writeFileSync(path, typeof config === "string" ? config : stringify(config));
  return await readConfig(path, environment);
}

export async function failureIn(folder: string, config: unknown, environment: Environment = {}): Promise<ConfigError> {
  try {
    await readIn(folder, config, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("the configuration was taken for sound");
}
