/** What one call asks of the API server, whoever read it off the wire. */
import type { ResourceName, ReviewName } from "./resources.ts";

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

export type Subresource = "status" | "log" | "eviction" | "token";

/** As faults and counts name calls: `create pods`, `get pods/log`. */
export type Operation = `${Verb} ${ResourceName | ReviewName}` | `${Verb} ${ResourceName}/${Subresource}`;

/** What is in the query, as far as this model knows it. */
export interface RequestOptions {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: string | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: string | undefined;
  readonly allowWatchBookmarks?: string | undefined;
  readonly sendInitialEvents?: string | undefined;
  readonly timeoutSeconds?: string | undefined;
  readonly dryRun?: string | undefined;
  readonly gracePeriodSeconds?: string | undefined;
  /** Of `pods/log`. */
  readonly container?: string | undefined;
  readonly tailLines?: string | undefined;
  readonly limitBytes?: string | undefined;
}

export interface KubernetesRequest {
  readonly verb: Verb;
  readonly resource: ResourceName | ReviewName;
  readonly subresource?: Subresource | undefined;
  /** Absent: the whole cluster. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly options?: RequestOptions;
  /** As it was parsed: nobody has looked at it yet. */
  readonly body?: unknown;
  /** Of a patch. */
  readonly contentType?: string | undefined;
  /** The bearer token, if there is one. */
  readonly token?: string | undefined;
}

export function operationOf({ verb, resource, subresource }: KubernetesRequest): Operation {
  const target = subresource === undefined ? resource : `${resource}/${subresource}`;
  // Every part is of its closed set; a review has no subresource, which the router sees to.
  return `${verb} ${target}` as Operation;
}
