import { expect, it } from "vitest";
import {
  decimal,
  flag,
  list,
  QueryRefusal,
  readQuery,
  renamed,
  struct,
  text,
  whole,
} from "../../../src/simulator/server/aws/query-fields.ts";
import { writeAnswer, writeError } from "../../../src/simulator/server/aws/xml.ts";

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

it("writes members by their wire names, lists as items, and leaves out what is not there", () => {
  const answer = {
    Things: [
      { Id: "t-1", Count: 2, IsOn: false, Missing: undefined },
      { Id: "t-2", Names: ["a", "b"] },
    ],
    Empty: [],
    Inner: { State: "x" },
  };
  const names = {
    Things: { wire: "thingSet", in: { Names: { wire: "nameSet", entry: "name" } } },
    Inner: { in: { State: { wire: "innerState" } } },
  };
  expect(writeAnswer("ListThings", answer, names, "r-1")).toBe(
    `${HEAD}<ListThingsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId>` +
      "<thingSet><item><id>t-1</id><count>2</count><isOn>false</isOn></item>" +
      "<item><id>t-2</id><nameSet><name>a</name><name>b</name></nameSet></item></thingSet>" +
      "<empty></empty><inner><innerState>x</innerState></inner></ListThingsResponse>",
  );
});

it.each<[text: string, written: string]>([
  ["a < b & c > d", "a &lt; b &amp; c &gt; d"],
  ["]]>", "]]&gt;"],
  ["line\r\nline\ttab", "line&#13;\nline\ttab"],
  ["\u0000\u0007\u001b\ufffe", "\ufffd\ufffd\ufffd\ufffd"],
  ["\ud800 alone", "\ufffd alone"],
  ["\u{1f980} é", "\u{1f980} é"],
])("escapes %j", (said, written) => {
  expect(writeError("Code", said, "r-1")).toBe(
    `${HEAD}<Response><Errors><Error><Code>Code</Code><Message>${written}</Message></Error></Errors><RequestID>r-1</RequestID></Response>`,
  );
});

const MEMBERS = {
  Name: text,
  Count: whole,
  Share: decimal,
  IsOn: flag,
  Ids: list("Id", text),
  Version: renamed("SetVersion", text),
  Filters: list("Filter", struct<{ Name: string; Values: string[] }>({ Name: text, Values: list("Value", text) })),
};

it("reads parameters into members, whatever their order and whatever numbers lists have", () => {
  const query = "Action=X&Version=2016-11-15&Filter.2.Name=b&Id.10=z&Id.2=y&Filter.1.Value.1=v&Filter.1.Name=a";
  expect(readQuery(new URLSearchParams(`${query}&Count=-3&Share=0.5&IsOn=true&SetVersion=7&Name=`), MEMBERS)).toEqual({
    Filters: [{ Name: "a", Values: ["v"] }, { Name: "b" }],
    Ids: ["y", "z"],
    Count: -3,
    Share: 0.5,
    IsOn: true,
    Version: "7",
    Name: "",
  });
});

it.each<[query: string, code: string]>([
  ["Colour=red", "UnknownParameter"],
  ["Filter.1.Colour=red", "UnknownParameter"],
  ["Id.x=1", "UnknownParameter"],
  ["Id.0=1", "UnknownParameter"],
  ["Count=1.5", "InvalidParameterValue"],
  ["Count=", "InvalidParameterValue"],
  ["Share=x", "InvalidParameterValue"],
  ["IsOn=yes", "InvalidParameterValue"],
])("refuses %s", (query, code) => {
  const read = () => readQuery(new URLSearchParams(query), MEMBERS);
  expect(read).toThrow(QueryRefusal);
  expect(read).toThrow(expect.objectContaining({ code }));
});
