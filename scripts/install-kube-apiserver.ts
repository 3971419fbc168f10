/**
 * Builds the API server of Kubernetes from its Go module and puts it where `test/contracts/kubernetes/real.test.ts` looks
 * for it. Once for a machine: it is kept in the user's cache. The build takes some four minutes on two cores, and is given
 * up after `BUILD_MS_MAX`; what was compiled by then is kept by Go, so that another try goes on from there.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { KUBE_APISERVER, KUBERNETES_VERSION } from "../test/contracts/kubernetes/kube-apiserver-place.ts";

const BUILD_MS_MAX = 6 * 60_000;
const MODULE = `k8s.io/kubernetes@v${KUBERNETES_VERSION}`;
/** A version of Kubernetes, and that of the libraries which it is made with. */
const [, MINOR, PATCH] = KUBERNETES_VERSION.split(".");
const LIBRARY_VERSION = `v0.${MINOR}.${PATCH}`;

const began = performance.now();

/** @returns what the program printed; null where it failed, which is then said. */
function run(parameters: readonly string[], directory: string): string | null {
  const environment = { ...process.env, GOFLAGS: "-mod=mod", GOWORK: "off", CGO_ENABLED: "0" };
  const { status, error, stdout } = spawnSync("nice", ["-n", "15", "go", ...parameters], {
    cwd: directory,
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
    timeout: Math.max(1, Math.ceil(BUILD_MS_MAX - (performance.now() - began))),
    killSignal: "SIGINT",
  });
  if (status === 0) return stdout;
  const isLate = performance.now() - began >= BUILD_MS_MAX;
  const why = isLate
    ? `given up after ${BUILD_MS_MAX / 60_000} minutes`
    : (error?.message ?? `it ended with ${status}`);
  process.stderr.write(`go ${parameters[0]}: ${why}\n`);
  return null;
}

function fetchSources(directory: string): boolean {
  const printed = run(["mod", "download", "-json", MODULE], directory);
  if (printed === null) return false;
  const { Dir: sources } = JSON.parse(printed) as { readonly Dir: string };
  // Go keeps modules read-only, folders too: `cp` knows how to copy into what it has just made so.
  const copied = spawnSync("cp", ["-R", `${sources}/.`, directory], { stdio: "inherit" });
  return copied.status === 0 && spawnSync("chmod", ["-R", "u+w", directory]).status === 0;
}

/** The module's own file names libraries in folders that only its repository has: the published ones take their place. */
function nameLibraries(directory: string): void {
  for (const name of ["go.work", "go.work.sum", "vendor"])
    rmSync(join(directory, name), { recursive: true, force: true });
  const path = join(directory, "go.mod");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(/=> \.\/staging\/src\/(k8s\.io\/[a-z-]+)$/gm, `=> $1 ${LIBRARY_VERSION}`));
}

function build(directory: string): boolean {
  const version = `-X k8s.io/component-base/version.gitVersion=v${KUBERNETES_VERSION}`;
  const built = join(directory, "kube-apiserver");
  const flags = ["-p", "2", "-trimpath", "-ldflags", `-s -w ${version}`];
  if (run(["build", ...flags, "-o", built, "./cmd/kube-apiserver"], directory) === null) return false;
  mkdirSync(dirname(KUBE_APISERVER), { recursive: true });
  // A copy that was cut short must not be taken for the program.
  cpSync(built, `${KUBE_APISERVER}.part`);
  renameSync(`${KUBE_APISERVER}.part`, KUBE_APISERVER);
  return true;
}

function install(): boolean {
  if (existsSync(KUBE_APISERVER)) return true;
  const directory = mkdtempSync(join(tmpdir(), "holdfast-kube-apiserver-"));
  try {
    if (!fetchSources(directory)) return false;
    nameLibraries(directory);
    return build(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const isInstalled = install();
process.stdout.write(
  isInstalled
    ? `kube-apiserver ${KUBERNETES_VERSION} is at ${KUBE_APISERVER}\n`
    : "kube-apiserver was not built; the contract suite runs against the simulated cluster alone\n",
);
process.exitCode = isInstalled ? 0 : 1;
