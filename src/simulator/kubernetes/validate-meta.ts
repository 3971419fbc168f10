/** Names, labels and finalizers, held against the API server's rules and refused in its words. */
import type { FieldError } from "./errors.ts";
import { demandShape, type Given, isGiven } from "./objects-given.ts";

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const SUBDOMAIN_LENGTH_MAX = 253;
const LABEL_LENGTH_MAX = 63;
const ANNOTATIONS_BYTES_MAX = 262_144;

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

export function invalidValue(field: string, value: string, rule: string): FieldError {
  return { kind: "invalid", field, message: `Invalid value: ${JSON.stringify(value)}: ${rule}` };
}

export function required(field: string, why?: string): FieldError {
  return { kind: "required", field, message: why === undefined ? "Required value" : `Required value: ${why}` };
}

function lengthError(field: string, value: string, lengthMax: number): FieldError {
  return invalidValue(field, value, `must be no more than ${lengthMax} characters`);
}

/** Of a pod, and of most other things. */
function checkSubdomain(field: string, name: string): readonly FieldError[] {
  if (name.length > SUBDOMAIN_LENGTH_MAX) return [lengthError(field, name, SUBDOMAIN_LENGTH_MAX)];
  return SUBDOMAIN.test(name) ? [] : [invalidValue(field, name, SUBDOMAIN_RULE)];
}

/** Of a container. */
export function checkLabelName(field: string, name: string): readonly FieldError[] {
  if (name.length > LABEL_LENGTH_MAX) return [lengthError(field, name, LABEL_LENGTH_MAX)];
  return LABEL.test(name) ? [] : [invalidValue(field, name, LABEL_RULE)];
}

function checkQualified(field: string, key: string): readonly FieldError[] {
  const slash = key.indexOf("/");
  const [prefix, name] = slash < 0 ? [null, key] : [key.slice(0, slash), key.slice(slash + 1)];
  if (prefix !== null && !SUBDOMAIN.test(prefix)) return [invalidValue(field, key, `prefix part ${SUBDOMAIN_RULE}`)];
  if (name.length > LABEL_LENGTH_MAX) return [invalidValue(field, key, "name part must be no more than 63 characters")];
  return QUALIFIED.test(name) ? [] : [invalidValue(field, key, QUALIFIED_RULE)];
}

function checkLabels(labels: Given): readonly FieldError[] {
  const field = "metadata.labels";
  return Object.entries(labels).flatMap(([key, value]) => {
    const text = String(value);
    const errors = [...checkQualified(field, key)];
    if (text.length > LABEL_LENGTH_MAX) errors.push(lengthError(field, text, LABEL_LENGTH_MAX));
    else if (!LABEL_VALUE.test(text)) errors.push(invalidValue(field, text, LABEL_VALUE_RULE));
    return errors;
  });
}

function checkAnnotations(annotations: Given): readonly FieldError[] {
  const field = "metadata.annotations";
  const errors = Object.keys(annotations).flatMap((key) => checkQualified(field, key.toLowerCase()));
  const bytes = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(value)),
    0,
  );
  if (bytes > ANNOTATIONS_BYTES_MAX)
    errors.push({ kind: "invalid", field, message: `Too long: may not be more than ${ANNOTATIONS_BYTES_MAX} bytes` });
  return errors;
}

/** @throws {KubernetesRefusal} BadRequest where a member is not of its type at all. */
export function checkMeta(kind: string, metadata: Given): readonly FieldError[] {
  const { name, labels = {}, annotations = {}, finalizers = [] } = metadata;
  demandShape(name === undefined || typeof name === "string", kind, "metadata.name", "string");
  demandShape(isTexts(labels), kind, "metadata.labels", "map[string]string");
  demandShape(isTexts(annotations), kind, "metadata.annotations", "map[string]string");
  demandShape(Array.isArray(finalizers), kind, "metadata.finalizers", "[]string");
  const nameErrors =
    name === undefined || name === ""
      ? [required("metadata.name", "name or generateName is required")]
      : checkSubdomain("metadata.name", name);
  return [
    ...nameErrors,
    ...checkAnnotations(annotations),
    ...checkLabels(labels),
    ...finalizers.flatMap((finalizer) => checkQualified("metadata.finalizers", String(finalizer))),
  ];
}

function isTexts(value: unknown): value is Given {
  return isGiven(value) && Object.values(value).every((one) => typeof one === "string");
}
