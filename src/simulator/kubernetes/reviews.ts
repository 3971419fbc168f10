/** Questions that are put as objects: whose token is this, what may I do, and a token for a service account. */
import { SECOND_MS } from "../../domain/units.ts";
import { API_AUDIENCE, type Attempt, isAlive, isAllowed, isMeantFor, type User, userOf } from "./access.ts";
import { invalid, KubernetesRefusal, notFound } from "./errors.ts";
import { wireTime } from "./instants.ts";
import { findObject } from "./list.ts";
import { type Given, givenAt, isGiven, listAt, textAt } from "./objects-given.ts";
import type { KubernetesRequest } from "./requests.ts";
import { RESOURCES } from "./resources.ts";
import { type KubernetesState, keyOf } from "./state.ts";
import { newToken } from "./uids.ts";

const TOKEN_SECONDS = 3_600;
const TOKEN_SECONDS_MIN = 600;

function demandBody(body: unknown): Given {
  if (!isGiven(body)) throw new KubernetesRefusal("BadRequest", "the object provided is unrecognized");
  return body;
}

export function reviewToken(state: KubernetesState, { body }: KubernetesRequest, nowMs: number): object {
  const given = demandBody(body);
  const spec = givenAt(given, "spec");
  const said = listAt(spec, "audiences").map(String);
  const audiences = said.length === 0 ? [API_AUDIENCE] : said;
  return { ...given, metadata: {}, status: tokenStatus(state, textAt(spec, "token") ?? "", audiences, nowMs) };
}

function tokenStatus(state: KubernetesState, token: string, audiences: readonly string[], nowMs: number): object {
  const holder = state.tokens.get(token);
  if (holder === undefined || !isAlive(state, holder, nowMs)) return { user: {}, error: "invalid bearer token" };
  if (!isMeantFor(holder, audiences)) {
    const own = holder.kind === "administrator" ? [] : holder.audiences;
    const list = (texts: readonly string[]) => `[${texts.map((text) => JSON.stringify(text)).join(" ")}]`;
    const why = `token audiences ${list(own)} is invalid for the target audiences ${list(audiences)}`;
    return { user: {}, error: `[invalid bearer token, ${why}]` };
  }
  const { isAdministrator: _isAdministrator, ...user } = userOf(holder);
  const meant = holder.kind === "administrator" ? audiences : audiences.filter((one) => holder.audiences.includes(one));
  return { authenticated: true, user, audiences: meant };
}

export function reviewAccess(state: KubernetesState, user: User, { body }: KubernetesRequest): object {
  const given = demandBody(body);
  const asked = givenAt(givenAt(given, "spec"), "resourceAttributes");
  const subresource = textAt(asked, "subresource") ?? "";
  const resource = textAt(asked, "resource") ?? "";
  const attempt: Attempt = {
    verb: textAt(asked, "verb") ?? "",
    group: textAt(asked, "group") ?? "",
    resource: subresource === "" ? resource : `${resource}/${subresource}`,
    namespace: textAt(asked, "namespace") || undefined,
    name: textAt(asked, "name"),
  };
  return { ...given, metadata: {}, status: { allowed: isAllowed(state, user, attempt) } };
}

/** As a projected volume's token is made, and as `kubectl create token` makes one. */
export function requestToken(state: KubernetesState, request: KubernetesRequest, nowMs: number): object {
  const given = demandBody(request.body);
  const account = findObject(state, RESOURCES.serviceaccounts, request);
  const spec = givenAt(given, "spec");
  const said = listAt(spec, "audiences").map(String);
  const expirationSeconds = typeof spec.expirationSeconds === "number" ? spec.expirationSeconds : TOKEN_SECONDS;
  if (expirationSeconds < TOKEN_SECONDS_MIN)
    throw invalid({ kind: "TokenRequest", group: "authentication.k8s.io" }, request.name ?? "", [
      {
        kind: "invalid",
        field: "spec.expirationSeconds",
        message: `Invalid value: ${expirationSeconds}: may not specify a duration less than 10 minutes`,
      },
    ]);
  const expiresAtMs = nowMs + expirationSeconds * SECOND_MS;
  const { namespace = "", name, uid } = account.metadata;
  const audiences = said.length === 0 ? [API_AUDIENCE] : said;
  const pod = boundPod(state, namespace, givenAt(spec, "boundObjectRef"));
  const token = newToken(state);
  state.tokens.set(token, { kind: "service-account", namespace, name, uid, audiences, expiresAtMs, pod });
  return {
    ...given,
    metadata: { name, namespace, creationTimestamp: wireTime(nowMs) },
    spec: { ...spec, audiences, expirationSeconds },
    status: { token, expirationTimestamp: wireTime(expiresAtMs) },
  };
}

function boundPod(
  state: KubernetesState,
  namespace: string,
  ref: Given,
): { readonly name: string; readonly uid: string } | null {
  if (ref.kind !== "Pod") return null;
  const name = textAt(ref, "name") ?? "";
  const pod = state.objects.pods.get(keyOf({ name, namespace }));
  if (pod === undefined) throw notFound(RESOURCES.pods, name);
  const uid = textAt(ref, "uid") ?? pod.metadata.uid;
  if (uid !== pod.metadata.uid)
    throw new KubernetesRefusal(
      "Conflict",
      `Operation cannot be fulfilled on pods "${name}": the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      { name, kind: "pods" },
    );
  return { name, uid };
}
