import { describe, expect, it } from "vitest";
import { referencePages } from "../../scripts/write-reference.ts";
import { createProgram } from "../../src/app/cli.ts";
import { leavesOf, textAfter } from "../../src/app/commands-reference.ts";
import { ERRORS } from "../../src/domain/errors.ts";
import { REASONS } from "../../src/domain/reasons.ts";
import { checkReferencePage } from "./reference-page.ts";

const page = { path: "docs/reference/errors.md", text: "# Errors\n\n## throttled\n\nToo many calls.\n" };

describe("a reference page", () => {
  it("is accepted as it was written", () => {
    expect(checkReferencePage(page, [page])).toBeNull();
  });

  it("must be there, and the sentence says how to write it", () => {
    expect(checkReferencePage(page, [])).toMatch(/errors\.md is not there.*npm run reference/);
  });

  it("must have every code", () => {
    expect(checkReferencePage(page, [{ path: page.path, text: "# Errors\n" }])).toContain("lacks throttled");
  });

  it("must have no dead code", () => {
    const text = `${page.text}\n## joke-code\n\nGone.\n`;
    expect(checkReferencePage(page, [{ path: page.path, text }])).toContain("still lists joke-code");
  });

  it("must have the sentences of today", () => {
    const text = page.text.replace("Too many", "Many");
    expect(checkReferencePage(page, [{ path: page.path, text }])).toContain("differs in its text");
  });
});

describe("the rendering", () => {
  it("docs/reference/commands.md has every command with its flags, its arguments and an example", () => {
    const text = referencePages().find(({ path }) => path === "docs/reference/commands.md")?.text ?? "";
    const leaves = leavesOf(
      createProgram(() => undefined),
      ["holdfast"],
    );
    expect(leaves.length).toBeGreaterThan(20);
    for (const { path, command } of leaves) {
      const name = path.join(" ");
      const section = text.split(`## ${name}\n`)[1]?.split("\n## ")[0] ?? "";
      for (const { long, hidden } of command.options) if (!hidden) expect(section, name).toContain(`${long}`);
      for (const argument of command.registeredArguments)
        expect(section, name).toContain(argument.name().replaceAll("|", "\\|"));
      expect(section, name).toMatch(/\nExit codes: 0, 1, 2/);
      const example = name.replace(" list", "");
      expect(textAfter(command), `an example by addHelpText("after", …) of ${name}`).toContain(`${example}`);
    }
  });

  it.each([
    ["docs/reference/errors.md", ERRORS],
    ["docs/reference/reasons.md", REASONS],
  ] as const)("%s has a heading and the sentence of every code", (path, catalogue) => {
    const text = referencePages().find((rendered) => rendered.path === path)?.text ?? "";
    for (const [code, entry] of Object.entries(catalogue)) {
      expect(text).toContain(`## ${code}\n\n${entry.sentence}\n`);
    }
  });
});
