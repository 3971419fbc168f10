import type { Command } from "commander";
export function addReadingCommands(_program: Command, _done: (exitCode: number) => void): void {}
