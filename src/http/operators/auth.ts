/** Who asks, and what they may do. Operators are named in the configuration; one of them may be anonymous. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { problem } from "../problem.ts";

export const ROLES = ["reader", "operator"] as const;
/** An operator may do all that a reader may. */
export type Role = (typeof ROLES)[number];

export interface Operator {
  readonly name: string;
  readonly role: Role;
  /** Null: whoever comes without a token. */
  readonly token: string | null;
}

/** How a caller without credentials is asked for them: programs by a bearer token, browsers by name and token. */
export type Challenge = "Bearer" | "Basic";

interface Credentials {
  /** Null where the caller gave only a token. */
  readonly name: string | null;
  readonly token: string;
}

/** What a handler behind `requireRole` knows of its caller. */
export interface OperatorEnv {
  readonly Variables: { readonly operator: Operator };
}

/** Lets through whoever has the role; answers 401 to the unknown, who include those with a wrong token, and 403. */
export function requireRole(
  operators: readonly Operator[],
  role: Role,
  challenge: Challenge,
): MiddlewareHandler<OperatorEnv> {
  return async (context, next) => {
    const operator = identify(operators, context.req.header("authorization"));
    const attempted = `${context.req.method} ${context.req.path}`;
    if (operator === null) {
      const headers = { "www-authenticate": `${challenge} realm="holdfast", charset="UTF-8"` };
      return problem("unauthorized", attempted, { headers });
    }
    if (ROLES.indexOf(operator.role) < ROLES.indexOf(role)) return problem("forbidden", attempted);
    context.set("operator", operator);
    return next();
  };
}

/** A header that no page of another origin can send without asking us first, and we never allow it. */
export const COMMAND_HEADER = "x-holdfast-command";

/**
 * A browser adds the name and password that somebody once typed, and the lack of any, to whatever another page makes it
 * send. So a command counts only with a bearer token, or with our own header: neither comes from such a page.
 */
export function refuseForged(): MiddlewareHandler<OperatorEnv> {
  return async (context, next) => {
    const isBearer = /^bearer /i.test(context.req.header("authorization") ?? "");
    if (isBearer || context.req.header(COMMAND_HEADER) !== undefined) return next();
    return problem("forbidden", `${context.req.method} ${context.req.path} as a browser might be made to`, {
      mend: `Send a bearer token, or the header ${COMMAND_HEADER}.`,
    });
  };
}

function identify(operators: readonly Operator[], authorization: string | undefined): Operator | null {
  if (authorization === undefined) return operators.find(({ token }) => token === null) ?? null;
  const credentials = readCredentials(authorization);
  if (credentials === null) return null;
  let known: Operator | null = null;
  // All are compared whatever the outcome, so that the time it takes says nothing about any token.
  for (const operator of operators) {
    if (operator.token === null) continue;
    const isToken = isSameSecret(credentials.token, operator.token);
    const isName = credentials.name === null || credentials.name === operator.name;
    if (isToken && isName) known ??= operator;
  }
  return known;
}

function readCredentials(authorization: string): Credentials | null {
  const [, scheme = "", value = ""] = /^(\w+) +(\S+) *$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === "bearer") return { name: null, token: value };
  if (scheme.toLowerCase() !== "basic") return null;
  const text = Buffer.from(value, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { name: text.slice(0, colon), token: text.slice(colon + 1) };
}

/** Digests have one length, which `timingSafeEqual` demands, and hide the length of the secret. */
function isSameSecret(given: string, secret: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(secret));
}
