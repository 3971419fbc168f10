/** What of a template did not come back from the API server: fields that it, or its client, does not know. */

type Block = Readonly<Record<string, unknown>>;

/** Deeper than any field of a PodSpec. */
const DEPTH_MAX = 24;

/** @returns their paths: `containers[0].enviroment`. Lists are compared by names where they have some, for we add to them. */
export function findUntaken(asked: unknown, answered: unknown, path = "", depth = 0): readonly string[] {
  if (asked === null || typeof asked !== "object" || depth > DEPTH_MAX) return [];
  if (answered === null || typeof answered !== "object") return [path];
  if (Array.isArray(asked)) return findInList(asked, answered, path, depth);
  return Object.entries(asked).flatMap(([key, value]) => {
    const below = path === "" ? key : `${path}.${key}`;
    const found = (answered as Block)[key];
    // The API leaves out what is empty.
    if (found === undefined) return isEmpty(value) ? [] : [below];
    return findUntaken(value, found, below, depth + 1);
  });
}

function findInList(asked: readonly unknown[], answered: object, path: string, depth: number): readonly string[] {
  if (!Array.isArray(answered)) return [path];
  return asked.flatMap((item: unknown, index) => {
    const name = nameOf(item);
    const same: unknown = name === null ? answered[index] : answered.find((other) => nameOf(other) === name);
    return findUntaken(item, same, `${path}[${index}]`, depth + 1);
  });
}

function nameOf(item: unknown): string | null {
  if (typeof item !== "object" || item === null) return null;
  const { name } = item as { readonly name?: unknown };
  return typeof name === "string" ? name : null;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === false || value === "" || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
