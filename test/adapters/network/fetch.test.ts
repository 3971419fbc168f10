// Real sockets: TLS by an authority of one's own, and a proxy that speaks CONNECT.
import { describe, expect, it, vi } from "vitest";
import { createFetch, type Network } from "../../../src/adapters/network/fetch.ts";
import { HoldfastError } from "../../../src/domain/errors.ts";
import { connect, failureOf, TOKEN, tellWhole } from "../github/stand-in.ts";
import { AUTHORITY_PEM } from "./certificates.ts";
import { type Misbehaviour, NO_RUNNERS, startGitHub, startProxy } from "./place.ts";

const ACME = { kind: "organization", organization: "acme" } as const;
const PLAIN: Network = { caPem: AUTHORITY_PEM, proxy: null, environment: {} };

function listRunners(origin: string, network: Partial<Network> = {}) {
  const fetch = createFetch({ ...PLAIN, ...network });
  return connect(origin, { fetch }).github.listRunners(ACME);
}

async function causeOf(promise: Promise<unknown>): Promise<string> {
  const error = await failureOf(promise);
  expect(error).toMatchObject({ name: "GitHubError", code: "github-unavailable" });
  expect(tellWhole(error)).not.toContain(TOKEN);
  return error.cause instanceof Error ? error.cause.message : "";
}

describe("a certificate authority of one's own", () => {
  it("is trusted where it is given", async () => {
    const { port, asked } = await startGitHub();
    await expect(listRunners(`https://127.0.0.1:${port}`)).resolves.toEqual([]);
    expect(asked).toHaveLength(1);
  });

  it("is not where it is not, and the error says why", async () => {
    const { port, asked } = await startGitHub();
    const cause = await causeOf(listRunners(`https://127.0.0.1:${port}`, { caPem: null }));
    expect(cause).toMatch(/unable to verify the first certificate/);
    expect(asked).toEqual([]);
  });

  it("a certificate of another name is refused, and the error says why", async () => {
    const { port } = await startGitHub();
    const proxy = await startProxy(port);
    const there = listRunners(`https://other.test:${port}`, { proxy: { url: proxy.url, except: [] } });
    expect(await causeOf(there)).toMatch(/other\.test/);
  });

  it("text that is no certificate is refused at once", () => {
    const caPem = "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n";
    expect(() => createFetch({ ...PLAIN, caPem })).toThrow(HoldfastError);
  });
});

describe("a proxy", () => {
  it("of the configuration is used, with its name and password, and finds GitHub's name itself", async () => {
    const { port, asked } = await startGitHub();
    const proxy = await startProxy(port);
    const url = proxy.url.replace("//", "//user:p%40ss@");
    await listRunners("https://github.test", { proxy: { url, except: [] } });
    expect(proxy.asked).toEqual([`github.test:443 Basic ${Buffer.from("user:p@ss").toString("base64")}`]);
    expect(asked).toEqual(["GET github.test /orgs/acme/actions/runners?per_page=100&page=1"]);
  });

  it.each<readonly [string, (url: string) => Partial<Network>, boolean]>([
    ["an exception", (url) => ({ proxy: { url, except: ["localhost"] } }), false],
    ["an exception among others", (url) => ({ proxy: { url, except: ["a.test", ".b.test", "localhost"] } }), false],
    ["an exception for something else", (url) => ({ proxy: { url, except: ["github.test"] } }), true],
    ["HTTPS_PROXY", (url) => ({ environment: { HTTPS_PROXY: url } }), true],
    ["https_proxy", (url) => ({ environment: { https_proxy: url } }), true],
    ["HTTPS_PROXY and NO_PROXY", (url) => ({ environment: { HTTPS_PROXY: url, NO_PROXY: "localhost" } }), false],
    ["no_proxy of all", (url) => ({ environment: { HTTPS_PROXY: url, no_proxy: "*" } }), false],
    ["an empty variable", () => ({ environment: { HTTPS_PROXY: "" } }), false],
    [
      "the configuration before the environment",
      (url) => ({ proxy: { url, except: [] }, environment: { HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "*" } }),
      true,
    ],
  ])("%s", async (_name, network, isUsed) => {
    const { port } = await startGitHub();
    const proxy = await startProxy(port);
    await expect(listRunners(`https://localhost:${port}`, network(proxy.url))).resolves.toEqual([]);
    expect(proxy.asked).toEqual(isUsed ? [`localhost:${port}`] : []);
  });

  it("the variables of the process itself are nobody's business here", async () => {
    const { port } = await startGitHub();
    vi.stubEnv("HTTPS_PROXY", "http://127.0.0.1:1");
    vi.stubEnv("https_proxy", "http://127.0.0.1:1");
    await expect(listRunners(`https://localhost:${port}`)).resolves.toEqual([]);
    vi.unstubAllEnvs();
  });

  it.each([407, 403, 502])("that refuses with %i: the error says so", async (status) => {
    const { port, asked } = await startGitHub();
    const proxy = await startProxy(port, status);
    const url = proxy.url.replace("//", "//user:PROXYSECRET@");
    const error = await failureOf(listRunners("https://github.test", { proxy: { url, except: [] } }));
    expect(error).toMatchObject({ code: "github-unavailable", cause: { message: `proxy refused: ${status}` } });
    expect(tellWhole(error)).not.toContain("PROXYSECRET");
    expect(asked).toEqual([]);
  });

  it("that is not there: the error says so", async () => {
    const proxy = { url: "http://127.0.0.1:1", except: [] };
    expect(await causeOf(listRunners("https://github.test", { proxy }))).toMatch(/ECONNREFUSED/);
  });
});

describe("an answer that does not come whole says nothing, and why", () => {
  const HEAD = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${NO_RUNNERS.length}\r\n\r\n`;

  it.each<readonly [string, Misbehaviour, RegExp]>([
    ["reset before any of it", (_socket, reset) => reset(), /ECONNRESET/],
    [
      "half of it, then reset",
      (socket) => write(socket, HEAD + NO_RUNNERS.slice(0, 9)),
      /ECONNRESET|terminated|closed/i,
    ],
    ["half of its head", (socket) => write(socket, HEAD.slice(0, 30)), /closed|ECONNRESET|socket/i],
    ["no HTTP", (socket) => write(socket, "SSH-2.0-OpenSSH_9.6\r\n"), /HTTP/],
  ])("%s", async (_name, answer, cause) => {
    const { port } = await startGitHub(answer);
    expect(await causeOf(listRunners(`https://localhost:${port}`))).toMatch(cause);
  });

  it("one whose body stops coming is given up by the time limit of the whole exchange", async () => {
    const limit = new AbortController();
    const limits = vi.spyOn(AbortSignal, "timeout").mockReturnValue(limit.signal);
    const { port } = await startGitHub((socket) => {
      socket.write(HEAD + NO_RUNNERS.slice(0, 9), () => {
        limit.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
      });
    });
    const { github, telemetry } = connect(`https://localhost:${port}`, { fetch: createFetch(PLAIN) });
    expect(await causeOf(github.listRunners(ACME))).toMatch(/timeout/);
    expect(telemetry.counts).toEqual(["list-runners timeout"]);
    expect(limits).toHaveBeenCalledExactlyOnceWith(10_000);
    limits.mockRestore();
  });
});

function write(socket: { write(text: string, then: () => void): unknown; destroy(): unknown }, text: string): void {
  socket.write(text, () => socket.destroy());
}
