import { timingSafeEqual, verify } from "node:crypto";
import type { Caller } from "../github/rest-answer.ts";
import { isInstallationToken } from "../github/rest-app.ts";
import type { GitHubState } from "../github/state.ts";

export interface Credentials {
  /** Personal access tokens that are good for every REST call but those of an App. */
  readonly tokens: readonly string[];
  /** PEM. Without it every well-formed JWT of the App passes, whoever signed it. */
  readonly appPublicKey: string | null;
}

const BEARER = /^(?:bearer|token)\s+(\S+)$/i;
/** GitHub refuses JWTs that are good for more than ten minutes; a minute for clocks that differ. */
const JWT_LIFE_SECONDS_MAX = 11 * 60;

export function readBearer(authorization: string | undefined): string | null {
  return BEARER.exec(authorization?.trim() ?? "")?.[1] ?? null;
}

export function identifyCaller(
  state: GitHubState,
  credentials: Credentials,
  authorization: string | undefined,
  nowMs: number,
): Caller {
  const bearer = readBearer(authorization);
  if (bearer === null) return { kind: "anonymous" };
  if (credentials.tokens.some((token) => isSame(token, bearer))) return { kind: "token" };
  if (isInstallationToken(state, bearer, nowMs)) return { kind: "token" };
  return isAppJwt(state, credentials, bearer, nowMs) ? { kind: "app" } : { kind: "anonymous" };
}

export function isSame(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function isAppJwt(state: GitHubState, credentials: Credentials, jwt: string, nowMs: number): boolean {
  const [header, payload, signature, ...rest] = jwt.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return false;
  const claims = decodeClaims(payload);
  if (claims === null || decodeClaims(header)?.alg !== "RS256") return false;
  const { iss, exp } = claims;
  const { appId } = state.options;
  if (String(iss) !== String(appId) && iss !== `Iv23li${appId}`) return false;
  const nowSeconds = nowMs / 1_000;
  if (typeof exp !== "number" || exp <= nowSeconds || exp > nowSeconds + JWT_LIFE_SECONDS_MAX) return false;
  if (credentials.appPublicKey === null) return true;
  const signed = Buffer.from(`${header}.${payload}`);
  return verify("RSA-SHA256", signed, credentials.appPublicKey, Buffer.from(signature, "base64url"));
}

function decodeClaims(text: string): { readonly [name: string]: unknown } | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? (claims as { [name: string]: unknown }) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
