/** A pod's own part, held against the API server's rules and refused in its words. */
import type { FieldError } from "./errors.ts";
import { demandShape, type Given, givenAt, isGiven, listAt } from "./objects-given.ts";
import { checkLabelName, invalidValue, required } from "./validate-meta.ts";

const RESTART_POLICIES = ["Always", "OnFailure", "Never"];

/** @throws {KubernetesRefusal} BadRequest where a member is not of its type at all. */
export function checkPodSpec(body: Given): readonly FieldError[] {
  const spec = givenAt(body, "spec");
  demandShape(isList(spec.containers), "Pod", "spec.containers", "[]v1.Container");
  demandShape(isList(spec.initContainers), "Pod", "spec.initContainers", "[]v1.Container");
  const containers = listAt(spec, "containers");
  const errors = [
    ...(containers.length === 0 ? [required("spec.containers")] : checkContainers("spec.containers", containers)),
    ...checkContainers("spec.initContainers", listAt(spec, "initContainers")),
  ];
  const { restartPolicy, terminationGracePeriodSeconds } = spec;
  if (restartPolicy !== undefined && !RESTART_POLICIES.includes(String(restartPolicy)))
    errors.push(unsupported("spec.restartPolicy", String(restartPolicy), RESTART_POLICIES));
  demandShape(
    terminationGracePeriodSeconds === undefined || Number.isInteger(terminationGracePeriodSeconds),
    "Pod",
    "spec.terminationGracePeriodSeconds",
    "int64",
  );
  return errors;
}

function isList(value: unknown): boolean {
  return value === undefined || value === null || Array.isArray(value);
}

export function unsupported(field: string, value: string, values: readonly string[]): FieldError {
  const known = values.map((one) => JSON.stringify(one)).join(", ");
  return {
    kind: "unsupported",
    field,
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${known}`,
  };
}

function checkContainers(field: string, containers: readonly unknown[]): readonly FieldError[] {
  const names = new Set<unknown>();
  return containers.flatMap((container, index) => {
    const place = `${field}[${index}]`;
    demandShape(isGiven(container), "Pod", field, "v1.Container");
    const { name, image } = container;
    const errors: FieldError[] = [];
    if (typeof name !== "string" || name === "") errors.push(required(`${place}.name`));
    else if (names.has(name)) {
      errors.push({ kind: "duplicate", field: `${place}.name`, message: `Duplicate value: ${JSON.stringify(name)}` });
    } else errors.push(...checkLabelName(`${place}.name`, name));
    names.add(name);
    if (typeof image !== "string" || image === "") errors.push(required(`${place}.image`));
    else if (image.trim() !== image)
      errors.push(invalidValue(`${place}.image`, image, "must not have leading or trailing whitespace"));
    return errors;
  });
}
