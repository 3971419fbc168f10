import { type Hit, matching, type Rule } from "../rule.ts";
import type { SourceFile } from "../source-file.ts";

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * `npm install` forgives an optional package that its registry does not have, and leaves it out; `npm ci` then refuses
 * the lock file, but only where nothing is installed yet.
 */
function findMissingPackages(file: SourceFile): readonly Hit[] {
  const { packages } = JSON.parse(file.text) as { readonly packages: Readonly<Record<string, LockedPackage>> };
  const names = new Set(Object.keys(packages).map((path) => path.split("node_modules/").at(-1)));
  return Object.entries(packages).flatMap(([path, locked]) => {
    const missing = Object.keys(locked.optionalDependencies ?? {}).filter((name) => !names.has(name));
    return missing.length === 0 ? [] : [{ line: 1, what: `\`${path}\` lacks ${missing.join(", ")}` }];
  });
}

function locked(packages: Readonly<Record<string, LockedPackage>>): SourceFile {
  return { path: "package-lock.json", text: JSON.stringify({ packages }) };
}

const NEEDS_TWO: LockedPackage = { optionalDependencies: { "a-linux": "1.0.0", "a-darwin": "1.0.0" } };

/** The lock file works in a fresh clone, on every machine, from every registry. */
export const lockfileRules: readonly Rule[] = [
  {
    name: "the lock file is complete",
    where: (path) => path === "package-lock.json",
    find: findMissingPackages,
    instead: "pin a version whose packages for all platforms can be had (`overrides` in package.json), and lock anew",
    planted: [
      locked({ "": {}, "node_modules/a": NEEDS_TWO, "node_modules/a-linux": {} }),
      locked({ "": { optionalDependencies: { "a-linux": "1.0.0" } } }),
    ],
    harmless: [
      locked({ "node_modules/a": NEEDS_TWO, "node_modules/a-linux": {}, "node_modules/a/node_modules/a-darwin": {} }),
    ],
  },
  {
    name: "no download addresses",
    where: (path) => path === "package-lock.json" || path.endsWith(".npmrc"),
    find: matching("whole", /"resolved": "https?:|^\s*(@[\w-]+:)?registry\s*=|_authToken/),
    instead: "npm install with omit-lockfile-registry-resolved=true, as .npmrc has it; the registry is each user's own",
    planted: [
      { path: "package-lock.json", text: '      "resolved": "https://registry.example.com/a/-/a-1.0.0.tgz",' },
      { path: ".npmrc", text: "registry=https://registry.example.com/" },
    ],
    harmless: [
      { path: "package-lock.json", text: '      "resolved": "file:../a", "funding": "https://example.com"' },
      { path: ".npmrc", text: "omit-lockfile-registry-resolved=true" },
    ],
  },
];
