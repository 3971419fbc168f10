/**
 * Reads instances: all of a pool by their tags, to the last page, or some by their ids.
 *
 * A listing lags: an instance is missing from it for a moment after its launch, from a filtered one longer than from one by
 * ids ("Eventual consistency", EC2 developer guide). So absence is only what it is, and the callers wait it out.
 */
import { DescribeInstancesCommand, type Filter, type Instance } from "@aws-sdk/client-ec2";
import { ProviderError } from "../../domain/errors.ts";
import type { Ec2Reader } from "./ec2-clients.ts";
import { namedInstances, readFailure, toUnavailable } from "./errors.ts";
import { type Owner, TAG } from "./tags.ts";

/** What one page holds at most, by EC2's reference. */
const PAGE_SIZE = 1_000;
/** More instances than any pool may have, with those that ended within the hour. */
const PAGES_MAX = 100;
/** Ids of one call: more are allowed, and make it slow. */
const IDS_AT_ONCE_MAX = 500;
/** So often ids that EC2 does not know are taken out of one call; what is left then is read by a filter. */
const STRIPS_MAX = 3;
/** Values of one filter, by EC2's reference. */
const FILTER_VALUES_MAX = 200;

/** @throws {ProviderError} `provider-unavailable` where any page could not be read. */
export async function describeAll(clients: Ec2Reader, owner: Owner): Promise<readonly Instance[]> {
  return describeBy(clients, [
    { Name: `tag:${TAG.controller}`, Values: [owner.controllerId] },
    { Name: `tag:${TAG.pool}`, Values: [owner.pool] },
  ]);
}

export async function describeLaunch(clients: Ec2Reader, owner: Owner, launchId: string): Promise<readonly Instance[]> {
  return describeBy(clients, [
    { Name: `tag:${TAG.controller}`, Values: [owner.controllerId] },
    { Name: `tag:${TAG.launch}`, Values: [launchId] },
  ]);
}

/** All that a filter lets through. */
export async function describeBy(clients: Ec2Reader, Filters: Filter[]): Promise<readonly Instance[]> {
  const found = new Map<string, Instance>();
  let next: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    try {
      const answer = await clients.read.send(
        new DescribeInstancesCommand({ Filters, MaxResults: PAGE_SIZE, NextToken: next }),
      );
      for (const { Instances } of answer.Reservations ?? [])
        for (const instance of Instances ?? []) found.set(instance.InstanceId ?? "", instance);
      next = answer.NextToken;
    } catch (error) {
      throw toUnavailable(error, `listing instances, page ${page + 1}`);
    }
    if (next === undefined || next === "") return [...found.values()];
  }
  throw new ProviderError("provider-unavailable", `listing instances: more than ${PAGES_MAX} pages`);
}

/**
 * By ids: what EC2 does not know is not in the answer. It refuses a call as a whole for one id that it does not know, so
 * those that it names are taken out.
 */
export async function describeByIds(
  clients: Ec2Reader,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Instance>> {
  const found = new Map<string, Instance>();
  for (let first = 0; first < ids.length; first += IDS_AT_ONCE_MAX) {
    const some = ids.slice(first, first + IDS_AT_ONCE_MAX);
    for (const instance of await describeSome(clients, some)) found.set(instance.InstanceId ?? "", instance);
  }
  return found;
}

async function describeSome(clients: Ec2Reader, ids: readonly string[]): Promise<readonly Instance[]> {
  let left = [...ids];
  for (let strip = 0; strip < STRIPS_MAX && left.length > 0; strip += 1) {
    try {
      const answer = await clients.read.send(new DescribeInstancesCommand({ InstanceIds: left }));
      return (answer.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []);
    } catch (error) {
      const failure = readFailure(error);
      if (failure.trouble !== "absent") throw toUnavailable(error, `reading ${left.length} instances by their ids`);
      const unknown = namedInstances(failure.message);
      const known = left.filter((id) => !unknown.has(id));
      if (known.length === left.length) break;
      left = known;
    }
  }
  return left.length === 0 ? [] : filterSome(clients, left);
}

/** A filter refuses nothing; it may lag more. */
async function filterSome(clients: Ec2Reader, ids: readonly string[]): Promise<readonly Instance[]> {
  const found: Instance[] = [];
  for (let first = 0; first < ids.length; first += FILTER_VALUES_MAX) {
    const Values = ids.slice(first, first + FILTER_VALUES_MAX);
    found.push(...(await describeBy(clients, [{ Name: "instance-id", Values }])));
  }
  return found;
}
