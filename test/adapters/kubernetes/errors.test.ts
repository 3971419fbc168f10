/** What each refusal of the API is, and what it becomes for whoever asked for a launch. */
import { ApiException } from "@kubernetes/client-node";
import { expect, it } from "vitest";
import { describeFailure, launchCodeOf, readFailure } from "../../../src/adapters/kubernetes/errors.ts";

type Row = readonly [name: string, status: number, reason: string, message: string, trouble: string, code: string];

const ROWS: readonly Row[] = [
  [
    "a quota",
    403,
    "Forbidden",
    'pods "m-1" is forbidden: exceeded quota: q, requested: pods=1',
    "quota",
    "provider-quota",
  ],
  [
    "a webhook's no",
    400,
    "BadRequest",
    'admission webhook "a.b" denied the request: no',
    "admission",
    "provider-invalid",
  ],
  [
    "Pod Security",
    403,
    "Forbidden",
    'pods "m-1" is forbidden: violates PodSecurity "restricted"',
    "admission",
    "provider-invalid",
  ],
  [
    "a limit range",
    403,
    "Forbidden",
    'pods "m-1" is forbidden: maximum cpu usage per Pod is 1',
    "admission",
    "provider-invalid",
  ],
  [
    "a namespace on its way out",
    403,
    "Forbidden",
    "unable to create: namespace r is being terminated",
    "admission",
    "provider-invalid",
  ],
  [
    "a role that lacks a rule",
    403,
    "Forbidden",
    'pods is forbidden: User "u" cannot create resource "pods"',
    "denied",
    "provider-invalid",
  ],
  ["wrong credentials", 401, "Unauthorized", "Unauthorized", "denied", "provider-invalid"],
  [
    "a spec that is wrong",
    422,
    "Invalid",
    "Pod is invalid: spec.containers: Required value",
    "settings",
    "provider-invalid",
  ],
  ["no such namespace", 404, "NotFound", 'namespaces "runners" not found', "settings", "provider-invalid"],
  ["no such pod", 404, "NotFound", 'pods "m-1" not found', "absent", "provider-invalid"],
  ["a name that is taken", 409, "AlreadyExists", 'pods "m-1" already exists', "exists", "provider-invalid"],
  [
    "a pod that changed",
    409,
    "Conflict",
    "the ResourceVersion in the precondition does not match",
    "conflict",
    "provider-unavailable",
  ],
  [
    "a quota being counted",
    409,
    "Conflict",
    'Operation cannot be fulfilled on resourcequotas "q"',
    "throttled",
    "provider-unavailable",
  ],
  ["a version that is forgotten", 410, "Expired", "too old resource version", "expired", "provider-unavailable"],
  ["too many calls", 429, "TooManyRequests", "slow down", "throttled", "provider-unavailable"],
  [
    "a webhook that does not answer",
    500,
    "InternalError",
    'failed calling webhook "a.b"',
    "unknown",
    "provider-unavailable",
  ],
  ["a server that is away", 503, "ServiceUnavailable", "", "unknown", "provider-unavailable"],
  ["a timeout", 504, "Timeout", "request did not complete", "unknown", "provider-unavailable"],
];

it.each(ROWS)("%s", (_name, status, reason, message, trouble, code) => {
  const body = JSON.stringify({ kind: "Status", status: "Failure", reason, message, code: status });
  const failure = readFailure(new ApiException(status, "Unknown API Status Code!", body, {}));
  expect(failure).toMatchObject({ trouble, status, reason, message });
  expect(launchCodeOf(failure)).toBe(code);
});

it("no answer is unknown, and tells what kept it", () => {
  const failure = readFailure(new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") }));
  expect(failure).toMatchObject({ trouble: "unknown", status: null });
  expect(describeFailure(failure)).toBe("TypeError (fetch failed: connect ECONNREFUSED)");
});

it("an answer of a proxy between, which is no Status, is told in part", () => {
  const failure = readFailure(new ApiException(502, "", `<html>${"x".repeat(5_000)}`, {}));
  expect(failure.trouble).toBe("unknown");
  expect(failure.message.length).toBe(600);
});
