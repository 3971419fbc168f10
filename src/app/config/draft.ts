/**
 * The configuration read with tolerance: whatever is of the wrong kind counts as absent. The checks across keys and the
 * reading of secrets work on this, so that they find their problems also in a file that has others.
 */
import * as z from "zod";

const text = () => z.string().optional().catch(undefined);
const number = () => z.number().optional().catch(undefined);

/** A list with `undefined` for what is not an entry, so that places stay what they are. */
function listOf<Item extends z.ZodType>(item: Item) {
  return z.array(item).optional().catch(undefined);
}

function blockOf<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape).optional().catch(undefined);
}

const DraftPool = blockOf({
  name: text(),
  github: text(),
  scope: blockOf({ organization: text(), repositories: listOf(text()), enterprise: text() }),
  runnerGroup: text(),
  accept: blockOf({ repositories: listOf(text()) }),
  labels: listOf(text()),
  requiredLabels: listOf(text()),
  machines: blockOf({ max: number() }),
  warm: blockOf({ parked: number(), registered: number(), stopped: number() }),
  tickets: blockOf({ ready: number() }),
  rerun: blockOf({ lostJobs: z.boolean().optional().catch(undefined), exceptLabel: text() }),
  runner: blockOf({ directory: text(), user: text(), download: z.unknown().optional() }),
  provider: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

const DraftConnection = blockOf({
  app: blockOf({ privateKeyFile: text(), privateKey: z.unknown().optional() }),
  token: z
    .union([z.object({ file: text() }), z.literal("inline")])
    .optional()
    .catch("inline"),
  webhookSecretFiles: listOf(text()),
  demand: text(),
  caFile: text(),
  proxy: blockOf({ url: text() }),
});

const DraftOperator = blockOf({
  name: text(),
  role: text(),
  tokenFile: text(),
  token: z.unknown().optional(),
  anonymous: z.boolean().optional().catch(undefined),
});

const DraftSchema = z.object({
  listen: z
    .union([z.string(), z.object({ operators: text(), tls: blockOf({ certificateFile: text(), keyFile: text() }) })])
    .optional()
    .catch(undefined),
  urls: z.unknown().optional(),
  tokenKeyFile: text(),
  tokenKey: z.unknown().optional(),
  github: z.record(z.string(), DraftConnection).optional().catch(undefined),
  telemetry: blockOf({
    traces: blockOf({ endpoint: text(), ratio: number(), headersFile: text(), caFile: text() }),
  }),
  operators: listOf(DraftOperator),
  pools: listOf(DraftPool),
});

export type Draft = z.output<typeof DraftSchema>;
export type DraftPool = NonNullable<z.output<typeof DraftPool>>;
export type DraftConnection = NonNullable<z.output<typeof DraftConnection>>;

export function readDraft(raw: unknown): Draft {
  const isBlock = typeof raw === "object" && raw !== null && !Array.isArray(raw);
  return DraftSchema.parse(isBlock ? raw : {});
}
