import { expect, it } from "vitest";
import type { Change } from "../../../src/simulator/mutants/mutant.ts";
import { plant } from "../../../src/simulator/mutants/plant.ts";

const SOURCE = "if (isBusy) return;\nif (isHeld) return;\nend();\n";

const change = (text: string, replacement: string): Change => ({ source: "src/domain/a.ts", text, replacement });

it("replaces each text, whatever signs are in it", () => {
  const changes = [change("if (isBusy) return;\n", ""), change("end();", "end('$&', `$1`);")];
  expect(plant("src/domain/a.ts", SOURCE, changes)).toBe("if (isHeld) return;\nend('$&', `$1`);\n");
});

it.each([
  ["missing", [change("if (isIdle)", "")], /src\/domain\/a\.ts has the text of a mutant 0 times: "if \(isIdle\)"/],
  ["there twice", [change("return;", "")], /2 times/],
  ["empty", [change("", "x")], /of a mutant/],
  ["made by another change", [change("end();", "stop();"), change("stop();", "")], /0 times/],
  ["across another change", [change("if (isHeld) return;\nend", "end"), change("isHeld", "true")], /across another/],
] as const)("refuses a text that is %s, and says what to do", (_what, changes, message) => {
  expect(() => plant("src/domain/a.ts", SOURCE, changes)).toThrow(message);
  expect(() => plant("src/domain/a.ts", SOURCE, changes)).toThrow("Bring the mutant's text up to date");
});
