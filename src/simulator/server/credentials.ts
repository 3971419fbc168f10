import { timingSafeEqual, verify } from "node:crypto";
import { type Caller, refuse } from "../github/rest-answer.ts";
import { findTokenInstallation } from "../github/rest-app.ts";
import type { App, GitHubState } from "../github/state.ts";

/** Who calls, by the credential that was sent along. */

const BEARER = /^(?:bearer|token)\s+(\S+)$/i;
/** GitHub refuses JWTs that are good for more than ten minutes; a minute for clocks that differ. */
const JWT_LIFE_SECONDS_MAX = 11 * 60;

export function readBearer(authorization: string | undefined): string | null {
  return BEARER.exec(authorization?.trim() ?? "")?.[1] ?? null;
}

export function identifyCaller(state: GitHubState, bearer: string | null, nowMs: number): Caller {
  if (bearer === null) return { kind: "anonymous" };
  const token = state.options.tokens.find((known) => isSame(known.token, bearer));
  if (token !== undefined) return { kind: "token", token };
  const installation = findTokenInstallation(state, bearer, nowMs);
  if (installation !== undefined) return { kind: "installation", installation };
  return identifyApp(state, bearer, nowMs);
}

export function isSame(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Whose JWT it is. What is wrong with one is told in GitHub's words; what is none is a bad token. */
function identifyApp(state: GitHubState, jwt: string, nowMs: number): Caller {
  const [header, payload, signature, ...rest] = jwt.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
    return { kind: "anonymous" };
  }
  const claims = decodeClaims(payload);
  if (claims === null || decodeClaims(header)?.alg !== "RS256") return refused(401, UNDECODABLE);
  const app = findIssuer(state, claims.iss);
  if (app === undefined) return refused(404, "Integration not found");
  if (app.publicKey !== null) {
    const signed = Buffer.from(`${header}.${payload}`);
    const isSigned = verify("RSA-SHA256", signed, app.publicKey, Buffer.from(signature, "base64url"));
    if (!isSigned) return refused(401, UNDECODABLE);
  }
  const wrong = findWrongTime(claims, nowMs);
  return wrong === null ? { kind: "app", app } : refused(401, wrong);
}

const UNDECODABLE = "A JSON web token could not be decoded";
const EXPIRED =
  "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
const TOO_LONG = "'Expiration time' claim ('exp') is too far in the future";
const FROM_THE_FUTURE =
  "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";

function refused(status: number, message: string): Caller {
  return { kind: "refused", answer: refuse(status, message) };
}

function findIssuer(state: GitHubState, iss: unknown): App | undefined {
  return [...state.apps.values()].find(({ id, clientId }) => String(iss) === String(id) || iss === clientId);
}

function findWrongTime({ iat, exp }: Claims, nowMs: number): string | null {
  const nowSeconds = nowMs / 1_000;
  if (typeof exp !== "number" || exp <= nowSeconds) return EXPIRED;
  if (exp > nowSeconds + JWT_LIFE_SECONDS_MAX) return TOO_LONG;
  return typeof iat !== "number" || iat > nowSeconds ? FROM_THE_FUTURE : null;
}

interface Claims {
  readonly [name: string]: unknown;
}

function decodeClaims(text: string): Claims | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? (claims as Claims) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
