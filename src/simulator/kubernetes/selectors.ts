/** Label selectors (`a=b,c!=d,e in (f,g),!h`) and field selectors, as a listing or a watch is given them. */
import { KubernetesRefusal } from "./errors.ts";
import type { ApiObject } from "./objects.ts";
import type { ResourceName } from "./resources.ts";

export type Matcher = (object: ApiObject) => boolean;

const SET_TERM = /^([\w./-]+)\s+(in|notin)\s*\(([^()]*)\)$/;
const EQUAL_TERM = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/;
const EXISTS_TERM = /^(!?)\s*([\w./-]+)$/;
/** A comma that is not inside brackets. */
const TERM_BREAK = /,(?![^(]*\))/;

/** @throws {KubernetesRefusal} BadRequest for what is no selector. */
export function readLabelSelector(text: string): Matcher {
  const tests = termsOf(text).map(readLabelTerm);
  return ({ metadata }) => tests.every((test) => test(metadata.labels ?? {}));
}

function termsOf(text: string): readonly string[] {
  return text
    .split(TERM_BREAK)
    .map((term) => term.trim())
    .filter((term) => term !== "");
}

function readLabelTerm(term: string): (labels: Readonly<Record<string, string>>) => boolean {
  const [, setKey, word, list] = SET_TERM.exec(term) ?? [];
  if (setKey !== undefined && list !== undefined) {
    const values = new Set(list.split(",").map((value) => value.trim()));
    if (word === "in") return (labels) => labels[setKey] !== undefined && values.has(labels[setKey]);
    return (labels) => labels[setKey] === undefined || !values.has(labels[setKey]);
  }
  const [, key, sign, value] = EQUAL_TERM.exec(term) ?? [];
  if (key !== undefined) return (labels) => (sign === "!=" ? labels[key] !== value : labels[key] === value);
  const [, not, name] = EXISTS_TERM.exec(term) ?? [];
  if (name === undefined)
    throw new KubernetesRefusal("BadRequest", `unable to parse requirement: found '${term}', expected: a requirement`);
  return (labels) => (labels[name] !== undefined) === (not === "");
}

type FieldReader = (object: ApiObject) => string;

const OF_ALL: Readonly<Record<string, FieldReader>> = {
  "metadata.name": ({ metadata }) => metadata.name,
  "metadata.namespace": ({ metadata }) => metadata.namespace ?? "",
};

/** What fields of a kind can be selected by; the API server knows no others. */
const FIELDS: Readonly<Partial<Record<ResourceName, Readonly<Record<string, FieldReader>>>>> = {
  pods: {
    "spec.nodeName": ({ spec }) => textAt(spec, "nodeName"),
    "spec.restartPolicy": ({ spec }) => textAt(spec, "restartPolicy"),
    "spec.schedulerName": ({ spec }) => textAt(spec, "schedulerName"),
    "spec.serviceAccountName": ({ spec }) => textAt(spec, "serviceAccountName"),
    "status.phase": ({ status }) => textAt(status, "phase"),
    "status.podIP": ({ status }) => textAt(status, "podIP"),
    "status.nominatedNodeName": ({ status }) => textAt(status, "nominatedNodeName"),
  },
  events: {
    "involvedObject.kind": ({ involvedObject }) => textAt(involvedObject, "kind"),
    "involvedObject.name": ({ involvedObject }) => textAt(involvedObject, "name"),
    "involvedObject.uid": ({ involvedObject }) => textAt(involvedObject, "uid"),
    reason: (event) => textAt(event, "reason"),
    type: (event) => textAt(event, "type"),
  },
};

function textAt(holder: unknown, name: string): string {
  if (typeof holder !== "object" || holder === null) return "";
  const value: unknown = Reflect.get(holder, name);
  return typeof value === "string" ? value : "";
}

/** @throws {KubernetesRefusal} BadRequest for a field that cannot be selected by. */
export function readFieldSelector(resource: ResourceName, text: string): Matcher {
  const tests = termsOf(text).map((term) => readFieldTerm(resource, term));
  return (object) => tests.every((test) => test(object));
}

function readFieldTerm(resource: ResourceName, term: string): Matcher {
  const [, field, sign, value = ""] = /^([^=!]+)(==|=|!=)(.*)$/.exec(term) ?? [];
  if (field === undefined)
    throw new KubernetesRefusal("BadRequest", `invalid selector: '${term}'; can't understand '${term}'`);
  const read = OF_ALL[field] ?? FIELDS[resource]?.[field];
  if (read === undefined) throw new KubernetesRefusal("BadRequest", `field label not supported: ${field}`);
  return (object) => (read(object) === value) === (sign !== "!=");
}
