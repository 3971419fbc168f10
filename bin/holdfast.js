#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
const NODE_MAJOR_MIN = 24;
const major = Number(process.versions.node.split(".")[0]);
if (major < NODE_MAJOR_MIN) {
  process.stderr.write(
    `Holdfast needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      "  In a checkout, `npm ci` brings one: run `npx holdfast`, or put node_modules/.bin first in PATH.\n",
  );
  process.exit(2);
}
const { main } = await import("../src/app/cli.ts");
process.exitCode = await main(process.argv.slice(2));
