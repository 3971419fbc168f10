import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createProgram } from "../../../src/app/cli.ts";
import { completeWords, joinBroken, visibleCommands } from "../../../src/app/completion/complete.ts";
import { answerShell } from "../../../src/app/completion/flags.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import { listen } from "../../../src/http/server.ts";
import { openSampleStore, sampleSources } from "../../http/sample-fleet.ts";
import { clockAt, recordTelemetry, recordWakes } from "../../http/stand-ins.ts";

const program = createProgram(() => undefined);

interface Named {
  readonly path: readonly string[];
  readonly command: Command;
}

function allCommands(command: Command, path: readonly string[] = []): readonly Named[] {
  const inner = visibleCommands(command).flatMap((one) => allCommands(one, [...path, one.name()]));
  return [{ path, command }, ...inner];
}

const COMMANDS = allCommands(program).map((one) => [one.path.join(" "), one] as const);
const words = (...given: readonly string[]) => completeWords(program, given).suggestions.map(({ word }) => word);

describe("from the tree of commands", () => {
  it.each(COMMANDS)("every command and flag of `holdfast %s`", (_name, { path, command }) => {
    expect(words(...path, "")).toEqual(
      expect.arrayContaining(command.commands.filter((one) => !one.name().startsWith("_")).map((one) => one.name())),
    );
    const flags = command.options.filter(({ hidden }) => !hidden).map(({ long }) => long);
    expect(words(...path, "-")).toEqual(expect.arrayContaining(flags));
  });

  it("is not empty", () => {
    expect(COMMANDS.length).toBeGreaterThan(20);
    expect(words("")).not.toContain("__complete");
  });
});

describe("what may stand at the cursor", () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ["the beginning of a command", ["mach"], ["machines"]],
    ["a command inside another", ["deliveries", "re"], ["replay"]],
    ["the beginning of a flag", ["jobs", "--st"], ["--status"]],
    ["a choice", ["serve", "--log-level", "de"], ["debug"]],
    ["a choice in the same word", ["serve", "--log-level=de"], ["debug"]],
    ["a choice of an argument", ["completion", "z"], ["zsh"]],
    ["a word of a list", ["jobs", "--status", "que"], ["queued"]],
    ["the next word of a list", ["machines", "--state", "parked,eng"], ["parked,engaged"]],
    ["a flag after a flag with a value", ["jobs", "--limit", "5", "--poo"], ["--pool"]],
    ["a flag after an optional value that was left out", ["status", "--watch", "--js"], ["--json"]],
    ["nothing for a value that can be anything", ["drain", "m-1", "--reason", "-"], []],
    ["nothing after all arguments", ["drain", "m-1", ""], []],
    ["nothing for what is no command", ["nothing", "x"], []],
    ["no flags after --", ["jobs", "--", "--st"], []],
    ["no flag of a flag that there is not", ["jobs", "--nothing=x"], []],
    ["garbage", ["\u0000", "=", ":", "--=", "-"], ["--version", "--help"]],
  ])("%s", (_name, given, want) => {
    expect(words(...given)).toEqual(want);
  });

  it.each<[readonly string[], readonly string[], boolean]>([
    [["explain", ""], ["pool", "machine", "job"], false],
    [["drain", "m-"], ["pool", "machine"], false],
    [["hold", "m-"], ["machine"], false],
    [["logs", ""], ["machine", "job"], false],
    [["pools", ""], ["pool"], false],
    [["freeze", ""], ["pool"], false],
    [["jobs", "--pool", ""], ["pool"], false],
    [["jobs", "--pool="], ["pool"], false],
    [["serve", "--config", ""], [], true],
    [["serve", "-c", ""], [], true],
    [["simulate", "one.yaml", ""], [], true],
    [["status", ""], [], false],
  ])("%j: names of %j", (given, names, isFile) => {
    expect(completeWords(program, given)).toMatchObject({ names, isFile });
  });

  it("what bash broke at its word breaks is one word again", () => {
    expect(joinBroken(["explain", "--server", "http", ":", "//127.0.0.1", ":", "8082", "m-"])).toEqual([
      "explain",
      "--server",
      "http://127.0.0.1:8082",
      "m-",
    ]);
    expect(joinBroken(["jobs", "--pool", "=", "li"])).toEqual(["jobs", "--pool", "li"]);
    expect(joinBroken(["jobs", "--pool", "="])).toEqual(["jobs", "--pool", ""]);
    expect(joinBroken(["explain", "pool", ":", "gpu"])).toEqual(["explain", "pool:gpu"]);
    expect(joinBroken([])).toEqual([]);
  });
});

describe("names", () => {
  const open = { name: "everyone", role: "reader", token: null } as const;
  const closed = { ...open, token: "a-token-0123456789" };

  async function served(operator: typeof open | typeof closed, given: readonly string[]): Promise<readonly string[]> {
    const store = await openSampleStore();
    const options = { sources: sampleSources(store), telemetry: recordTelemetry(), wake: recordWakes() };
    const app = createOperatorApp({ operators: [operator], ...options });
    const listener = await listen(app, { host: "127.0.0.1", port: 0 }, "operators", clockAt(0));
    const lines = await answerShell(program, "zsh", given, { HOLDFAST_SERVER: `http://127.0.0.1:${listener.port}` });
    await listener.close();
    await store.close();
    return lines;
  }

  it("come from the server, with what they are", async () => {
    expect(await served(open, ["drain", "g"])).toEqual(["gpu\tpool"]);
    expect(await served(open, ["hold", "m-00000003"])).toEqual(["m-00000003\tparked in linux"]);
    expect(await served(open, ["jobs", "--pool=ma"])).toEqual(["--pool=mac\tpool, observe"]);
    // What a workflow is called comes onto somebody's command line: without what a terminal would obey.
    expect(await served(open, ["explain", "43"])).toEqual(["43\tqueued: <script>alert(1)</script>red"]);
  });

  it("are none, without a word, where nobody may look, nobody answers or nothing is configured", async () => {
    expect(await served(closed, ["drain", "g"])).toEqual([]);
    for (const server of ["http://127.0.0.1:1", "http://a b", ""])
      expect(await answerShell(program, "zsh", ["drain", "g"], { HOLDFAST_SERVER: server })).toEqual([]);
    expect(await answerShell(program, "zsh", ["drain", "--config", "/nowhere/x.yaml", "g"], {})).toEqual([]);
  });
});
