/** The marks that a member gets at first sight, so that what is detached later, or is of a group that was left, is found. */
import { CreateTagsCommand, type Instance } from "@aws-sdk/client-ec2";
import { type Owner, readMarks, TAG } from "../aws/tags.ts";
import type { AsgClients } from "./clients.ts";
import { MARKED_AT_ONCE_MAX } from "./row-marks.ts";

export function isMarked({ Tags: tags }: Instance, owner: Owner): boolean {
  const { controllerId, pool } = readMarks(tags);
  return controllerId !== null && pool === owner.pool;
}

/** Failing here costs nothing: a member is listed by its group as well, and the next look tries again. */
export async function markMembers({ ec2 }: AsgClients, owner: Owner, ids: readonly string[]): Promise<void> {
  const Resources = ids.slice(0, MARKED_AT_ONCE_MAX);
  if (Resources.length === 0) return;
  const Tags = [
    { Key: TAG.controller, Value: owner.controllerId },
    { Key: TAG.pool, Value: owner.pool },
  ];
  await ec2.write.send(new CreateTagsCommand({ Resources, Tags })).catch(() => undefined);
}
