/**
 * Half an agent for tests: the hand of the fence, held still between its two calls.
 *
 *     node fence-holder.ts <machine's folder> <volatile folder> <ticket> <listener's pid> <its start time>
 *
 * Closes the fence and says so in one JSON line; a line on its input, `kill` or `resume`, opens it.
 */
import { once } from "node:events";
import { FenceHand } from "../../src/agent/fence.ts";
import { Lookout } from "../../src/agent/lookout.ts";
import { makePlaces } from "../../src/agent/places.ts";
import { system } from "../../src/agent/system.ts";
import { whyNotClean } from "../../src/domain/host/clean-look.ts";
import { parseTicketId } from "../../src/domain/ids.ts";

const [directory = "", volatileDirectory = "", ticket = "", pid = "", startTime = "", mark = ""] =
  process.argv.slice(2);
const places = makePlaces({ directory, volatileDirectory });
const lookout = new Lookout(places, mark);
const log = { path: "", write: () => {} };
const hand = new FenceHand({ places, log, system, look: lookout.lookBehindFence.bind(lookout) });
const listener = { pid: Number(pid), startTime };

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

const closing = await hand.close(parseTicketId(ticket), listener);
if (closing.kind === "closed") say({ kind: "closed", name: closing.name, why: whyNotClean(closing.look) });
else say(closing);
const [line] = (await once(process.stdin, "data")) as [Buffer];
say({ kind: "opened", outcome: hand.open(String(line).trim() === "kill" ? "kill" : "resume") });
process.exit(0);
