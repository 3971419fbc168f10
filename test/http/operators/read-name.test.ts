import { expect, it } from "vitest";
import { type GivenName, readName } from "../../../src/http/operators/read-name.ts";

const named = (given: Partial<Record<keyof GivenName, unknown>>) => ({ kind: null, jobId: null, ...given });

it.each<[string, string, Partial<Record<keyof GivenName, unknown>>]>([
  ["a number", "7", { jobId: 7, run: { id: 7, attempt: null }, names: ["7"] }],
  [
    "a job's page",
    "https://github.com/a/b/actions/runs/1/job/7?pr=2#step:3:1",
    { jobId: 7, run: { id: 1, attempt: null } },
  ],
  ["a job of an attempt", "https://github.com/a/b/actions/runs/1/attempts/2/job/7", { jobId: 7 }],
  ["a job in the API", "https://api.github.com/repos/a/b/actions/jobs/7", { jobId: 7, run: null }],
  ["a run's page", "https://github.com/a/b/actions/runs/1", { run: { id: 1, attempt: null } }],
  [
    "a run's page with a question",
    "https://ghes.acme.com/a/b/actions/runs/1?check_suite_focus=true",
    { run: { id: 1, attempt: null } },
  ],
  ["an attempt's page", "https://github.com/a/b/actions/runs/1/attempts/2", { run: { id: 1, attempt: 2 } }],
  ["a run in the API", "https://api.github.com/repos/a/b/actions/runs/1/jobs", { run: { id: 1, attempt: null } }],
  ["a repository called explain", "https://github.com/a/explain/actions/runs/1/job/7", { jobId: 7 }],
  ["our own page of a job", "http://127.0.0.1:8082/explain/7", { jobId: 7, names: ["7"] }],
  [
    "our own page of an address",
    "http://127.0.0.1:8082/explain/https%3A%2F%2Fgithub.com%2Fa%2Fb%2Factions%2Fruns%2F1%2Fjob%2F7",
    { jobId: 7, text: "https://github.com/a/b/actions/runs/1/job/7" },
  ],
  ["our own page of a machine", "http://127.0.0.1:8082/explain/m-00000001", { names: ["m-00000001"] }],
  [
    "a console's address",
    "https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#InstanceDetails:instanceId=i-0abc",
    { names: [expect.any(String), "i-0abc"] },
  ],
  ["a provider id of Kubernetes", "aws:///eu-west-1a/i-0abc", { names: ["aws:///eu-west-1a/i-0abc", "i-0abc"] }],
  ["an ARN", "arn:aws:ec2:eu-west-1:123:instance/i-0abc", { names: [expect.any(String), "i-0abc"] }],
  ["a pool, said to be one", " pool:linux ", { kind: "pool", text: "linux" }],
  ["a machine, said to be one", "machine:i-1", { kind: "machine", text: "i-1" }],
  ["a job, said to be one", "job:7", { kind: "job", jobId: 7 }],
  ["a number beyond all", "9".repeat(30), { jobId: null, run: null }],
  ["what cannot be decoded", "http://127.0.0.1/explain/%zz", { text: "%zz", names: ["%zz"] }],
])("%s", (_name, text, want) => {
  expect(readName(text)).toMatchObject(named(want));
});
