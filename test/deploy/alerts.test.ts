/** The alert rules and the board, compared with the catalogue of metrics; and the rules tried by Prometheus' own tool. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { COUNTERS, GAUGES, HISTOGRAMS } from "../../src/ports/telemetry.ts";
import { ROOT } from "../house/temp-tree.ts";
import { promtool, RULES, whyNoPromtool } from "./promtool.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly command: string };
}

const LABELS: ReadonlyMap<string, readonly string[]> = new Map(
  [
    ...Object.entries({ ...COUNTERS, ...GAUGES }),
    ...Object.entries(HISTOGRAMS).flatMap(([name, metric]) => [
      [`${name}_sum`, metric] as const,
      [`${name}_count`, metric] as const,
      [`${name}_bucket`, { labels: [...metric.labels, "le"] }] as const,
    ]),
  ].map(([name, { labels }]) => [name, labels]),
);

const groups: readonly { readonly rules: readonly Rule[] }[] = parse(readFileSync(RULES, "utf8")).groups;
const rules = groups.flatMap((group) => group.rules);

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
const board = JSON.parse(readFileSync(join(ROOT, "deploy/grafana/holdfast.json"), "utf8"));
const panels: readonly Panel[] = board.panels;
const targets = panels.flatMap(({ title, targets: of = [] }) => of.map((target) => ({ title, ...target })));

const words = (list: string) => list.split(",").map((word) => word.trim());

/** What an expression names that no metric of ours has. */
function findUnknown(expr: string): readonly string[] {
  const used = [...expr.matchAll(/\b(holdfast_\w+)(?:\{([^}]*)\})?/g)];
  const known = new Set(used.flatMap(([, name = ""]) => LABELS.get(name) ?? []));
  const ofSelectors = used.flatMap(([, name = "", selector]) => {
    if (!LABELS.has(name)) return [name];
    const labels = selector === undefined ? [] : words(selector).map((one) => one.split(/[=!]/)[0] ?? "");
    return labels.filter((label) => !LABELS.get(name)?.includes(label)).map((label) => `${name}{${label}}`);
  });
  const grouped = [...expr.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    words(list),
  );
  return [...ofSelectors, ...grouped.filter((label) => label !== "" && !known.has(label))];
}

/** The labels that the outermost aggregation leaves. */
function labelsLeft(expr: string): readonly string[] {
  return [...expr.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, list = ""]) => words(list));
}

describe("what an expression names is found", () => {
  it.each([
    ["holdfast_nothing > 0", ["holdfast_nothing"]],
    ['holdfast_machines{color="red"}', ["holdfast_machines{color}"]],
    ["sum by (color) (holdfast_machines)", ["color"]],
    ["rate(holdfast_pass_seconds[5m])", ["holdfast_pass_seconds"]],
    ["sum by (le, controller) (rate(holdfast_pass_seconds_bucket[5m]))", []],
  ])("%s", (expr, unknown) => {
    expect(findUnknown(expr)).toEqual(unknown);
  });
});

describe("the alert rules", () => {
  it.each(rules.map((rule) => [rule.alert, rule] as const))("%s names metrics and labels that there are", (_, rule) => {
    expect(rule.expr).toContain("holdfast_");
    expect(findUnknown(rule.expr)).toEqual([]);
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    "%s says how urgent it is, what is so, and what to run",
    (_, rule) => {
      expect(["page", "warning"]).toContain(rule.labels.severity);
      expect(rule.annotations.summary).toMatch(/^.{20,}[.]$/);
      expect(rule.annotations.command).toMatch(/^holdfast [a-z]+/);
      const shown = [rule.annotations.summary, rule.annotations.command].join(" ");
      for (const [, label = ""] of shown.matchAll(/\$labels\.(\w+)/g)) expect(labelsLeft(rule.expr)).toContain(label);
    },
  );

  it("are told apart by their names, and each is in the guide", () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    const guide = readFileSync(join(ROOT, "docs/guide/monitoring.md"), "utf8");
    expect(names.filter((name) => !guide.includes(`### ${name}\n`))).toEqual([]);
    const told = [...guide.matchAll(/^### (Holdfast\w+)$/gm)].map(([, name = ""]) => name);
    expect(told.filter((name) => !names.includes(name))).toEqual([]);
  });

  it("fire in a test each", () => {
    const tests = readFileSync(join(ROOT, "deploy/prometheus/alerts.test.yaml"), "utf8");
    const { tests: cases } = parse(tests);
    const fired = JSON.stringify(cases);
    for (const { alert } of rules) expect(fired).toContain(`alertname=\\"${alert}\\",alertstate=\\"firing\\"`);
  });
});

describe("the board", () => {
  it("has its four rows, and panels that say what they show", () => {
    expect(panels.filter(({ type }) => type === "row").map(({ title }) => title)).toEqual([
      "Now",
      "Safety",
      "GitHub",
      "Controllers",
    ]);
    for (const { type, description = "" } of panels)
      if (type !== "row") expect(description).toMatch(/^[A-Z0-9a-z].*[.]$/);
    expect(targets.length).toBeGreaterThan(30);
  });

  it.each(targets.map((target) => [`${target.title}: ${target.expr}`, target] as const))("%s", (_, target) => {
    expect(findUnknown(target.expr)).toEqual([]);
    for (const [, label = ""] of target.legendFormat.matchAll(/\{\{(\w+)\}\}/g))
      expect(labelsLeft(target.expr)).toContain(label);
  });
});

const missing = whyNoPromtool();

// Skipped: where promtool is not installed; the name of the suite says so.
describe.skipIf(missing !== null)(`promtool${missing === null ? "" : ` (${missing})`}`, () => {
  it("finds no mistake in the rules", () => {
    expect(promtool("check", "rules", RULES)).toContain(`${rules.length} rules found`);
  });

  it("sees each rule fire by its condition, and none in a healthy series", { timeout: 240_000 }, () => {
    expect(promtool("test", "rules", join(ROOT, "deploy/prometheus/alerts.test.yaml"))).toContain("SUCCESS");
  });
});
