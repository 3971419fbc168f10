/** What somebody else wrote, as far as every object has it in common. */
import { KubernetesRefusal } from "./errors.ts";
import { apiVersionOf, type Resource } from "./resources.ts";

export type Given = { readonly [member: string]: unknown };

export function isGiven(value: unknown): value is Given {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws {KubernetesRefusal} BadRequest for what is no object of that kind. */
export function demandKind(body: unknown, resource: Pick<Resource, "kind" | "group" | "version">): Given {
  const { kind } = resource;
  if (!isGiven(body))
    throw new KubernetesRefusal(
      "BadRequest",
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error`,
    );
  const wanted = apiVersionOf(resource);
  if (body.kind !== undefined && (body.kind !== kind || body.apiVersion !== wanted))
    throw new KubernetesRefusal(
      "BadRequest",
      `${String(body.kind)} in version "${String(body.apiVersion)}" cannot be handled as a ${kind}: unknown conversion`,
    );
  return body;
}

/** @throws {KubernetesRefusal} BadRequest where a member is not of the type that it has in its kind. */
export function demandShape(holds: boolean, kind: string, field: string, type: string): asserts holds {
  if (!holds)
    throw new KubernetesRefusal(
      "BadRequest",
      `${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal into Go struct field ${kind}.${field} of type ${type}`,
    );
}

export function givenAt(holder: Given, name: string): Given {
  const value = holder[name];
  return isGiven(value) ? value : {};
}

export function textAt(holder: Given, name: string): string | undefined {
  const value = holder[name];
  return typeof value === "string" ? value : undefined;
}

export function listAt(holder: Given, name: string): readonly unknown[] {
  const value = holder[name];
  return Array.isArray(value) ? value : [];
}
