/** Writes the answers of AWS's Query protocols: EC2's own, and the one of the other services. */
import type { AwsAnswer, AwsValue } from "../../aws/answer.ts";

/** Of a member, what it is called on the wire, what the entries of a list are called, and the names further in. */
export interface WireName {
  readonly wire?: string;
  readonly entry?: string;
  readonly in?: WireNames;
}

export type WireNames = { readonly [member: string]: WireName };

/** What a member is called unless its own name says otherwise, and an entry of a list. */
interface Manner {
  readonly rename: (member: string) => string;
  readonly entry: string;
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
const EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";
const EC2_MANNER: Manner = { rename: (member) => member.charAt(0).toLowerCase() + member.slice(1), entry: "item" };
const QUERY_MANNER: Manner = { rename: (member) => member, entry: "member" };

/** As EC2 writes it. */
export function writeAnswer(action: string, answer: AwsAnswer, names: WireNames, requestId: string): string {
  const body = writeElement("requestId", requestId) + writeMembers(answer, names, EC2_MANNER);
  return `${DECLARATION}\n<${action}Response xmlns="${EC2_NAMESPACE}">${body}</${action}Response>`;
}

export function writeError(code: string, message: string, requestId: string): string {
  const error = `<Error>${writeElement("Code", code)}${writeElement("Message", message)}</Error>`;
  return `${DECLARATION}\n<Response><Errors>${error}</Errors>${writeElement("RequestID", requestId)}</Response>`;
}

/** As the other services write it. */
export function writeQueryAnswer(action: string, answer: AwsAnswer, namespace: string, requestId: string): string {
  const result = `<${action}Result>${writeMembers(answer, {}, QUERY_MANNER)}</${action}Result>`;
  const metadata = `<ResponseMetadata>${writeElement("RequestId", requestId)}</ResponseMetadata>`;
  return `${DECLARATION}\n<${action}Response xmlns="${namespace}">${result}${metadata}</${action}Response>`;
}

/** @param side whose fault it is: that of who called, or of the service. */
export function writeQueryError(
  { code, message, side }: { readonly code: string; readonly message: string; readonly side: "Sender" | "Receiver" },
  namespace: string,
  requestId: string,
): string {
  const error = writeElement("Type", side) + writeElement("Code", code) + writeElement("Message", message);
  const request = writeElement("RequestId", requestId);
  return `${DECLARATION}\n<ErrorResponse xmlns="${namespace}"><Error>${error}</Error>${request}</ErrorResponse>`;
}

function writeMembers(answer: AwsAnswer, names: WireNames, manner: Manner): string {
  return Object.entries(answer)
    .map(([member, value]) => {
      const name = names[member] ?? {};
      return writeValue(name.wire ?? manner.rename(member), value, name, manner);
    })
    .join("");
}

function writeValue(wire: string, value: AwsValue, name: WireName, manner: Manner): string {
  if (value === undefined) return "";
  if (typeof value !== "object") return writeElement(wire, String(value));
  const names = name.in ?? {};
  if (!isList(value)) return `<${wire}>${writeMembers(value, names, manner)}</${wire}>`;
  const entries = value.map((entry) => writeValue(name.entry ?? manner.entry, entry, { in: names }, manner));
  return `<${wire}>${entries.join("")}</${wire}>`;
}

function isList(value: object): value is readonly AwsValue[] {
  return Array.isArray(value);
}

function writeElement(name: string, text: string): string {
  return `<${name}>${escapeText(text)}</${name}>`;
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;" };
/** What XML 1.0 cannot hold, not even escaped. */
const UNSPEAKABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

function escapeText(text: string): string {
  return text.replace(UNSPEAKABLE, "\ufffd").replace(/[&<>\r]/g, (letter) => ESCAPES[letter] ?? letter);
}
