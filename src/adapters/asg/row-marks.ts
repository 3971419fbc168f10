/**
 * The mark that says of a member that a store of ours had a row of it. A group's members carry no launch by which a store
 * could be known as a backup of what was; one that carries this and has no row shows it. It is written once the row is
 * durable and never before, so it says so of no other store.
 */
import { CreateTagsCommand, type Instance } from "@aws-sdk/client-ec2";
import type { ControllerId, ProviderId } from "../../domain/ids.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Owner, readMarks, TAG } from "../aws/tags.ts";
import type { AsgClients } from "./clients.ts";

/** What one call marks, by EC2's reference. */
export const MARKED_AT_ONCE_MAX = 1_000;

export function hadRow(instance: Instance | undefined, controllerId: ControllerId): boolean {
  const tags = instance?.Tags;
  return readMarks(tags).controllerId === controllerId && tags?.some(({ Key }) => Key === TAG.known) === true;
}

interface RowMarksContext {
  readonly clients: AsgClients;
  readonly owner: Owner;
  readonly isObserving: boolean;
  readonly clock: Clock;
}

/** EC2 shows a mark a while after it was put on; one that it does not show after this was taken off. */
const SHOWN_WITHIN_MS = 5 * MINUTE_MS;

export class RowMarks {
  readonly #context: RowMarksContext;
  /** Whom the last listing showed without it, and when it was last put on them, by the monotonic clock; null: never. */
  #unmarked: ReadonlyMap<string, number | null> = new Map();

  constructor(context: RowMarksContext) {
    this.#context = context;
  }

  noteListing(instances: readonly Instance[]): void {
    const { controllerId } = this.#context.owner;
    const before = this.#unmarked;
    this.#unmarked = new Map(
      instances.flatMap((one) => {
        const { InstanceId: id } = one;
        return id === undefined || hadRow(one, controllerId) ? [] : [[id, before.get(id) ?? null] as const];
      }),
    );
  }

  /** Failing here costs nothing: the next look at the listing tries again. */
  async write(ids: readonly ProviderId[]): Promise<void> {
    const { clients, owner, isObserving, clock } = this.#context;
    const nowMs = clock.monotonicMs();
    const Resources = ids.filter((id) => this.#isDue(id, nowMs)).slice(0, MARKED_AT_ONCE_MAX);
    if (isObserving || Resources.length === 0) return;
    const Tags = [
      { Key: TAG.controller, Value: owner.controllerId },
      { Key: TAG.known, Value: "yes" },
    ];
    try {
      await clients.ec2.write.send(new CreateTagsCommand({ Resources, Tags }));
    } catch {
      return;
    }
    this.#unmarked = new Map([...this.#unmarked, ...Resources.map((id) => [id, nowMs] as const)]);
  }

  #isDue(id: ProviderId, nowMs: number): boolean {
    const writtenAtMs = this.#unmarked.get(id);
    return writtenAtMs !== undefined && (writtenAtMs === null || nowMs - writtenAtMs >= SHOWN_WITHIN_MS);
  }
}
