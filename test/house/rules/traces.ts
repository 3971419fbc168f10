import { matching, type Rule } from "../rule.ts";

/** Written so that this file does not hold the paths that it forbids. */
const machinePath = (...names: readonly string[]) => ["", ...names].join("/");

/** What a developer's machine leaves in a file by accident. */
export const traceRules: readonly Rule[] = [
  {
    name: "no paths of a machine",
    where: () => true,
    // The runner's own home in GitHub's images is not anybody's machine.
    find: matching("whole", /(?<![\w.~)}-])\/(work|root|home(?!\/runner\b))\/[\w.-]*/),
    instead: "a path relative to the repository, os.tmpdir(), or an example such as /opt/runner",
    planted: [
      { path: "docs/planted.md", text: `See \`${machinePath("work", "main", "README.md")}\`.` },
      { path: "src/agent/planted.ts", text: `const folder = "${machinePath("root", "runner")}";` },
      { path: "test/golden/planted.json", text: `{ "path": "${machinePath("home", "alice", "x")}" }` },
      { path: ".ci/planted", text: `cd ${machinePath("work", "main")}` },
    ],
    harmless: [
      { path: "docs/near.md", text: "https://example.com/work/flows and ./root/x and at home/work" },
      { path: "test/near.test.ts", text: `const folder = "${machinePath("home", "runner", "_work", "1")}";` },
      { path: "src/agent/near.ts", text: 'const path = base + "/work" + "/a";' },
    ],
  },
];
