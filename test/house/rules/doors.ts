import { matching, type Rule } from "../rule.ts";
import { isIn } from "../source-file.ts";

function inProduct(path: string): boolean {
  return isIn(path, ["src", "bin"]);
}

/** What has one door only. */
export const doorRules: readonly Rule[] = [
  {
    name: "permits are issued by controllers",
    where: (path) => inProduct(path) && !isIn(path, ["src/domain/permit", "src/domain/index", "src/controllers"]),
    find: matching("code and strings", /\bissuePermit\b/),
    instead: "let the retire controller issue the permit at the call, and take a Permit as an argument here",
    planted: [
      { path: "src/adapters/ec2/planted.ts", text: 'import { issuePermit } from "../../domain/permit.ts";' },
      { path: "src/app/planted.ts", text: 'const issue = permit["issuePermit"];' },
      { path: "src/domain/lifecycle.ts", text: "return issuePermit(machine, proof, nowMs);" },
    ],
    harmless: [
      { path: "src/domain/permit.ts", text: "export function issuePermit() {}" },
      { path: "src/controllers/retire/end.ts", text: "const permit = issuePermit(machine, proof, clock.nowMs());" },
      {
        path: "src/ports/near.ts",
        text: "/** Takes what issuePermit made. */\nterminate(permit: Permit): Promise<void>;",
      },
      { path: "test/domain/permit.test.ts", text: "issuePermit(machine, proof, 0);" },
    ],
  },
  {
    name: "permits are not forged",
    where: (path) => inProduct(path) && !isIn(path, ["src/domain/permit"]),
    find: matching("code", /\bas\s+(unknown\s+as\s+)?\w*Permit\b|<\w*Permit>\s*[{(]/),
    instead: "issuePermit, from a controller, with a proof",
    planted: [
      { path: "src/controllers/retire/planted.ts", text: 'const permit = { machineId, proof: "parked" } as Permit;' },
      { path: "src/adapters/asg/planted.ts", text: "complete(machine as unknown as MachinePermit);" },
    ],
    harmless: [
      { path: "src/domain/permit.ts", text: "return body as Permit;" },
      { path: "src/controllers/near.ts", text: "const permits: readonly Permit[] = []; // good as Permit" },
      {
        path: "src/adapters/ec2/near.ts",
        text: 'import type { MachinePermit as Ending } from "../../domain/permit.ts";',
      },
    ],
  },
  {
    name: "the domain does not wait",
    where: (path) => isIn(path, ["src/domain"]),
    find: matching("code", /\b(async|await|Promise)\b/),
    instead: "return the decision as a value and let a controller do it",
    planted: [
      { path: "src/domain/planted.ts", text: "export async function decide() {}" },
      { path: "src/domain/planted.ts", text: "for await (const row of rows) count(row);" },
      { path: "src/domain/planted.ts", text: "export type Ending = () => Promise<void>;" },
    ],
    harmless: [
      {
        path: "src/domain/near.ts",
        text: '// A Promise would be an effect.\nconst say = "await"; const promised = 1;',
      },
      { path: "src/controllers/near.ts", text: "export async function retire(): Promise<void> {}" },
    ],
  },
];
