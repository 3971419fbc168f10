/** The guide for groups and the group in Terraform: what they name is there, what they calculate is right. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { REASONS } from "../../src/domain/reasons.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { makeFolder, readIn, soundConfig } from "../app/config/config-folder.ts";
import { ROOT } from "../house/temp-tree.ts";

const guide = readFileSync(join(ROOT, "docs/guide/asg.md"), "utf8");
const terraform = readFileSync(join(ROOT, "deploy/asg/group.tf"), "utf8");

describe("the guide", () => {
  it("begins with a pool that the program takes", async () => {
    const [, written = ""] = /```yaml\n([\s\S]*?)```/.exec(guide) ?? [];
    const config = { ...soundConfig(), ...parse(written) };
    config.pools[0].provider.identityCertificateFile = "cert.pem";
    const [pool] = (await readIn(makeFolder(), config)).pools;
    expect(pool?.provider).toMatchObject({ kind: "asg", group: "ci-runners", runnerUser: "runner" });
  });

  it("reckons as AWS does how long a group can be made to wait", () => {
    const rows = [...guide.matchAll(/^\| (\d+) s \| ([^|]+) \| (yes|no) \| ([^|]+) \|$/gm)];
    expect(rows.map(([, seconds]) => seconds)).toEqual(["30", "300", "1800", "7200"]);
    for (const [, seconds, limit = "", isEnough, outage = ""] of rows) {
      const heartbeatMs = Number(seconds) * SECOND_MS;
      const limitMs = Math.min(48 * HOUR_MS, 100 * heartbeatMs);
      expect([limit, durationOf(limit)]).toEqual([limit, limitMs]);
      expect(isEnough === "yes").toBe(limitMs >= 6 * HOUR_MS);
      // Held at each quarter: three are left at the worst moment. In whole seconds.
      expect(durationOf(outage)).toBe(Math.floor((0.75 * heartbeatMs) / SECOND_MS) * SECOND_MS);
    }
  });

  it("names no reason that there is not", () => {
    const tables = guide.slice(guide.indexOf("## When something is wrong"), guide.indexOf("## On the machine"));
    const codes = tables
      .split("\n")
      .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)]);
    expect(codes.length).toBeGreaterThan(5);
    for (const [, code = ""] of codes) expect([code, Object.hasOwn(REASONS, code)]).toEqual([code, true]);
  });
});

function durationOf(text: string): number {
  const units: Readonly<Record<string, number>> = { h: HOUR_MS, min: MINUTE_MS, s: SECOND_MS };
  const parts = [...text.matchAll(/(\d+) (h|min|s)/g)];
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? Number.NaN), 0);
}

describe("the group in Terraform", () => {
  const settings = new Map(
    [...terraform.matchAll(/^ +(\w+) += (\S+)/gm)].map(([, key = "", value = ""]) => [key, value]),
  );

  it.each([
    ["protect_from_scale_in", "true"],
    ["suspended_processes", '["AZRebalance"]'],
    ["capacity_rebalance", "false"],
    ["max_instance_lifetime", "0"],
    ["health_check_type", '"EC2"'],
    ["heartbeat_timeout", "7200"],
    ["default_result", '"ABANDON"'],
    ["lifecycle_transition", '"autoscaling:EC2_INSTANCE_TERMINATING"'],
    ["terminate_hook_abandon", '"retain"'],
    ["reuse_on_scale_in", "false"],
    ["http_tokens", '"required"'],
    ["http_put_response_hop_limit", "1"],
    ["ignore_changes", "[desired_capacity]"],
  ])("has %s = %s", (key, value) => {
    expect(settings.get(key)).toBe(value);
  });

  it("gives the machines no role, and closes what it opens", () => {
    expect(terraform).not.toMatch(/^\s*iam_instance_profile/m);
    expect(terraform.match(/\{/g)).toHaveLength(terraform.match(/\}/g)?.length ?? 0);
  });
});
