/** The configuration that `holdfast init` writes: only what was decided, with a comment where one helps. */
import { parse } from "yaml";
import { isWildcard, urlOf } from "../config/addresses.ts";
import { CONNECTION, FILES, type InitSettings, operatorTokenFile, ownUrl } from "./settings.ts";

/** How the configuration signs in: what the setup was told, or the App that it created. */
export type WrittenSignIn =
  | { readonly kind: "app"; readonly appId: number; readonly privateKeyFile: string }
  | { readonly kind: "token"; readonly tokenFile: string };

export function renderConfigText(settings: InitSettings, signIn: WrittenSignIn): string {
  const { controllerId, listen, pool, labels, machineCountMax, runnerDirectory, workDirectory } = settings;
  const { host, port } = listen;
  return `# Written by \`holdfast init\`. Every key: docs/reference/configuration.md
# Relative paths begin at this file's folder. Secrets are in files of their own.

controllerId: ${scalar(controllerId)} # how Holdfast knows its own machines and registrations; never change it
store: sqlite:./holdfast.db
listen: ${scalar(urlOf({ host, port }).slice("http://".length))} # webhooks, the machines, the commands and the status page
${renderUrls(settings)}tokenKeyFile: ./${FILES.tokenKey} # signs the agents' tokens

github:
  ${CONNECTION}:
${renderConnection(settings, signIn)}
operators:
  - { name: ${scalar(settings.operator)}, role: operator, tokenFile: ./${operatorTokenFile(settings)} }

pools:
  - name: ${scalar(pool)}
    github: ${CONNECTION}
    scope: ${renderScope(settings)}
    labels: ${list(labels)} # a job fits if all of its \`runs-on\` labels are among these
    machines: { max: ${machineCountMax} }
    runner: { directory: ${scalar(runnerDirectory)} } # GitHub's runner; each machine gets a copy
    provider: { kind: process, workDirectory: ${scalar(workDirectory)} } # a machine is a tree of processes here
`;
}

function renderUrls({ webhooksUrl, listen }: InitSettings): string {
  const own = ownUrl(listen);
  if (webhooksUrl === null) return isWildcard(listen.host) ? `urls: ${scalar(own)}\n` : "";
  return `urls:
  webhooks: ${scalar(webhooksUrl)} # how GitHub reaches \`listen\`
  agents: ${scalar(own)} # how the machines do
`;
}

function renderConnection({ github, caFile, webhooksUrl }: InitSettings, signIn: WrittenSignIn): string {
  const lines = [
    `apiUrl: ${scalar(github.apiUrl)}`,
    ...(caFile === null ? [] : [`caFile: ${scalar(caFile)}`]),
    signIn.kind === "app"
      ? `app: { id: ${signIn.appId}, privateKeyFile: ${scalar(signIn.privateKeyFile)} }`
      : `token: { file: ${scalar(signIn.tokenFile)} }`,
    webhooksUrl === null
      ? "demand: poll # jobs are asked for: no webhook reaches this computer"
      : `webhookSecretFiles: [./${FILES.webhookSecret}]`,
  ];
  return lines.map((line) => `    ${line}\n`).join("");
}

function renderScope({ scope }: InitSettings): string {
  switch (scope.kind) {
    case "organization":
      return `{ organization: ${scalar(scope.organization)} }`;
    case "repositories":
      return `{ repositories: ${list(scope.repositories)} }`;
    case "enterprise":
      return `{ enterprise: ${scalar(scope.enterprise)} }`;
  }
}

function list(texts: readonly string[]): string {
  return `[${texts.map(scalar).join(", ")}]`;
}

const PLAIN = /^[\w./][\w./:@*-]*$/;

/** Bare where YAML reads the same text back (`1.0` and `yes` it would not), else quoted. */
function scalar(text: string): string {
  return PLAIN.test(text) && parse(`[${text}]`)?.[0] === text ? text : JSON.stringify(text);
}
