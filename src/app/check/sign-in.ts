/** Whether GitHub lets us in: who we are there, or what is wrong with the key, the token, the clock or the way. */
import { ERRORS, GitHubError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { formatDuration } from "../../http/text/durations.ts";
import type { Access } from "../../ports/github-access.ts";
import type { ConnectionConfig } from "../config/config.ts";
import { SIGN_IN_MS_MAX, within } from "./bounded.ts";
import { type Finding, failure, listOf, ok, warning } from "./finding.ts";
import { describeRefusal, describeUnreachable, innermostCause } from "./refusal.ts";
import { authPlace, type ConnectionSubject, connectionPlace } from "./subject.ts";

/** An App's signature is good for minutes, and GitHub's limits are counted by its clock. */
export const CLOCK_DIFFERENCE_MS_MAX = 30 * SECOND_MS;

export type SignIn =
  | { readonly kind: "in"; readonly access: Access; readonly findings: readonly Finding[] }
  | { readonly kind: "out"; readonly findings: readonly Finding[] };

export async function signIn(subject: ConnectionSubject): Promise<SignIn> {
  const { access: asking } = subject.connection;
  const described = asking.describe().then(
    (access): SignIn => ({ kind: "in", access, findings: [describeAccess(access, subject.config)] }),
    (error: unknown): SignIn => ({ kind: "out", findings: [describeFailedSignIn(error, subject.config)] }),
  );
  const signed: SignIn = await within<SignIn>(
    subject.clock,
    SIGN_IN_MS_MAX,
    described,
    (): SignIn => ({
      kind: "out",
      findings: [describeFailedSignIn(tooLate(), subject.config)],
    }),
  );
  const clock = describeClock(asking.clockDifferenceMs(), subject.config);
  // Where GitHub refused because of the clock, the clock was named already.
  const isTold = signed.findings.some(({ code }) => code === "github-clock-skew");
  return { ...signed, findings: isTold ? signed.findings : [...signed.findings, ...clock] };
}

function tooLate(): GitHubError {
  const cause = new Error(`timed out after ${SIGN_IN_MS_MAX / SECOND_MS} seconds`);
  return new GitHubError("github-unavailable", "signing in", { cause });
}

function describeAccess(access: Access, config: ConnectionConfig): Finding {
  const where = `at ${config.apiUrl}`;
  if (access.kind === "token")
    return ok(authPlace({ config }), `signed in ${where} with a token of ${access.login}${describeScopes(access)}`);
  const accounts = access.installations.map(({ account }) => account);
  const installed = accounts.length === 0 ? "installed nowhere yet" : `installed in ${listOf(accounts)}`;
  return ok(authPlace({ config }), `signed in ${where} as the App ${access.slug}, ${installed}`);
}

function describeScopes({ scopes }: Access & { readonly kind: "token" }): string {
  if (scopes === null) return "";
  return scopes.length === 0 ? ", without any scope" : `, scopes ${scopes.join(", ")}`;
}

/** @param differenceMs GitHub's time minus ours. */
export function describeClock(differenceMs: number | null, config: ConnectionConfig): readonly Finding[] {
  if (differenceMs === null || Math.abs(differenceMs) <= CLOCK_DIFFERENCE_MS_MAX) return [];
  const text = `this computer's clock is ${formatDuration(Math.abs(differenceMs))} ${differenceMs > 0 ? "behind" : "ahead of"} GitHub's`;
  return [warning(connectionPlace({ config }), text, "Set the clock right (NTP).", "github-clock-skew")];
}

/** A bug is thrown on; what GitHub or the way there refused is told. */
export function describeFailedSignIn(error: unknown, config: ConnectionConfig): Finding {
  if (!(error instanceof GitHubError)) throw error;
  switch (error.code) {
    case "github-unavailable":
      return describeUnreachable(error, connectionPlace({ config }, "apiUrl"));
    case "github-unauthorized":
      return describeWrongCredentials(error, config);
    case "github-not-found":
    case "github-not-installed":
      return config.auth.kind === "app"
        ? describeUnknownApp(error, config.auth.appId, config)
        : withoutPassing(error, config);
    default:
      return withoutPassing(error, config);
  }
}

function withoutPassing(error: GitHubError, config: ConnectionConfig): Finding {
  const finding = describeRefusal(error, authPlace({ config }));
  // Without a way in nothing else was looked at, so that it cannot be called sound.
  return { ...finding, severity: "error", mend: finding.mend || ERRORS[error.code].mend };
}

function because(error: GitHubError): string {
  const cause = innermostCause(error);
  return cause === "" ? "" : ` (${cause})`;
}

function describeWrongCredentials(error: GitHubError, config: ConnectionConfig): Finding {
  if (config.auth.kind === "token") {
    const mend = `Make a new token, put it alone into the file of \`github.${config.name}.token.file\`, and let no other program revoke it.`;
    const text = `GitHub refused the token: it is wrong, expired or was revoked${because(error)}`;
    return failure(authPlace({ config }), text, mend, error.code);
  }
  const text = `GitHub refused the key: it is not a key of the App ${config.auth.appId}${because(error)}`;
  const mend = `Compare \`github.${config.name}.app.id\` with the App's settings page; generate a private key there and name its file in \`privateKeyFile\`.`;
  return failure(connectionPlace({ config }, "app.privateKeyFile"), text, mend, error.code);
}

function describeUnknownApp(error: GitHubError, appId: number, config: ConnectionConfig): Finding {
  const text = `GitHub knows no App with the id ${appId}${because(error)}`;
  const mend = `Copy the number "App ID" of the App's settings page to \`github.${config.name}.app.id\`; for a server of your own check \`apiUrl\` too.`;
  return failure(connectionPlace({ config }, "app.id"), text, mend, error.code);
}
