/** Tags: read from a request, put on what there is, taken off again. */

import { demandScope } from "./access.ts";
import type { Ec2Answer, Tag, TagsRequest } from "./api.ts";
import { demandGiven, demandValue, Ec2Refusal, endDryRun } from "./errors.ts";
import { demandInstance } from "./find.ts";
import type { Ec2State } from "./state.ts";

const TAG_COUNT_MAX = 50;
const KEY_LENGTH_MAX = 128;
const VALUE_LENGTH_MAX = 256;
/** AWS's own: nobody else may write them, and they do not count. */
const RESERVED = /^aws:/i;

/** @throws {Ec2Refusal} where one of them is no tag. */
export function readTags(tags: readonly Tag[]): Map<string, string> {
  const read = new Map<string, string>();
  for (const { Key, Value = "" } of tags) {
    const key = demandGiven(Key, "Key");
    demandValue(!RESERVED.test(key), `Tag keys starting with 'aws:' are reserved for internal use: ${key}`);
    demandValue(key.length <= KEY_LENGTH_MAX, "Tag key exceeds the maximum length of 128 characters");
    demandValue(Value.length <= VALUE_LENGTH_MAX, "Tag value exceeds the maximum length of 256 characters");
    read.set(key, Value);
  }
  demandTagCount(read);
  return read;
}

function demandTagCount(tags: ReadonlyMap<string, string>): void {
  const count = [...tags.keys()].filter((key) => !RESERVED.test(key)).length;
  if (count > TAG_COUNT_MAX)
    throw new Ec2Refusal(
      "TagLimitExceeded",
      `The maximum number of Tags for a resource has been reached: ${TAG_COUNT_MAX}`,
    );
}

export function showTags(tags: ReadonlyMap<string, string>): Ec2Answer[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}

export function createTags(state: Ec2State, request: TagsRequest, nowMs: number): Ec2Answer {
  const tags = readTags(demandGiven(request.Tags, "Tag"));
  const tagged = findTagged(state, request, nowMs);
  endDryRun(request);
  for (const one of tagged) {
    const joined = new Map([...one, ...tags]);
    demandTagCount(joined);
    for (const [key, value] of joined) one.set(key, value);
  }
  return { Return: true };
}

/** A tag that is named with a value goes only where it has that value. */
export function deleteTags(state: Ec2State, request: TagsRequest, nowMs: number): Ec2Answer {
  const tagged = findTagged(state, request, nowMs);
  endDryRun(request);
  for (const one of tagged)
    for (const { Key = "", Value } of request.Tags ?? [])
      if (Value === undefined || one.get(Key) === Value) one.delete(Key);
  return { Return: true };
}

function findTagged(state: Ec2State, request: TagsRequest, nowMs: number): Map<string, string>[] {
  const ids = demandGiven(request.Resources, "ResourceId");
  demandScope(
    state,
    "CreateTags",
    ids.filter((id) => id.startsWith("i-")),
  );
  return ids.map((id) => findTags(state, id, nowMs));
}

function findTags(state: Ec2State, id: string, nowMs: number): Map<string, string> {
  if (id.startsWith("i-")) return demandInstance(state, id, nowMs).tags;
  const found = state.launchTemplates.get(id) ?? state.volumes.get(id) ?? state.networkInterfaces.get(id);
  if (found === undefined) throw new Ec2Refusal("InvalidID", `The ID '${id}' is not valid`);
  return found.tags;
}
