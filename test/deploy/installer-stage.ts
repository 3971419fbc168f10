/** A computer's folders under one of the test's, and the installer run over them: by `--root`, or as if it ran on it. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { agentBundle } from "../../src/app/agent-bundle.ts";
import { type InstallerParts, installScript } from "../../src/app/agent-installer.ts";
import { parseControllerId, parsePoolName } from "../../src/domain/ids.ts";

export interface Ran {
  readonly status: number | null;
  readonly said: string;
}

export class InstallerStage {
  readonly base = mkdtempSync(join(tmpdir(), "holdfast-installer-"));
  readonly root = join(this.base, "root");
  readonly bundle: InstallerParts["bundle"];
  shell: readonly string[] = ["sh"];

  constructor() {
    const { bytes, sha256, entry } = agentBundle();
    const archive = this.write("agent.tar.gz", "", this.base);
    writeFileSync(archive, bytes);
    this.bundle = { url: pathToFileURL(archive).href, sha256, entry };
    this.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nrunner:x:1001:1001::/home/runner:/bin/sh\n");
    this.program("opt/actions-runner/bin/Runner.Listener", "exit 0");
    this.program("opt/actions-runner/externals/node24/bin/node", "echo v24");
    // Each call is noted; what it is asked about is in files of that name.
    this.stub(
      "systemctl",
      `case "$*" in *is-active*) [ -e ${this.base}/active ] ;; *MainPID*) echo "MainPID=$(cat ${this.base}/pid)" ;; --version) echo "systemd 252 (252)" ;; *) echo "$*" >> ${this.base}/calls ;; esac`,
    );
    this.stub("pgrep", `[ -e ${this.base}/listener ]`);
    this.stub("getent", `grep "^$2:" ${this.root}/etc/passwd`);
    for (const tool of ["choom", "setpriv", "systemd-run"]) this.stub(tool, "exit 0");
  }

  write(path: string, text: string, folder = this.root): string {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  program(path: string, text: string): void {
    chmodSync(this.write(path, `#!/bin/sh\n${text}\n`), 0o755);
  }

  stub(name: string, text: string): void {
    chmodSync(this.write(join("bin", name), `#!/bin/sh\n${text}\n`, this.base), 0o755);
  }

  /** Another version, whose entry holds this line. */
  bundleOf(line: string): InstallerParts["bundle"] {
    const folder = join(this.base, line);
    const entry = this.write(this.bundle.entry, `${line}\n`, folder);
    utimesSync(entry, 0, 0);
    const archive = join(this.base, `${line}.tar.gz`);
    const options = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0"];
    const { stdout } = spawnSync("tar", ["-c", ...options, "-C", folder, "."]);
    writeFileSync(archive, gzipSync(stdout));
    const sha256 = createHash("sha256").update(readFileSync(archive)).digest("hex");
    return { url: pathToFileURL(archive).href, sha256, entry: this.bundle.entry };
  }

  script(changes: Partial<InstallerParts> = {}): string {
    return installScript({
      controllerId: parseControllerId("main"),
      pool: parsePoolName("linux"),
      controllerUrl: "http://10.0.0.5:8081",
      runnerDirectory: "/opt/actions-runner",
      runnerUser: "runner",
      runnerEnvironment: { NOTE: "it's $HOME" },
      bundle: this.bundle,
      ...changes,
    });
  }

  /** On the folders of a system that does not run. */
  install(words: readonly string[] = [], changes: Partial<InstallerParts> = {}): Ran {
    return this.#run(this.script(changes), [`--root=${this.root}`, ...words]);
  }

  /** As if this were the computer: its places are the test's, its commands stand-ins. */
  installHere(words: readonly string[] = [], changes: Partial<InstallerParts> = {}): Ran {
    const moved = this.script(changes).replace(
      /(?<![\w.}/-])\/(?=opt\/|etc\/|usr\/lib\/|run\/holdfast)/g,
      `${this.root}/`,
    );
    // The test's folders are where systems empty.
    const script = moved.replace("/tmp | /tmp/* | ", "");
    const left = moved.replaceAll(`${this.root}/`, "");
    if (/[" ](?:\/opt|\/etc|\/run\/holdfast)/.test(left))
      throw new Error("the script would write to this computer's own folders");
    return this.#run(script, words);
  }

  #run(script: string, words: readonly string[]): Ran {
    const [command = "sh", ...options] = this.shell;
    const env = { PATH: `${join(this.base, "bin")}:${process.env.PATH}` };
    const file = this.write("install.sh", script, this.base);
    const { status, stdout, stderr } = spawnSync(command, [...options, file, ...words], { encoding: "utf8", env });
    return { status, said: stdout + stderr };
  }

  /** Each file with its content, each link with where it leads. */
  tree(): Readonly<Record<string, string>> {
    const entries = readdirSync(this.root, { recursive: true, withFileTypes: true }).flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = relative(this.root, path);
      if (entry.isSymbolicLink()) return [[name, `-> ${readlinkSync(path)}`]];
      return entry.isFile() ? [[name, `${lstatSync(path).mtimeMs} ${readFileSync(path, "utf8")}`]] : [];
    });
    return Object.fromEntries(entries.sort());
  }

  calls(): readonly string[] {
    const path = join(this.base, "calls");
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  }
}
