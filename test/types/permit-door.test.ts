/**
 * The door, as the compiler keeps it: only `issuePermit` makes a permit, and the calls that can end a job take nothing
 * else. Each snippet is compiled against the real sources with the repository's own options.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { beforeAll, describe, expect, it } from "vitest";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "..", "..");

/** What every snippet may use; declared values stand for what a controller has in its hands. */
const PREAMBLE = `
import { issuePermit, MachinePermit, RegistrationPermit } from "../../src/domain/permit.ts";
import type { MachinePermitRequest, RegistrationPermitRequest } from "../../src/domain/permit.ts";
import type { Machine } from "../../src/domain/machine.ts";
import type { Ticket } from "../../src/domain/ticket.ts";
import type { Provider } from "../../src/ports/provider.ts";
import type { GitHub } from "../../src/ports/github.ts";
export type Used = [typeof issuePermit, MachinePermit, RegistrationPermit];
declare const provider: Provider;
declare const github: GitHub;
declare const machine: Machine;
declare const ticket: Ticket;
declare const ofMachine: MachinePermitRequest;
declare const ofRegistration: RegistrationPermitRequest;
declare const machinePermit: MachinePermit;
declare const registrationPermit: RegistrationPermit;
export const inHand = [provider, github, machine, ticket, ofMachine, ofRegistration, machinePermit, registrationPermit];
`;

const GOOD = `
export async function end(): Promise<void> {
  const ending = issuePermit(ofMachine);
  if (ending.kind === "permitted") await provider.terminate(ending.permit);
  const deletion = issuePermit(ofRegistration);
  if (deletion.kind === "permitted") await github.deleteRunner(deletion.permit);
}`;

type Row = readonly [name: string, snippet: string, code: number];

const REFUSED: readonly Row[] = [
  ["a machine's permit made by its class", "export const forged = new MachinePermit();", 2673],
  ["a registration's permit made by its class", "export const forged = new RegistrationPermit();", 2673],
  ["a class of one's own that extends it", "export class Forged extends MachinePermit {}", 2675],
  [
    "the maker behind the door",
    'import { makeMachinePermit } from "../../src/domain/permit.ts";\nmakeMachinePermit;',
    2724,
  ],
  ["a permit whose life is made longer", "machinePermit.expiresAtMs = Number.POSITIVE_INFINITY;", 2540],
  ["the mark of a permit, seen from outside", "machinePermit.#isMade;", 18013],
  [
    "a class of one's own that claims to be one",
    `export class Forged implements MachinePermit {
  readonly kind = "end-machine"; readonly machineId = machinePermit.machineId; readonly machineVersion = 1;
  readonly providerId = machinePermit.providerId; readonly epoch = machinePermit.epoch;
  readonly proof = "parked"; readonly expiresAtMs = 0;
}`,
    2720,
  ],
  ["what was never asked whether it was made", "declare const found: object;\nvoid provider.terminate(found);", 2345],
  [
    "what was asked whether it is the other permit",
    "declare const found: object;\nif (RegistrationPermit.isMade(found)) void provider.terminate(found);",
    2345,
  ],
  ["ending a machine with a registration's permit", "void provider.terminate(registrationPermit);", 2345],
  ["deleting a registration with a machine's permit", "void github.deleteRunner(machinePermit);", 2345],
  ["ending a machine without a permit", "void provider.terminate();", 2554],
  ["ending a machine by its row", "void provider.terminate(machine);", 2345],
  ["ending a machine by its id", "void provider.terminate(machine.id);", 2345],
  ["deleting a registration by its ticket", "void github.deleteRunner(ticket);", 2345],
  ["deleting a registration by GitHub's id of it", "void github.deleteRunner(ticket.runnerId);", 2345],
  ["a decision that may be a refusal", "void provider.terminate(issuePermit(ofMachine));", 2345],
  ["the permit of a decision that was not looked at", "void provider.terminate(issuePermit(ofMachine).permit);", 2339],
  [
    "a machine's permit where a registration's was asked for",
    'const made = issuePermit(ofRegistration);\nif (made.kind === "permitted") void provider.terminate(made.permit);',
    2345,
  ],
  ["the proof of a registration for a machine", 'issuePermit({ ...ofMachine, proof: { kind: "ticket-over" } });', 2769],
  [
    "a proof that the contract does not know",
    'issuePermit({ ...ofMachine, proof: { kind: "github-says-idle" } });',
    2769,
  ],
];

const MACHINE_LITERAL = `{
  kind: "end-machine", machineId: machinePermit.machineId, providerId: machinePermit.providerId, machineVersion: 1,
  epoch: machinePermit.epoch, proof: "parked", expiresAtMs: Number.POSITIVE_INFINITY,
}`;
const REGISTRATION_LITERAL = `{
  kind: "delete-registration", connection: ticket.connection, scope: ticket.scope, ticketId: ticket.id, ticketVersion: 1,
  runnerId: registrationPermit.runnerId, epoch: registrationPermit.epoch, proof: "ticket-over",
  expiresAtMs: Number.POSITIVE_INFINITY,
}`;

/** TypeScript compares classes by their members: one that is private to the class makes them more than a shape. */
const SHAPES: readonly (readonly [name: string, snippet: string])[] = [
  ["a literal of the same shape as a machine's permit", `void provider.terminate(${MACHINE_LITERAL});`],
  ["a literal of the same shape as a registration's", `void github.deleteRunner(${REGISTRATION_LITERAL});`],
  ["a literal that calls itself a permit", `export const forged: MachinePermit = ${MACHINE_LITERAL};`],
  [
    "a copy with a longer life",
    "void provider.terminate({ ...machinePermit, expiresAtMs: Number.POSITIVE_INFINITY });",
  ],
  ["a copy for another machine", "void provider.terminate({ ...machinePermit, machineId: machine.id });"],
  ["a copy for another registration", "void github.deleteRunner({ ...registrationPermit, ticketVersion: 9 });"],
];

let diagnostics: ReadonlyMap<string, readonly number[]>;

beforeAll(() => {
  const snippets = [["good", GOOD] as const, ...REFUSED, ...SHAPES].map(([name, text]) => [name, text] as const);
  diagnostics = compile(snippets);
});

it("a controller that asks for a permit and passes it on compiles", () => {
  expect(diagnostics.get("good")).toEqual([]);
});

describe("the compiler refuses", () => {
  it.each(REFUSED)("%s", (name, _snippet, code) => {
    expect(diagnostics.get(name)).toEqual([code]);
  });
});

describe("what an attack on this module found", () => {
  // "One pure function makes permits ... types, a dependency rule and a test hold the door."
  it.each(SHAPES)("the compiler refuses %s", (name) => {
    expect(diagnostics.get(name)).not.toEqual([]);
  });
});

/** Compiles each text as a module beside this file that is on no disk. @returns the codes of what is wrong, by name. */
function compile(snippets: readonly (readonly [name: string, text: string])[]): ReadonlyMap<string, readonly number[]> {
  const pathOf = (index: number) => join(HERE, `snippet-${index}.ts`);
  const texts = new Map(snippets.map(([, text], index) => [pathOf(index), `${PREAMBLE}${text}\n`]));
  const options = { ...readOptions(), types: [] };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = texts.get(path);
    return text === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion);
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  return new Map(snippets.map(([name], index) => [name, codesOf(program, pathOf(index))]));
}

function codesOf(program: ts.Program, path: string): readonly number[] {
  const source = program.getSourceFile(path);
  if (source === undefined) throw new Error(`the compiler did not read ${path}`);
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
    ({ code }) => code,
  );
}

function readOptions(): ts.CompilerOptions {
  const { config, error } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
  if (error !== undefined) throw new Error(String(error.messageText));
  return ts.parseJsonConfigFileContent(config, ts.sys, ROOT).options;
}
