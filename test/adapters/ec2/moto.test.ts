import { it } from "vitest";
import { describeEc2Adapter } from "./contract.ts";
import { findMoto, openMoto } from "./moto.ts";

const program = findMoto();

if (program === null) {
  // moto is a Python package, and a checkout has no Python packages: `npm run moto` installs it beside.
  const why = "moto is not installed here: `npm run moto` installs it, and this suite then runs";
  it(why, ({ skip }) => skip(why));
} else {
  // moto keeps no tokens, leaves the volumes of fleets without tags, and takes some dry runs for the real thing.
  const abilities = { keepsTokens: false, marksVolumesOfFleets: false, hasDryRuns: false };
  describeEc2Adapter("moto", () => openMoto(program), abilities);
}
