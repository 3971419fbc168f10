// A full disk is played by failing writes: making a real one takes a mount.
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import * as writing from "../../../src/adapters/process/write-whole.ts";
import { AGENTS, Yard } from "./yard.ts";

let yard: Yard;
let fails: { readonly file: string; readonly code: string } | null = null;

vi.mock(import("../../../src/adapters/process/write-whole.ts"), async (importOriginal) => {
  const original = await importOriginal();
  return { ...original, writeWhole: vi.fn(original.writeWhole) };
});

beforeEach(async () => {
  yard = new Yard();
  const original = await vi.importActual<typeof writing>("../../../src/adapters/process/write-whole.ts");
  vi.mocked(writing.writeWhole).mockImplementation(async (path, text) => {
    if (fails !== null && basename(path) === fails.file)
      throw Object.assign(new Error(`${fails.code}: played`), { code: fails.code });
    await original.writeWhole(path, text);
  });
});
afterEach(async () => {
  fails = null;
  await yard.close();
});

it.each(["identity", "agent.json", "machine.json"])(
  "full at %s: no room, and the half-made folders go",
  async (file) => {
    const [one, other] = [yard.newMachine(), yard.newMachine()];
    const provider = yard.provider(AGENTS.idle);
    fails = { file, code: "ENOSPC" };
    await expect(provider.launch(yard.request(one, other))).rejects.toMatchObject({ code: "provider-capacity" });
    expect([existsSync(yard.folder(one)), existsSync(yard.folder(other))]).toEqual([false, false]);
    expect(await provider.list("all")).toEqual([]);
    expect(await yard.livingPids()).toEqual([]);
  },
);

it("full in a repetition, when an earlier call may have started something: unknown", async () => {
  const [one, other] = [yard.newMachine(), yard.newMachine()];
  const provider = yard.provider(AGENTS.idle);
  await provider.launch(yard.request(one));
  fails = { file: "identity", code: "ENOSPC" };
  await expect(provider.launch(yard.request(one, other))).rejects.toMatchObject({ code: "provider-unavailable" });
  fails = null;
  expect(await provider.launch(yard.request(one, other))).toHaveLength(2);
  await yard.waitForState(provider, other, "running");
});

it("any other fault of the disk: unknown, and the repetition completes it", async () => {
  const machineId = yard.newMachine();
  const provider = yard.provider(AGENTS.idle);
  fails = { file: "agent.json", code: "EIO" };
  await expect(provider.launch(yard.request(machineId))).rejects.toMatchObject({ code: "provider-unavailable" });
  fails = null;
  await provider.launch(yard.request(machineId));
  await yard.waitForState(provider, machineId, "running");
});
