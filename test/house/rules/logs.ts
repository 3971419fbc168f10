import type { Hit, Rule } from "../rule.ts";
import { isIn, type SourceFile } from "../source-file.ts";
import { show } from "../views.ts";

/** A whole line for the log, as far as the semicolon that ends it. */
const LOG_LINE = /\btelemetry\.(?:info|warn|error)\([^;]*;/g;
const SUBJECT = /\b(machine|ticket|job|launch|runner|delivery)(?::|\b\s*[,}])/;
const PLACE = /\b(pool|connection)\b/;

function findHomeless(file: SourceFile): readonly Hit[] {
  const text = show(file, "code");
  return [...text.matchAll(LOG_LINE)].flatMap((match) => {
    const subject = SUBJECT.exec(match[0].slice(match[0].indexOf("{")))?.[1];
    if (subject === undefined || PLACE.test(match[0])) return [];
    return [{ line: text.slice(0, match.index).split("\n").length, what: `a log line names a ${subject} alone` }];
  });
}

/** Whoever searches the log begins with what they have: often the pool, or the connection. */
export const logRules: readonly Rule[] = [
  {
    name: "a log line says where its subject is",
    where: (path) => isIn(path, ["src/controllers"]),
    find: findHomeless,
    instead: "add `pool` to the fields, or `connection` for what no pool has yet",
    planted: [
      { path: "src/controllers/planted.ts", text: 'telemetry.warn("a machine is kept", { machine: machine.id });' },
      {
        path: "src/controllers/planted.ts",
        text: 'context.telemetry.error("no ticket", error, {\n  ticket: ticket.id,\n  code,\n});',
      },
      { path: "src/controllers/planted.ts", text: 'telemetry.info("told", { delivery, count });' },
    ],
    harmless: [
      {
        path: "src/controllers/near.ts",
        text: 'telemetry.warn("a machine is kept", {\n  pool: pool.name,\n  machine: id,\n});',
      },
      { path: "src/controllers/near.ts", text: 'telemetry.warn("a look failed", { connection, job: id });' },
      { path: "src/controllers/near.ts", text: 'telemetry.warn("many wait", { count });' },
      { path: "src/http/near.ts", text: 'telemetry.warn("a stranger", { machine: claimed });' },
    ],
  },
];
