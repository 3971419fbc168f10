import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openStaging } from "../../../src/app/init/staging.ts";
import { emptyFolder, writeIn } from "./init-means.ts";

const NAMES = ["one", "two"];

function stageBoth(folder: string, isForced = false) {
  const staging = openStaging(folder, NAMES, isForced);
  for (const name of NAMES) staging.write(name, `new ${name}`);
  return staging;
}

const textsIn = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));

describe("files that are put in place together", () => {
  it("are readable by their owner alone", () => {
    const folder = join(emptyFolder(), "new", "deep");
    const staging = stageBoth(folder);
    staging.place(NAMES);
    staging.discard();
    expect(textsIn(folder)).toEqual({ one: "new one", two: "new two" });
    for (const name of NAMES) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it("are nowhere when the setup is given up, nor is a folder that was made for them", () => {
    const parent = emptyFolder();
    const staging = stageBoth(join(parent, "new", "deep"));
    staging.discard();
    expect(readdirSync(parent)).toEqual([]);
  });

  it("leave a folder alone that was there before", () => {
    const folder = emptyFolder();
    stageBoth(folder).discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("are all taken back when one cannot be placed", () => {
    const folder = emptyFolder();
    writeIn(folder, "one", "old one");
    const staging = stageBoth(folder, true);
    expect(() => staging.place([...NAMES, "never-staged"])).toThrow(/never-staged/);
    staging.discard();
    expect(textsIn(folder)).toEqual({ one: "old one" });
  });
});

describe("a file that is there already", () => {
  it("is not replaced, and is named", () => {
    const folder = emptyFolder();
    writeIn(folder, "two", "old two");
    expect(() => openStaging(folder, NAMES, false)).toThrow(
      expect.objectContaining({ code: "init-exists", wrong: expect.stringContaining(join(folder, "two")) }),
    );
    expect(textsIn(folder)).toEqual({ two: "old two" });
  });

  it("is not replaced if it came while the setup ran", () => {
    const folder = emptyFolder();
    const staging = stageBoth(folder);
    writeIn(folder, "two", "old two");
    expect(() => staging.place(NAMES)).toThrow(expect.objectContaining({ code: "init-exists" }));
    staging.discard();
    expect(textsIn(folder)).toEqual({ two: "old two" });
  });

  it("counts also as a link that leads nowhere", () => {
    const folder = emptyFolder();
    symlinkSync(join(folder, "nowhere"), join(folder, "one"));
    expect(() => openStaging(folder, NAMES, false)).toThrow(expect.objectContaining({ code: "init-exists" }));
  });

  it("is replaced by force, and a link by a file: nothing is written where it leads", () => {
    const folder = emptyFolder();
    const elsewhere = writeIn(emptyFolder(), "elsewhere", "untouched");
    symlinkSync(elsewhere, join(folder, "one"));
    const staging = stageBoth(folder, true);
    staging.place(NAMES);
    staging.discard();
    expect(lstatSync(join(folder, "one")).isFile()).toBe(true);
    expect(readFileSync(elsewhere, "utf8")).toBe("untouched");
  });

  it("is never a folder that is replaced, not even by force", () => {
    const folder = emptyFolder();
    mkdirSync(join(folder, "one"));
    writeIn(join(folder, "one"), "kept", "kept");
    expect(() => openStaging(folder, NAMES, true)).toThrow(expect.objectContaining({ code: "init-exists" }));
    expect(existsSync(join(folder, "one", "kept"))).toBe(true);
  });
});

describe("a setup that was cut off", () => {
  it("keeps a second one out until somebody looks, or forces it", () => {
    const folder = emptyFolder();
    stageBoth(folder);
    expect(() => openStaging(folder, NAMES, false)).toThrow(
      expect.objectContaining({ code: "init-exists", wrong: expect.stringContaining(".holdfast-init") }),
    );
    const staging = stageBoth(folder, true);
    staging.place(NAMES);
    staging.discard();
    expect(readdirSync(folder).toSorted()).toEqual(NAMES);
  });
});
