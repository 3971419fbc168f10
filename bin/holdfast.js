#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
const { main } = await import("../src/app/cli.ts");
process.exitCode = await main(process.argv.slice(2));
