/** Filters of listings: a name with several values, any of which may match; `*` and `?` stand for anything. */
import type { Filter } from "./api.ts";
import { demandGiven, Ec2Refusal } from "./errors.ts";

const VALUE_COUNT_MAX = 200;

/** What a thing says of itself under a filter's name: one value, several, or none. */
export type Property<Thing> = (thing: Thing) => string | readonly string[] | undefined;

export type Properties<Thing> = Readonly<Record<string, Property<Thing>>>;

interface Tagged {
  readonly tags?: ReadonlyMap<string, string>;
}

/** @throws {Ec2Refusal} InvalidParameterValue for a filter that there is not. */
export function matchFilters<Thing extends Tagged>(
  filters: readonly Filter[] | undefined,
  properties: Properties<Thing>,
): (thing: Thing) => boolean {
  const tests = (filters ?? []).map((filter) => readFilter(filter, properties));
  return (thing) => tests.every((test) => test(thing));
}

function readFilter<Thing extends Tagged>(filter: Filter, properties: Properties<Thing>): (thing: Thing) => boolean {
  const name = demandGiven(filter.Name, "Filter.Name");
  const values = demandGiven(filter.Values, "Filter.Value");
  if (values.length > VALUE_COUNT_MAX)
    throw new Ec2Refusal("InvalidParameterValue", `The maximum number of filter values is ${VALUE_COUNT_MAX}`);
  const patterns = values.map(toPattern);
  const read = propertyOf(name, properties);
  return (thing) => {
    const said = read(thing) ?? [];
    return (typeof said === "string" ? [said] : said).some((text) => patterns.some((pattern) => pattern.test(text)));
  };
}

function propertyOf<Thing extends Tagged>(name: string, properties: Properties<Thing>): Property<Thing> {
  if (name.startsWith("tag:")) return ({ tags }) => tags?.get(name.slice("tag:".length));
  if (name === "tag-key") return ({ tags }) => [...(tags?.keys() ?? [])];
  const property = properties[name];
  if (property === undefined) throw new Ec2Refusal("InvalidParameterValue", `The filter '${name}' is invalid`);
  return property;
}

function toPattern(value: string): RegExp {
  const text = value
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^]*")
    .replaceAll("?", "[^]");
  return new RegExp(`^${text}$`);
}
