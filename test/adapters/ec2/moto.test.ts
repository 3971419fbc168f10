import { it } from "vitest";
import { describeEc2Adapter } from "./contract.ts";
import { findMoto, openMoto } from "./moto.ts";

const program = findMoto();

// Skipped: moto is a Python package, and a checkout has no Python packages; `npm run moto` installs it beside.
it.skipIf(program !== null)(
  "moto is not installed here: `npm run moto` installs it, and this suite then runs",
  ({ skip }) => skip("moto is not installed here: `npm run moto` installs it, and this suite then runs"),
);

if (program !== null) {
  // moto keeps no tokens, leaves the volumes of fleets without tags, and takes some dry runs for the real thing.
  const abilities = { keepsTokens: false, marksVolumesOfFleets: false, hasDryRuns: false };
  describeEc2Adapter("moto", () => openMoto(program), abilities);
}
