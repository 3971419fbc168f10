import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/adapters/asg/list.ts",
  text: "Values: [settings.group] }]",
  replacement: 'Values: ["*"] }]',
  invariant: "I4",
  nets: [
    {
      source: "src/adapters/asg/list.ts",
      text: "return named !== undefined && named !== group;",
      replacement: "return false;",
    },
    {
      source: "src/adapters/asg/leave.ts",
      text: "if (member.group !== context.settings.group) return leaveToOthers(context, member);",
      replacement: "",
    },
    {
      source: "src/controllers/retire/judge-machines.ts",
      text: "isStrangers: !mayBeOurs && !isWaitedFor,",
      replacement: "isStrangers: false,",
    },
  ],
  why: "Members of every group in the account are listed as this one's: another installation's machines are taken up and ended.",
  world: { provider: "asg", faults: [], deadlines: { unknownMs: 20 * MINUTE_MS }, arrivals: { perHour: 20 } },
};
