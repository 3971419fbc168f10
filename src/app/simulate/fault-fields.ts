/** The fields that faults have in a scenario file, each said once. */
import * as z from "zod";
import { SECOND_MS } from "../../domain/units.ts";
import type { FaultKind, FaultOf } from "../../simulator/scenario/fault.ts";
import { durationText, key } from "../config/key.ts";
import { rangeText, SPAN_MS_MAX, shareNumber } from "./fields.ts";

type FieldName<Field> = Field extends `${infer Name}Ms` ? Name : Field;

export interface FaultSchema<Kind extends FaultKind> {
  /** What happens, in one sentence. */
  readonly says: string;
  /** As it is written in YAML. */
  readonly example: string;
  readonly fields: {
    readonly [Field in Exclude<keyof FaultOf<Kind>, "kind"> as FieldName<Field>]-?: z.ZodType<FaultOf<Kind>[Field]>;
  };
}

/** What a share is of, and so what the key of it is called; `probability` is another word for each. */
export const SHARES = ["perJob", "perMachine", "perTicket"] as const;

function share(of: string, example: string) {
  return key(shareNumber(), { says: `The share of ${of} that it befalls: 0 to 1.`, example });
}

/** A fault of jobs: of a share of them, or of one by its name. */
export const JOB = {
  perJob: share("jobs", "perJob: 0.2"),
  job: key(z.string().min(1).optional(), { says: "Only the job of this name.", example: "job: build" }),
};
export const PER_JOB = { perJob: JOB.perJob };
export const PER_MACHINE = { perMachine: share("machines", "perMachine: 0.05") };
export const PER_TICKET = { perTicket: share("tickets", "perTicket: 0.02") };
export const PROBABILITY = {
  probability: key(shareNumber(), { says: "How likely on each occasion: 0 to 1.", example: "probability: 0.05" }),
};

export const EVERY = {
  every: key(durationText(SECOND_MS, SPAN_MS_MAX, "from 1s to 31d"), {
    says: "The mean time between two.",
    example: "every: 30m",
  }),
};

export function span(says: string, example: string) {
  return key(rangeText(), { says: `${says} A duration, or \`[from, to]\`.`, example });
}

export const lag = (says: string) => ({ lag: span(says, "lag: [25s, 180s]") });
export const after = (says: string) => ({ after: span(says, "after: [30s, 15m]") });
export const lasting = (says: string) => ({ for: span(says, "for: [1m, 5m]") });
export const delay = (says: string) => ({ delay: span(says, "delay: [1s, 10s]") });

export function instant(says: string, example: string) {
  return key(durationText(0, SPAN_MS_MAX, "from 0s to 31d"), { says, example });
}
