import type { Rule } from "../rule.ts";
import { doorRules } from "./doors.ts";
import { effectRules } from "./effects.ts";
import { leftoverRules } from "./leftovers.ts";
import { lockfileRules } from "./lockfile.ts";
import { logRules } from "./logs.ts";
import { nameRules } from "./names.ts";
import { sizeRules } from "./sizes.ts";
import { traceRules } from "./traces.ts";

export const allRules: readonly Rule[] = [
  ...doorRules,
  ...effectRules,
  ...leftoverRules,
  ...lockfileRules,
  ...logRules,
  ...nameRules,
  ...sizeRules,
  ...traceRules,
];
