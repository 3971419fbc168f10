// The guide from symptom to cause leaves no reason out that a person may meet, and names none that is not there.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { REASONS } from "../../src/domain/reasons.ts";
import { ROOT } from "./temp-tree.ts";

/** Said by the code that asks for a permit, and shown to nobody: each is a fault of ours if it is met. */
const NEVER_MET = ["not-retiring", "not-dead", "no-reason-given", "registration-not-over"];

const page = readFileSync(join(ROOT, "docs/guide/troubleshooting.md"), "utf8");
const tables = page.slice(page.indexOf("## Every code"), page.indexOf("## A job was lost"));
const listed = new Set(
  tables
    .split("\n")
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, code]) => code)),
);

it.each(Object.keys(REASONS).filter((code) => !NEVER_MET.includes(code)))("%s has its place", (code) => {
  expect(listed).toContain(code);
});

it("every code of the page is one", () => {
  expect([...listed].filter((code) => !Object.hasOwn(REASONS, code ?? ""))).toEqual([]);
});

it.each(["no-pool", "at-max", "provider-quota", "github-unavailable", "frozen"] as const)(
  "what %s prints is what the catalogue says",
  (code) => {
    expect(page).toContain(`Because: ${REASONS[code].sentence} (${code})`);
  },
);
