import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { HeaderList } from "../../../src/http/header-list.ts";
import { addVary, varyMatches, varyNames, varySpec } from "../../../src/mirror/edge/vary.ts";

const headers = fc
  .array(fc.tuple(fc.constantFrom("A", "b", "C"), fc.constantFrom("1", "2", "1, 2", "1,2", "")), {
    maxLength: 5,
  })
  .map((lines) => HeaderList.from(lines));
const vary = fc.array(fc.constantFrom("A", "B", "c", "*"), { maxLength: 4 }).map((names) => names.join(", "));

property.prop([vary, headers])("a request always selects the variant it made", (value, request) => {
  expect(varyMatches(varySpec(HeaderList.from([["Vary", value]]), request), request)).toBe(true);
});

property.prop([vary, headers, headers])(
  "what Vary does not name cannot tell variants apart",
  (value, first, second) => {
    const response = HeaderList.from([["Vary", value]]);
    const normal = (list: HeaderList, name: string): string | null =>
      list.has(name) ? list.getAll(name).join(",") : null;
    const same = varyNames(response).every((name) => normal(first, name) === normal(second, name));
    expect(varyMatches(varySpec(response, first), second)).toBe(same);
  },
);

test("Vary: * is ignored, as on Fastly", () => {
  expect(varyNames(HeaderList.from([["Vary", "*, Accept"]]))).toEqual(["accept"]);
});

test("addVary keeps what is there and adds a name once", () => {
  const response = HeaderList.from([
    ["Vary", "Origin"],
    ["Vary", "X"],
  ]);
  addVary(response, "Accept-Encoding");
  addVary(response, "accept-encoding");
  expect(response.getAll("Vary")).toEqual(["Origin, X, Accept-Encoding"]);
});
