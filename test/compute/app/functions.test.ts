import { fc, test } from "@fast-check/vitest";
import { createHash } from "node:crypto";
import { describe, expect } from "vitest";
import { chooseRange, sliceStream } from "../../../compute/src/lib/ranges.ts";
import { parseHttpDate } from "../../../compute/src/lib/http-dates.ts";
import { unpackInto } from "../../../compute/src/packed-headers.ts";
import { deltaHash, lookUpDelta, packDelta } from "../../../src/site/delta-list.ts";
import { headerNameProblem } from "../../../src/site/header-names.ts";
import { decodePath, encodePath, pageKey } from "../../../src/site/page-key.ts";
import { packHeaders, unpackHeaders } from "../../../src/site/packed-headers.ts";
import { matchRule, packRules, redirectLocation, slotRuleProblem } from "../../../src/site/rule-slots.ts";
import type { SlotRule } from "../../../src/site/rule-slots.ts";
import { Edge } from "./edge.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Which object of the hosting bucket a request asks for, or the status that it gets. */
async function askedFor(edge: Edge, target: string): Promise<string | number> {
  const answer = await edge.get(target);
  const asked = edge.asked.find((line) => line.startsWith("F_hosting"));
  return asked === undefined ? answer.status : asked.replace("F_hosting /pages/test/production/blog/", "");
}

const path = fc
  .array(
    fc.constantFrom(
      "/",
      "a",
      ".",
      "..",
      "%2e",
      "%2F",
      "%",
      "%C3%BC",
      "%ff",
      "+",
      "~",
      "index",
      ".html",
      "\\",
      "%20",
      "?",
    ),
    {
      maxLength: 8,
    },
  )
  .map((parts) => `/${parts.join("")}`);

describe("the app's functions are those of the publisher", () => {
  test.prop([path])("page keys", async (target) => {
    const edge = new Edge().site();
    const [raw = ""] = target.split("?");
    const decoded = decodePath(raw);
    const expected = decoded.kind === "ok" ? `1/${pageKey(encodePath(decoded.path))}` : 400;
    expect(await askedFor(edge, target)).toBe(expected);
  });

  test.prop([
    fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.constantFrom("-", "2", "zz", "abc"), { maxKeys: 8 }),
    fc.stringMatching(/^[a-z]{1,6}$/),
  ])("delta lists", async (changes, other) => {
    const entries = new Map(
      Object.entries(changes).map(([name, release]) => [deltaHash(`${name}.html`, sha), release]),
    );
    const packed = packDelta(entries);
    fc.pre(packed.kind === "ok" && packed.text !== "");
    if (packed.kind !== "ok") return;
    for (const name of [...Object.keys(changes), other]) {
      const release = lookUpDelta(packed.text, deltaHash(`${name}.html`, sha)) ?? "1";
      expect(await askedFor(new Edge().site({ d: packed.text }), `/${name}`)).toBe(`${release}/${name}.html`);
    }
  });

  const header = fc.record({
    kind: fc.constant("set" as const),
    name: fc.stringMatching(/^X-[a-z]{1,8}$/),
    value: fc.stringMatching(/^[!-~](?:[ -~]{0,20}[!-~])?$/),
  });
  test.prop([fc.uniqueArray(header, { selector: ({ name }) => name.toLowerCase(), maxLength: 16 })])(
    "packed headers",
    (wanted) => {
      const known = wanted.filter(({ name }) => headerNameProblem(name) === undefined);
      const text = packHeaders(known);
      expect(unpackHeaders(text)).toEqual({ kind: "ok", headers: known });
      const headers = new Headers();
      unpackInto(headers, new Headers(text === "" ? {} : { "x-amz-meta-h": text }));
      expect([...headers]).toEqual(
        known
          .map(({ name, value }) => [name.toLowerCase(), value])
          .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
      );
    },
  );

  const segment = fc.constantFrom("a", "b", null);
  const rule: fc.Arbitrary<SlotRule> = fc
    .record({
      forced: fc.boolean(),
      status: fc.constantFrom(301 as const, 302 as const, 308 as const),
      segments: fc.array(segment, { maxLength: 3 }),
      splat: fc.boolean(),
      query: fc.constantFrom([], [{ name: "id", value: null }], [{ name: "id", value: "7" }]),
      target: fc.constantFrom("/t", "/t/{1}", "/t/{2}?x=y", "https://e.example/{*}#f", "/t/{a}"),
    })
    .filter((one) => slotRuleProblem(one) === undefined);
  const request = fc.record({
    path: fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
    slash: fc.constantFrom("", "/"),
    query: fc.constantFrom("", "?id=7", "?id=%378&x=1", "?id"),
  });
  test.prop([fc.array(rule, { maxLength: 6 }), request])(
    "rules",
    async (rules, { path: plain, slash, query }) => {
      const target = plain === "/" ? plain : `${plain}${slash}`;
      const asked = { path: target, query: query.slice(1) };
      const match = matchRule(rules, asked, { forced: true }) ?? matchRule(rules, asked, { forced: false });
      const edge = new Edge().site(rules.length === 0 ? {} : { q: packRules(rules) });
      const answer = await edge.get(`${target}${query}`);
      expect([answer.status, answer.headers.get("location")]).toEqual(
        match?.kind === "redirect" ? [match.status, redirectLocation(match)] : [404, null],
      );
    },
  );
});

describe("ranges", () => {
  test.each(["bytes=", "bytes=0-", "bytes ", " "])("that are blanks behind %j are read at once", (start) => {
    expect(chooseRange(`${start}${" ".repeat(100_000)}x`, 10)).toEqual({ kind: "whole" });
  });

  test.prop([
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fc.nat(20), { maxLength: 6 }),
    fc.nat(60),
    fc.nat(60),
  ])("are the bytes of the whole, however it comes in chunks", async (whole, sizes, first, more) => {
    const choice = chooseRange(`bytes=${first}-${first + more}`, whole.length);
    if (first >= whole.length) {
      expect(choice).toEqual({ kind: "unsatisfiable" });
      return;
    }
    if (choice.kind !== "part") throw new Error("a range that begins inside is a part");
    let at = 0;
    const ends = sizes.map((size) => (at += size));
    const bounds = [0, ...ends.filter((end) => end < whole.length), whole.length];
    const chunks = bounds.slice(1).map((end, index) => whole.slice(bounds[index], end));
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    });
    const sliced = new Uint8Array(await new Response(sliceStream(stream, choice.range)).arrayBuffer());
    expect(sliced).toEqual(whole.slice(first, first + more + 1));
  });

  test("break off where the stored body is shorter than it said", async () => {
    const stream = new Response("short").body;
    if (!stream) throw new Error("a text has a body");
    await expect(new Response(sliceStream(stream, { start: 2, end: 9 })).text()).rejects.toThrow(
      "ends before",
    );
  });
});

describe("dates", () => {
  test.prop([fc.date({ min: new Date("1970-01-01"), max: new Date("9999-01-01"), noInvalidDate: true })])(
    "are read as they are written",
    (date) => {
      expect(parseHttpDate(date.toUTCString())).toBe(Math.floor(date.getTime() / 1_000));
    },
  );

  test("are none where they are none", () => {
    for (const text of [
      "",
      "tomorrow",
      "Thu, 30 Feb 2026 00:00:00 GMT",
      "Thu, 01 Jan 2026 24:00:00 GMT",
      "Thu, 01 Foo 2026 00:00:00 GMT",
      "Thu, 01 Jan 2026 00:00:00 CET",
    ]) {
      expect(parseHttpDate(text), text).toBeUndefined();
    }
  });
});
