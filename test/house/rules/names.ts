import { aboutFile, matching, type Rule } from "../rule.ts";
import { isCode, isIn } from "../source-file.ts";

const NAMED_BY_US = ["src", "bin", "test", "scripts", "bench", "web", "docs", "deploy"];
const KEBAB_CASE = /^\.?[a-z0-9]+(-[a-z0-9]+)*@?(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
const SAYS_NOTHING = /^(.*-)?(utils?|helpers?|managers?|services?|misc|common)$/;
const LAYERS = ["domain", "ports", "store", "adapters", "controllers", "http", "agent", "simulator", "app"];

/** Names that are given from outside. */
const GIVEN_NAMES: ReadonlySet<string> = new Set(["README.md", "Dockerfile", "Containerfile"]);
const GIVEN_BY_GITHUB = ["test/contracts/github"];

export const nameRules: readonly Rule[] = [
  {
    name: "names are kebab-case",
    where: (path) => isIn(path, NAMED_BY_US) && !isIn(path, GIVEN_BY_GITHUB),
    find: (file) => {
      const wrong = file.path.split("/").filter((name) => !KEBAB_CASE.test(name) && !GIVEN_NAMES.has(name));
      return wrong.length === 0 ? [] : aboutFile(`\`${wrong.join("/")}\``);
    },
    instead: "small letters, digits and hyphens, in files and folders alike: machine-row.test.ts",
    planted: [
      { path: "src/domain/machineState.ts", text: "" },
      { path: "src/Store/jobs.ts", text: "" },
      { path: "test/golden/__snapshots__/plan.snap", text: "" },
      { path: "docs/user_guide.md", text: "" },
    ],
    harmless: [
      { path: "src/domain/machine-state.ts", text: "" },
      { path: "src/store/migrations/0001-first.ts", text: "" },
      { path: "deploy/systemd/holdfast-agent@.service", text: "" },
      { path: "docs/README.md", text: "" },
      { path: "CHANGELOG.md", text: "" },
      { path: "test/contracts/github/workflow_job.json", text: "" },
    ],
  },
  {
    name: "names say what is inside",
    where: isCode,
    find: (file) => {
      const stems = file.path.split("/").map((name) => name.replace(/\..*$/, ""));
      const empty = stems.filter((stem) => SAYS_NOTHING.test(stem));
      return empty.length === 0 ? [] : aboutFile(`\`${empty.join("/")}\``);
    },
    instead: "name the file after the one thing it does (backoff.ts, parse-duration.ts)",
    planted: [
      { path: "src/domain/utils.ts", text: "" },
      { path: "test/helpers/clock.ts", text: "" },
      { path: "src/controllers/machine-manager.ts", text: "" },
      { path: "src/http/job-service.test.ts", text: "" },
    ],
    harmless: [
      { path: "src/adapters/kubernetes/service-account.ts", text: "" },
      { path: "deploy/systemd/holdfast.service", text: "" },
    ],
  },
  {
    name: "every module has a layer",
    where: (path) => isIn(path, ["src"]),
    find: (file) => {
      const layer = file.path.split("/")[1] ?? "";
      return LAYERS.includes(layer) ? [] : aboutFile(`\`${layer}\``);
    },
    instead: `put it under src/ in one of ${LAYERS.join(", ")}`,
    planted: [
      { path: "src/lib/backoff.ts", text: "" },
      { path: "src/index.ts", text: "" },
    ],
    harmless: [{ path: "src/agent/main.ts", text: "" }],
  },
  {
    name: "no default exports",
    where: (path) => isIn(path, ["src", "bin"]),
    find: matching("code", /\bexport\s+default\b|\bas\s+default\b/),
    instead: "export it by its name, so that it has the same one everywhere",
    planted: [
      { path: "src/domain/planted.ts", text: "export default function decide() {}" },
      { path: "src/store/planted.ts", text: 'export { open as default } from "./open.ts";' },
    ],
    harmless: [
      {
        path: "src/domain/near.ts",
        text: '// an export default would have no name\nimport { default as pino } from "x";',
      },
      { path: "vitest.config.ts", text: "export default {};" },
    ],
  },
];
