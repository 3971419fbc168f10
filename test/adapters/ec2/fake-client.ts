/** A client that answers as a test tells it: what the official client would send is seen as it is, without a wire. */
import type { EC2Client } from "@aws-sdk/client-ec2";
import type { Ec2Clients } from "../../../src/adapters/ec2/client.ts";

export interface Sent {
  /** `TerminateInstances`, as EC2's reference has it. */
  readonly call: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks at is the input of whichever call it was
  readonly input: any;
}

/** Answers or throws; what it does not know of is an error of the test. */
export type Answer = (input: Sent["input"], count: number) => unknown;

export interface FakeEc2 {
  readonly clients: Ec2Clients;
  readonly sent: Sent[];
  /** Of one call, what was sent. */
  inputs(call: string): readonly Sent["input"][];
  answers: Record<string, Answer>;
}

export function fakeEc2(answers: Record<string, Answer> = {}): FakeEc2 {
  const sent: Sent[] = [];
  const fake: FakeEc2 = {
    sent,
    answers,
    inputs: (call) => sent.filter((one) => one.call === call).map(({ input }) => input),
    clients: {} as Ec2Clients,
  };
  const client = {
    send: async (command: { readonly input: unknown; readonly constructor: { readonly name: string } }) => {
      const call = command.constructor.name.replace(/Command$/, "");
      sent.push({ call, input: command.input });
      const answer = fake.answers[call];
      if (answer === undefined) throw new Error(`nobody said what ${call} answers`);
      return answer(command.input, fake.inputs(call).length);
    },
  } as unknown as EC2Client;
  Object.assign(fake.clients, { read: client, write: client, launch: client });
  return fake;
}

/** What the official client throws for an answer of EC2's. */
export function ec2Error(code: string, message = code, httpStatusCode = 400): Error {
  const error = new Error(message);
  error.name = code;
  return Object.assign(error, { $fault: httpStatusCode >= 500 ? "server" : "client", $metadata: { httpStatusCode } });
}

export function throwing(code: string, message?: string, httpStatusCode?: number): Answer {
  return () => {
    throw ec2Error(code, message, httpStatusCode);
  };
}
