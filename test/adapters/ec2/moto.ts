/** The server of `moto`, a model of AWS that others keep (Python package `moto[server,ec2]`). Not ours, so not our word. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Endpoint } from "./contract.ts";

/** Where `npm run moto` puts it. */
const MOTO_DIRECTORY = join(tmpdir(), "holdfast-moto");
const PROGRAM = "moto_server";

/** The program, as `npm run moto` installed it or as the system has it; null where neither did. */
export function findMoto(): string | null {
  const named = process.env.HOLDFAST_MOTO_SERVER;
  const places = [
    ...(named === undefined ? [] : [named]),
    join(MOTO_DIRECTORY, "bin", PROGRAM),
    ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, PROGRAM)),
  ];
  return places.find((path) => existsSync(path)) ?? null;
}

/** On any free port of this computer's own, which it prints. */
export async function openMoto(program: string): Promise<Endpoint> {
  const server = spawn(program, ["-H", "127.0.0.1", "-p", "0"], { stdio: ["ignore", "pipe", "pipe"] });
  const url = await readAddress(server);
  return {
    url,
    close: async () => {
      const ended = once(server, "exit");
      server.kill("SIGTERM");
      await ended;
    },
  };
}

async function readAddress(server: ChildProcess): Promise<string> {
  let printed = "";
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk.toString("utf8");
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
      if (address !== undefined) resolve(address);
    };
    server.stdout?.on("data", read);
    server.stderr?.on("data", read);
    server.on("error", reject);
    server.on("exit", (code) => reject(new Error(`${PROGRAM} ended with ${code} before it listened: ${printed}`)));
  });
}
