/** Writes the answers of EC2's Query protocol. */
import type { Ec2Answer, Ec2Value } from "../../ec2/api.ts";

/** Of a member, what it is called on the wire, what the entries of a list are called, and the names further in. */
export interface WireName {
  readonly wire?: string;
  readonly entry?: string;
  readonly in?: WireNames;
}

export type WireNames = { readonly [member: string]: WireName };

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
const NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";

export function writeAnswer(action: string, answer: Ec2Answer, names: WireNames, requestId: string): string {
  const body = writeElement("requestId", requestId) + writeMembers(answer, names);
  return `${DECLARATION}\n<${action}Response xmlns="${NAMESPACE}">${body}</${action}Response>`;
}

export function writeError(code: string, message: string, requestId: string): string {
  const error = `<Error>${writeElement("Code", code)}${writeElement("Message", message)}</Error>`;
  return `${DECLARATION}\n<Response><Errors>${error}</Errors>${writeElement("RequestID", requestId)}</Response>`;
}

function writeMembers(answer: Ec2Answer, names: WireNames): string {
  return Object.entries(answer)
    .map(([member, value]) => {
      const name = names[member] ?? {};
      return writeValue(name.wire ?? smallFirst(member), value, name);
    })
    .join("");
}

function writeValue(wire: string, value: Ec2Value, name: WireName): string {
  if (value === undefined) return "";
  if (typeof value !== "object") return writeElement(wire, String(value));
  const names = name.in ?? {};
  if (!isList(value)) return `<${wire}>${writeMembers(value, names)}</${wire}>`;
  const entries = value.map((entry) => writeValue(name.entry ?? "item", entry, { in: names }));
  return `<${wire}>${entries.join("")}</${wire}>`;
}

function isList(value: object): value is readonly Ec2Value[] {
  return Array.isArray(value);
}

function smallFirst(member: string): string {
  return member.charAt(0).toLowerCase() + member.slice(1);
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
