import { expect, test } from "vitest";
import { HeaderList } from "../../../src/http/header-list.ts";
import { textShower } from "../../../src/mirror/edge/shown-text.ts";
import { changesBetween, headersOf } from "../../../src/mirror/edge/trace-fields.ts";

const show = textShower(["s3cret-value"], 10);
const fields = (value: string): ReadonlyMap<string, string> => new Map([["req.http.X", value]]);

test.each([
  ["bytes that are the same text when they are no UTF-8", "\xff", "\xfe"],
  ["one blank at the end", "a", "a "],
  ["what is beyond the text that is shown", `${"a".repeat(50)}b`, `${"a".repeat(50)}c`],
  ["what is covered", "s3cret-value", "(private)"],
  ["case", "A", "a"],
])("a change of %s is a change", (_what, before, after) => {
  const changes = changesBetween(fields(before), fields(after), show);
  expect(changes).toEqual([{ name: "req.http.X", before: show(before), after: show(after) }]);
  expect(changesBetween(fields(before), fields(before), show)).toEqual([]);
});

test("what was not there and what is gone are null, and an empty value is neither", () => {
  const none = new Map<string, string>();
  expect(changesBetween(none, fields(""), show)).toEqual([{ name: "req.http.X", before: null, after: "" }]);
  expect(changesBetween(fields(""), none, show)).toEqual([{ name: "req.http.X", before: "", after: null }]);
});

test("a change of a secret header shows its lengths, also where both have the same", () => {
  const before = new Map([["bereq.http.Cookie", "a=1"]]);
  const after = new Map([["bereq.http.Cookie", "a=2"]]);
  const shown = { name: "bereq.http...", before: "(3 bytes)", after: "(3 bytes)" };
  expect(changesBetween(before, after, show)).toEqual([shown]);
  expect(headersOf(HeaderList.from([["COOKIE", "a=1"]]), show)).toEqual([["COOKIE", "(3 bytes)"]]);
});
