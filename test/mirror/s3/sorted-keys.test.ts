import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import { listKeys } from "../../../src/mirror/s3/listing.ts";
import { SortedKeys, compareUtf8 } from "../../../src/mirror/s3/sorted-keys.ts";

const key = fc.string({ unit: fc.constantFrom("a", "b", "/", "é", "\ufb01", "\u{1f600}"), maxLength: 4 });

function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

test.prop([key, key])("orders two keys as their UTF-8 bytes do", (left, right) => {
  expect(Math.sign(compareUtf8(left, right))).toBe(byBytes(left, right));
});

test.prop([fc.uniqueArray(key), fc.array(fc.tuple(fc.boolean(), key), { maxLength: 60 }), key])(
  "holds what was added and not removed, in order, from any place on",
  (first, changes, from) => {
    const sorted = SortedKeys.from(first);
    const model = new Set(first);
    for (const [adds, changed] of changes) {
      if (!adds) {
        sorted.delete(changed);
        model.delete(changed);
      } else if (!model.has(changed)) {
        sorted.add(changed);
        model.add(changed);
      }
    }
    const all = [...model].sort(byBytes);
    expect([...sorted.from("")]).toEqual(all);
    expect(sorted.size).toBe(all.length);
    expect([...sorted.from(from)]).toEqual(all.filter((other) => byBytes(other, from) >= 0));
    expect([...sorted.after(from)]).toEqual(all.filter((other) => byBytes(other, from) > 0));
    expect([...sorted.afterPrefix(from)]).toEqual(
      all.filter((other) => byBytes(other, from) > 0 && !other.startsWith(from)),
    );
  },
);

it("stays in order through many chunks of keys, astral ones among them", () => {
  const keys = Array.from(
    { length: 5000 },
    (_, index) => `${(index * 7919) % 5000}${index % 1000 === 999 ? "\u{1f600}" : "\ufb01"}`,
  );
  const sorted = new SortedKeys();
  for (const added of keys) sorted.add(added);
  expect([...sorted.from("")]).toEqual([...keys].sort(byBytes));
  for (const removed of keys.slice(0, 4900)) sorted.delete(removed);
  expect([...sorted.from("")]).toEqual(keys.slice(4900).sort(byBytes));
});

it("lists folders without walking what is in them", () => {
  const keys = SortedKeys.from(Array.from({ length: 100_000 }, (_, index) => `${index % 10}/${index}`));
  let steps = 0;
  const counting = new Proxy(keys, {
    get(target, name) {
      const method = Reflect.get(target, name, target) as unknown;
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        const iterator = Reflect.apply(method, target, args) as Iterator<string>;
        return { next: () => (steps++, iterator.next()) };
      };
    },
  });
  const page = listKeys(counting, {
    prefix: "",
    delimiter: "/",
    after: undefined,
    skipGroup: false,
    maxKeys: 1000,
  });
  expect(page.items.map(({ text }) => text)).toEqual([
    "0/",
    "1/",
    "2/",
    "3/",
    "4/",
    "5/",
    "6/",
    "7/",
    "8/",
    "9/",
  ]);
  expect(steps).toBe(11);
});
