/** Reads every secret that the configuration names. */
import { createPrivateKey } from "node:crypto";
import { isName } from "../../domain/ids.ts";
import { checkAccessFiles } from "./check-kubernetes.ts";
import type { Draft, DraftConnection } from "./draft.ts";
import { type NetworkSecret, readIdentityCertificates, readNetworks } from "./networks.ts";
import { type SecretPlace, type SecretReader, variableOf } from "./secret-sources.ts";
import { readTraces, type TracesConfig } from "./traces.ts";

const TOKEN_KEY_BYTES_MIN = 32;
const OPERATOR_TOKEN_LENGTH_MIN = 16;

const TOKEN = /^[\x21-\x7e]+$/;
const OPERATOR_TOKEN = new RegExp(`^[\\x21-\\x7e]{${OPERATOR_TOKEN_LENGTH_MIN},}$`);
const ONE_LINE = /^[^\r\n]+$/;

export type AuthSecret =
  | { readonly kind: "app"; readonly privateKeyPem: string }
  | { readonly kind: "token"; readonly token: string };

/** Null, or not in the map: a problem was found. */
export interface Secrets {
  readonly tokenKey: Uint8Array | null;
  readonly auths: ReadonlyMap<string, AuthSecret | null>;
  readonly webhookSecrets: ReadonlyMap<string, readonly string[]>;
  readonly networks: ReadonlyMap<string, NetworkSecret>;
  /** By the index of the pool. Public, and read from files as secrets are. */
  readonly identityCertificates: ReadonlyMap<number, readonly string[]>;
  /** In the order of `operators`. */
  readonly operatorTokens: readonly (string | null)[];
  /** Null where traces are off, too. */
  readonly traces: TracesConfig | null;
}

export async function readSecrets(draft: Draft, reader: SecretReader): Promise<Secrets> {
  const auths = new Map<string, AuthSecret | null>();
  const webhookSecrets = new Map<string, readonly string[]>();
  for (const [name, connection] of Object.entries(draft.github ?? {})) {
    if (connection === undefined) continue;
    auths.set(name, await readAuth(name, connection, reader));
    webhookSecrets.set(name, await readWebhookSecrets(name, connection, webhookSecrets, reader));
  }
  const networks = await readNetworks(draft, reader);
  const identityCertificates = await readIdentityCertificates(draft, reader);
  await checkAccessFiles(draft, reader);
  const operatorTokens = await readOperatorTokens(draft, reader);
  const tokenKey = await readTokenKey(draft, reader);
  const traces = await readTraces(draft, reader);
  return { tokenKey, auths, webhookSecrets, networks, identityCertificates, operatorTokens, traces };
}

async function readTokenKey(draft: Draft, reader: SecretReader): Promise<Uint8Array | null> {
  // Refused already, as an inline secret.
  if (draft.tokenKey !== undefined && draft.tokenKeyFile === undefined) return null;
  const path = "tokenKeyFile";
  const source = "head -c 32 /dev/urandom > token-key, and `tokenKeyFile: ./token-key`";
  const key = await reader.read({ path, file: draft.tokenKeyFile, variable: variableOf("token_key"), source });
  if (key === null || key.length >= TOKEN_KEY_BYTES_MIN) return key;
  reader.problems.add(path, `has fewer than ${TOKEN_KEY_BYTES_MIN} bytes`, source);
  return null;
}

async function readAuth(name: string, connection: DraftConnection, reader: SecretReader): Promise<AuthSecret | null> {
  const path = `github.${name}`;
  const { app, token } = connection;
  const variable = variableOf("github", name, "token");
  if (app !== undefined && token !== undefined) {
    reader.problems.add(path, "has both `app` and `token`", "keep one of them");
    return null;
  }
  if (token === "inline") return null;
  if (app !== undefined) return await readPrivateKey(path, name, app, reader);
  if (token === undefined && !reader.has(variable)) {
    const mend = `add \`app: { id: 123456, privateKeyFile: ./app.pem }\` or \`token: { file: ./github-token }\`; or set the variable ${variable}`;
    reader.problems.add(path, "has no credentials", mend);
    return null;
  }
  const source = "write a token with the permissions of docs/guide/github.md into the file";
  const place = { path: `${path}.token.file`, file: token?.file, variable, source };
  const text = await reader.readText(place, TOKEN, "does not hold just a token");
  return text === null ? null : { kind: "token", token: text };
}

async function readPrivateKey(
  path: string,
  name: string,
  app: NonNullable<DraftConnection["app"]>,
  reader: SecretReader,
): Promise<AuthSecret | null> {
  if (app.privateKey !== undefined && app.privateKeyFile === undefined) return null;
  const source = "generate a private key on the App's settings page and name the downloaded file";
  const variable = variableOf("github", name, "private_key");
  const place = { path: `${path}.app.privateKeyFile`, file: app.privateKeyFile, variable, source };
  const privateKeyPem = (await reader.read(place))?.toString("utf8") ?? null;
  if (privateKeyPem === null || isRsaKey(privateKeyPem)) {
    return privateKeyPem === null ? null : { kind: "app", privateKeyPem };
  }
  reader.problems.add(place.path, "does not hold an RSA private key in PEM form", source);
  return null;
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}

async function readWebhookSecrets(
  name: string,
  connection: DraftConnection,
  others: ReadonlyMap<string, readonly string[]>,
  reader: SecretReader,
): Promise<readonly string[]> {
  const variable = variableOf("github", name, "webhook_secret");
  const secrets: string[] = [];
  for (const place of listSecretPlaces(name, connection, variable, reader)) {
    const secret = await reader.readText(place, ONE_LINE, "holds more than one line");
    if (secret === null) continue;
    const twin = [...others].find(([, known]) => known.includes(secret))?.[0];
    if (twin !== undefined)
      reader.problems.add(
        place.path,
        `is a secret of \`${twin}\` too: nothing else tells whose a delivery is`,
        place.source,
      );
    secrets.push(secret);
  }
  return secrets;
}

/** None after adding a problem, and where webhooks are not needed and nothing is named. */
function listSecretPlaces(
  name: string,
  connection: DraftConnection,
  variable: string,
  reader: SecretReader,
): readonly SecretPlace[] {
  const path = `github.${name}.webhookSecretFiles`;
  const source = "openssl rand -hex 20 > webhook-secret, and the same in the webhook's settings at GitHub";
  const files = connection.webhookSecretFiles ?? [];
  if (files.length === 0) {
    const isNeeded = connection.demand !== "poll" || reader.has(variable);
    return isNeeded ? [{ path, file: undefined, variable, source }] : [];
  }
  if (reader.has(variable)) {
    reader.problems.add(path, `is set, and the variable ${variable} is too`, "keep one of them");
    return [];
  }
  return files.flatMap((file, index) =>
    file === undefined || file === "" ? [] : [{ path: `${path}[${index}]`, file, variable: null, source }],
  );
}

async function readOperatorTokens(draft: Draft, reader: SecretReader): Promise<readonly (string | null)[]> {
  const tokens: (string | null)[] = [];
  for (const [index, operator] of (draft.operators ?? []).entries()) {
    const path = `operators[${index}].tokenFile`;
    const isRefusedAlready = operator?.token !== undefined && operator.tokenFile === undefined;
    if (operator?.name === undefined || operator.anonymous === true || isRefusedAlready) {
      tokens.push(null);
      continue;
    }
    const { tokenFile: file } = operator;
    // What is no name has been told of, and is not repeated.
    const name = isName(operator.name) ? operator.name : "name";
    const source = `openssl rand -hex 20 > ${name}-token, and \`tokenFile: ./${name}-token\``;
    const place = { path, file, variable: variableOf("operator", name, "token"), source };
    const rule = `has fewer than ${OPERATOR_TOKEN_LENGTH_MIN} characters, or white space among them`;
    const token = await reader.readText(place, OPERATOR_TOKEN, rule);
    const twin = token === null ? -1 : tokens.indexOf(token);
    if (twin >= 0) reader.problems.add(path, `holds the same token as operators[${twin}]`, source);
    tokens.push(token);
  }
  return tokens;
}
