import { fc } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { HeaderList } from "../../src/http/header-list.ts";
import type { HeaderLine } from "../../src/http/header-list.ts";

const NAMES = ["Via", "via", "VIA", "X-A", "x-a", "X-Ab", "Set-Cookie"];
const name = fc.constantFrom(...NAMES);
const change = fc.oneof(
  fc.record({ do: fc.constant("set" as const), name, value: fc.string({ maxLength: 3 }) }),
  fc.record({ do: fc.constant("add" as const), name, value: fc.string({ maxLength: 3 }) }),
  fc.record({ do: fc.constant("unset" as const), name: fc.oneof(name, fc.constant("x-*")) }),
  fc.record({ do: fc.constant("retain" as const), kept: fc.subarray(["via", "x-a", "x-ab", "set-cookie"]) }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/** What a change means, said plainly on pairs. */
function expected(lines: readonly HeaderLine[], change: Change): readonly HeaderLine[] {
  if (change.do === "add") return [...lines, [change.name, change.value]];
  if (change.do === "retain") return lines.filter(([other]) => change.kept.includes(other.toLowerCase()));
  if (change.do === "unset") {
    const prefix = change.name.endsWith("*") ? change.name.slice(0, -1).toLowerCase() : undefined;
    return lines.filter(([other]) =>
      prefix === undefined ? !sameName(other, change.name) : !other.toLowerCase().startsWith(prefix),
    );
  }
  const at = lines.findIndex(([other]) => sameName(other, change.name));
  if (at === -1) return [...lines, [change.name, change.value]];
  return lines.flatMap((line, index) => {
    if (index === at) return [[change.name, change.value] as const];
    return sameName(line[0], change.name) ? [] : [line];
  });
}

function apply(list: HeaderList, change: Change): void {
  if (change.do === "unset") list.unset(change.name);
  else if (change.do === "add") list.add(change.name, change.value);
  else if (change.do === "retain") list.retain((lower) => change.kept.includes(lower));
  else list.set(change.name, change.value);
}

describe("a header list", () => {
  it("does what the plain rules say, whatever is changed in which order", () => {
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const list = new HeaderList();
        let lines: readonly HeaderLine[] = [];
        for (const one of changes) {
          apply(list, one);
          lines = expected(lines, one);
          expect([...list]).toEqual(lines);
        }
        for (const wanted of NAMES) {
          const values = lines.filter(([other]) => sameName(other, wanted)).map(([, value]) => value);
          expect(list.getAll(wanted)).toEqual(values);
          expect(list.get(wanted)).toBe(values[0] ?? null);
          expect(list.has(wanted)).toBe(values.length > 0);
        }
        expect(list.size).toBe(lines.length);
        expect(list.toFlat()).toEqual(lines.flat());
        expect(list.bytes).toBe(lines.map(([key, value]) => `${key}: ${value}\r\n`).join("").length);
      }),
    );
  });

  it("and its copy do not see each other's changes", () => {
    fc.assert(
      fc.property(fc.array(change), fc.array(change), fc.array(change), (before, onList, onCopy) => {
        const list = new HeaderList();
        for (const one of before) apply(list, one);
        const copy = list.clone();
        const start = [...list];
        for (const one of onCopy) apply(copy, one);
        expect([...list]).toEqual(start);
        const changed = [...copy];
        for (const one of onList) apply(list, one);
        expect([...copy]).toEqual(changed);
      }),
    );
  });

  it("that retains some names asks for each by its lower case, and agrees with a filtered list of its own", () => {
    const kept = fc.subarray(["via", "x-a", "x-ab", "set-cookie"]);
    fc.assert(
      fc.property(fc.array(change), kept, (changes, names) => {
        const list = new HeaderList();
        for (const one of changes) apply(list, one);
        const before = [...list];
        const copy = list.clone();
        const filtered = list.filtered((lower) => names.includes(lower));
        const asked: string[] = [];
        list.retain((lower) => (asked.push(lower), names.includes(lower)));
        expect(asked).toEqual(before.map(([key]) => key.toLowerCase()));
        expect([...list]).toEqual([...filtered]);
        expect([...copy]).toEqual(before);
        list.add("Late", "1");
        expect([...filtered, ["Late", "1"]]).toEqual([...list]);
        expect(copy.has("late")).toBe(false);
      }),
    );
  });

  it("keeps the case and the value of lines from a flat array, and drops a name without a value", () => {
    const list = HeaderList.fromFlat(["Host", "a", "X-Odd", "1", "x-odd", "2", "Left"]);
    expect([...list]).toEqual([
      ["Host", "a"],
      ["X-Odd", "1"],
      ["x-odd", "2"],
    ]);
  });

  it("keeps names apart that a table of names has no room for", () => {
    const list = new HeaderList();
    const names = Array.from({ length: 3_000 }, (_, index) => `X-Stranger-${index}`);
    for (const stranger of names) list.add(stranger, stranger);
    expect(list.get("x-stranger-2999")).toBe("X-Stranger-2999");
    expect(list.get(`X-${"long".repeat(50)}`)).toBeNull();
  });
});
