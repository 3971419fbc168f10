/** What the API says of itself, by which kubectl finds its way. */
import { RESOURCES, REVIEWS, type Resource } from "../../kubernetes/resources.ts";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** Null for what is no page of discovery. */
export function discover(path: string, version: string): object | null {
  switch (path) {
    case "/version": {
      const [, major = "", minor = ""] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
      return { major, minor, gitVersion: version, platform: "linux/amd64" };
    }
    case "/api":
      return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
    case "/apis":
      return { kind: "APIGroupList", apiVersion: "v1", groups: groupNames().map(showGroup) };
    case "/api/v1":
      return showResources("", "v1");
    default: {
      const [, group] = /^\/apis\/([^/]+)\/v1$/.exec(path) ?? [];
      return group !== undefined && groupNames().includes(group) ? showResources(group, `${group}/v1`) : null;
    }
  }
}

function groupNames(): readonly string[] {
  const groups = [...Object.values(RESOURCES), ...Object.values(REVIEWS)].map(({ group }) => group);
  return [...new Set(groups)].filter((group) => group !== "");
}

function showGroup(name: string): object {
  const version = { groupVersion: `${name}/v1`, version: "v1" };
  return { name, versions: [version], preferredVersion: version };
}

function showResources(group: string, groupVersion: string): object {
  const own = Object.values(RESOURCES).filter((resource) => resource.group === group);
  const reviews = Object.entries(REVIEWS).filter(([, review]) => review.group === group);
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion,
    resources: [
      ...own.flatMap(showResource),
      ...reviews.map(([name, { kind }]) => ({ name, singularName: "", namespaced: false, kind, verbs: ["create"] })),
    ],
  };
}

function showResource(resource: Resource): readonly object[] {
  const { name, kind, singular, shortNames, isNamespaced: namespaced, hasStatus } = resource;
  const shown = { name, singularName: singular, namespaced, kind, verbs: VERBS, shortNames };
  const status = { name: `${name}/status`, singularName: "", namespaced, kind, verbs: ["get", "patch", "update"] };
  return hasStatus ? [shown, status] : [shown];
}
