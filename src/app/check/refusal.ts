/** A refusal of GitHub's as a finding: what was attempted, the code's sentence, the innermost cause, and what to do. */
import { ERRORS, type GitHubError } from "../../domain/errors.ts";
import { plainText } from "../../http/text/plain-text.ts";
import { type Finding, failure, type Place, warning } from "./finding.ts";

const CAUSE_DEPTH_MAX = 10;
const CAUSE_LENGTH_MAX = 240;

interface Trouble {
  readonly pattern: RegExp;
  readonly wrong: string;
  readonly mend: (connectionPath: string) => string;
}

/** Why no answer came, told by the words that Node, the TLS library and undici have for it. The first that fits counts. */
const TROUBLES: readonly Trouble[] = [
  {
    pattern: /proxy|tunnel/i,
    wrong: "the proxy did not let the call through",
    mend: (path) =>
      `Compare \`${path}.proxy\` (or HTTPS_PROXY and NO_PROXY) with what the proxy expects: address, credentials, and that it permits this host.`,
  },
  {
    pattern: /ALTNAME|does not match certificate|Hostname\/IP/i,
    wrong: "the certificate there is of another host",
    mend: (path) => `Write the host in \`${path}.apiUrl\` as the certificate names it.`,
  },
  {
    pattern: /CERT_HAS_EXPIRED|certificate has expired|CERT_NOT_YET_VALID|certificate is not yet valid/i,
    wrong: "the certificate there is not valid at this time",
    mend: () => "Renew the server's certificate; if it is valid, set this computer's clock right.",
  },
  {
    pattern: /certificate|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|\bCERT_/i,
    wrong: "the certificate there is not trusted",
    mend: (path) => `Name the PEM file of the certificate authority in \`${path}.caFile\`.`,
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN|getaddrinfo/,
    wrong: "the name of the host is not known",
    mend: (path) =>
      `Correct \`${path}.apiUrl\`, or let this computer's DNS resolve it; behind a proxy set \`${path}.proxy\`.`,
  },
  {
    pattern: /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES/,
    wrong: "nothing can be reached at that address",
    mend: (path) => `Correct \`${path}.apiUrl\`, or open the way there; behind a proxy set \`${path}.proxy\`.`,
  },
  {
    pattern: /timeout|timed out|ETIMEDOUT/i,
    wrong: "no answer came in time",
    mend: (path) =>
      `Check that a firewall lets this computer reach \`${path}.apiUrl\`; behind a proxy set \`${path}.proxy\`.`,
  },
];

/** @param place its path begins with the connection's own: `github.main.apiUrl`. */
export function describeUnreachable(error: GitHubError, place: Place): Finding {
  const path = place.path.split(".").slice(0, 2).join(".");
  const cause = innermostCause(error);
  const trouble = TROUBLES.find(({ pattern }) => pattern.test(cause));
  const wrong = trouble?.wrong ?? "GitHub did not answer, or with a server error";
  const mend =
    trouble?.mend(path) ?? `Check \`${path}.apiUrl\`, the way there and GitHub's status page, then try again.`;
  return failure(place, `${error.message}: ${wrong}${inBrackets(cause)}`, mend, error.code);
}

/** What passes by itself is a warning: nothing in the configuration is known to be wrong. */
export function describeRefusal(error: GitHubError, place: Place): Finding {
  const { sentence, mend } = ERRORS[error.code];
  const say = PASSING.has(error.code) ? warning : failure;
  const text = `${error.message}: ${lowerFirst(sentence).replace(/\.$/, "")}${inBrackets(innermostCause(error))}`;
  return say(place, text, PASSING.has(error.code) ? MEND_PASSING : mend, error.code);
}

const PASSING: ReadonlySet<string> = new Set(["github-unavailable", "github-budget", "github-rate-limited"]);
const MEND_PASSING = "Run `holdfast check` again in a few minutes.";

/** "GitHub" keeps its capital. */
function lowerFirst(sentence: string): string {
  return /^[A-Z][a-z]* /.test(sentence) && !sentence.startsWith("GitHub")
    ? `${sentence.slice(0, 1).toLowerCase()}${sentence.slice(1)}`
    : sentence;
}

function inBrackets(cause: string): string {
  return cause === "" ? "" : ` (${cause})`;
}

/** The innermost cause that says something, with the system's code where its message lacks it; empty without one. */
export function innermostCause(error: Error): string {
  let said = "";
  let next: unknown = error.cause;
  for (let depth = 0; depth < CAUSE_DEPTH_MAX && next instanceof Error; depth += 1) {
    said = textOf(next) || said;
    next = next.cause ?? (next instanceof AggregateError ? next.errors[0] : undefined);
  }
  return plainText(said).slice(0, CAUSE_LENGTH_MAX);
}

function textOf(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (error.message === "" || code === "") return error.message || code;
  return error.message.includes(code) ? error.message : `${code}: ${error.message}`;
}
