/**
 * The registry of ids. Each is a branded string or number, so that two kinds of id cannot be swapped; each has one door
 * through which raw input becomes an id (`parse…`), and everything past that door is trusted.
 */
declare const brand: unique symbol;
type Branded<Raw, Name extends string> = Raw & { readonly [brand]: Name };

/** The name under which this installation marks what is its own at providers and at GitHub. Never changes. */
export type ControllerId = Branded<string, "Controller">;
export type PoolName = Branded<string, "Pool">;
export type ConnectionName = Branded<string, "Connection">;
/** GitHub's `workflow_job.id`: numeric, new for every attempt. */
export type JobId = Branded<number, "Job">;
export type MachineId = Branded<string, "Machine">;
/** What the provider calls the machine: an instance id, a pod's namespace, name and uid, a machine folder's name. */
export type ProviderId = Branded<string, "Provider">;
export type LaunchId = Branded<string, "Launch">;
export type TicketId = Branded<string, "Ticket">;
/** GitHub's id of a registration. */
export type RunnerId = Branded<number, "Runner">;
/** One start of an agent on a machine: random, drawn by the agent. */
export type IncarnationId = Branded<string, "Incarnation">;
/** The GUID in `X-GitHub-Delivery`; the same on redelivery. */
export type DeliveryId = Branded<string, "Delivery">;
/** The number of a pool's lease: it grows with every change of holder, and every write and permit carries it. */
export type LeaseEpoch = Branded<number, "LeaseEpoch">;

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?$/;
const TOKEN = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
/** The longest is a pod's: a namespace and a name of 63 each, and a uid of 36. */
const PROVIDER = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/;

/** Lower-case letters, digits and inner hyphens, at most 30: it becomes part of tags, names and folders. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

function named<Id extends string>(kind: string, pattern: RegExp): (text: string) => Id {
  return (text) => {
    if (!pattern.test(text)) throw new RangeError(`not a ${kind}: ${JSON.stringify(text.slice(0, 80))}`);
    return text as Id;
  };
}

function numbered<Id extends number>(kind: string): (value: number) => Id {
  return (value) => {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a ${kind}: ${value}`);
    return value as Id;
  };
}

export const parseControllerId = named<ControllerId>("controller id", NAME);
export const parsePoolName = named<PoolName>("pool name", NAME);
export const parseConnectionName = named<ConnectionName>("connection name", NAME);
export const parseMachineId = named<MachineId>("machine id", /^m-[a-z0-9]{8,32}$/);
export const parseTicketId = named<TicketId>("ticket id", /^t-[a-z0-9]{8,32}$/);
export const parseLaunchId = named<LaunchId>("launch id", /^l-[a-z0-9]{8,32}$/);
export const parseProviderId = named<ProviderId>("provider id", PROVIDER);
export const parseIncarnationId = named<IncarnationId>("incarnation", TOKEN);
export const parseDeliveryId = named<DeliveryId>("delivery id", TOKEN);
export const parseJobId = numbered<JobId>("job id");
export const parseRunnerId = numbered<RunnerId>("runner id");
export const parseLeaseEpoch = numbered<LeaseEpoch>("lease epoch");
