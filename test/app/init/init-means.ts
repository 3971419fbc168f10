/** What `holdfast init` is handed in a test: a person who answers, a browser that goes where it is sent, a held clock. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { systemRandom } from "../../../src/adapters/system/random.ts";
import type { InitMeans } from "../../../src/app/commands/init.ts";
import type { Fetch } from "../../../src/app/init/conversion.ts";
import type { Prompts } from "../../../src/app/init/prompts.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Clock } from "../../../src/ports/clock.ts";

export interface HeldClock extends Clock {
  /** Lets everything that waits for minutes be over. */
  release(): void;
}

/** Minutes pass when they are released, seconds at once; what is shorter is the machine's own time. */
export function heldClock(): HeldClock {
  const real = systemClock();
  const released = Promise.withResolvers<void>();
  return {
    ...real,
    release: released.resolve,
    sleep: async (durationMs, signal) => {
      if (durationMs < SECOND_MS) return await real.sleep(durationMs, signal);
      if (durationMs < MINUTE_MS || signal?.aborted === true) return;
      const aborted = new Promise<void>((resolve) =>
        signal?.addEventListener("abort", () => resolve(), { once: true }),
      );
      await Promise.race([released.promise, aborted]);
    },
  };
}

function refuseToFetch(): Fetch {
  return async (url) => {
    throw new Error(`nothing is to be fetched here: ${url}`);
  };
}

export function testMeans(given: Partial<InitMeans> = {}): InitMeans {
  return {
    prompts: null,
    createFetch: refuseToFetch,
    clock: heldClock(),
    random: systemRandom(),
    computer: { platform: "linux", architecture: "x64" },
    openBrowser: () => {},
    stop: new AbortController().signal,
    ...given,
  };
}

export interface Person extends Prompts {
  /** The questions, in the order in which they came. */
  readonly asked: readonly string[];
  readonly told: readonly string[];
}

/** Answers each question by the first entry whose key is in it; takes what is offered where none is. */
export function person(answers: Readonly<Record<string, string>>): Person {
  const asked: string[] = [];
  const told: string[] = [];
  const answerTo = (asks: string) => {
    asked.push(asks);
    return Object.entries(answers).find(([part]) => asks.includes(part))?.[1];
  };
  return {
    asked,
    told,
    begin: () => {},
    say: (sentence) => told.push(sentence),
    text: async ({ asks, fallback, findProblem }) => {
      const answer = answerTo(asks) ?? fallback;
      const problem = findProblem(answer);
      if (problem !== null) throw new Error(`${asks} ${answer}: ${problem}`);
      return answer;
    },
    choose: async (asks, choices) => {
      const answer = answerTo(asks);
      const chosen = choices.find(({ value }) => value === answer) ?? choices[0];
      if (chosen === undefined) throw new Error(`${asks}: nothing to choose from`);
      return chosen.value;
    },
    confirm: async (asks) => answerTo(asks) !== "no",
  };
}

/** A new folder that goes when the test is over. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-init-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeIn(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** What a browser does with the page that posts the manifest by itself. @returns the page that it ends on. */
export async function browse(address: string): Promise<Response> {
  return await fetch((await pressButton(address)).back);
}

/** As far as GitHub's redirect, which is not followed. */
export async function pressButton(address: string): Promise<{ readonly back: URL; readonly code: string }> {
  const page = await (await fetch(address)).text();
  const body = new URLSearchParams({ manifest: attributeOf(page, "value") });
  const answer = await fetch(attributeOf(page, "action"), { method: "POST", body, redirect: "manual" });
  const back = new URL(answer.headers.get("location") ?? "");
  return { back, code: back.searchParams.get("code") ?? "" };
}

export function attributeOf(page: string, name: string): string {
  const value = new RegExp(` ${name}="([^"]*)"`).exec(page)?.[1];
  if (value === undefined) throw new Error(`no ${name} in ${page}`);
  return value.replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}
