import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { HeaderLine } from "../../src/http/header-list.ts";
import { headerNameProblem, nativeHeader } from "../../src/site/header-names.ts";
import { EDGE_DEFAULT_HEADERS, packHeaders, unpackHeaders } from "../../src/site/packed-headers.ts";
import type { PackedHeader } from "../../src/site/packed-headers.ts";
import { makeResponse } from "../support/transaction.ts";
import { at, fetchOf, run } from "./situations.ts";

const PAGE = { phase: "page", restarts: 1 } as const;
/** What S3's answer has besides, and Fastly's key. */
const OWN = ["content-type", "etag", "surrogate-key", "sf-without"];

/** The headers that vcl_fetch makes of a packed value, names in lower case. */
function fetchHeaders(packed: string, status = 200): ReadonlyMap<string, string> {
  const headers: HeaderLine[] = [
    ["Content-Type", "image/png"],
    ["ETag", '"1"'],
    ["x-amz-meta-h", packed],
  ];
  const { beresp } = fetchOf(PAGE, { status, headers });
  return new Map([...beresp.headers].map(([name, value]) => [name.toLowerCase(), value]));
}

function isFree(name: string): boolean {
  return headerNameProblem(name) === undefined && nativeHeader(name.toLowerCase()) === undefined;
}

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/).filter(isFree);
const value = fc.oneof(
  fc.stringMatching(/^[!-~](?:[ -~]{0,40}[!-~])?$/),
  fc.string({
    unit: fc.constantFrom("%", "|", "+", '"', "=", ":", "!", "2", "0", ","),
    minLength: 1,
    maxLength: 12,
  }),
  fc.stringMatching(/^a {1,5}b {0,3}c$/),
);
const header: fc.Arbitrary<PackedHeader> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("set"), name, value }) },
  fc.record({ kind: fc.constant("remove"), name: fc.constantFrom(...EDGE_DEFAULT_HEADERS) }),
);
const headers = fc.uniqueArray(header, {
  maxLength: 16,
  selector: (entry) => entry.name.toLowerCase(),
});

describe("rendered VCL and the site model agree", () => {
  test.prop([headers, fc.constantFrom(200, 206)], { numRuns: 400 })(
    "on the headers of every file",
    (list, status) => {
      const packed = packHeaders(list);
      const unpacked = unpackHeaders(packed);
      expect(unpacked).toEqual({ kind: "ok", headers: list });
      const got = fetchHeaders(packed, status);
      const set = list.flatMap((entry) =>
        entry.kind === "set" ? [[entry.name.toLowerCase(), entry.value] as const] : [],
      );
      expect(new Map([...got].filter(([key]) => !OWN.includes(key)))).toEqual(new Map(set));
    },
  );

  test.prop([headers], { numRuns: 200 })("on the defaults that a file does not want", (list) => {
    const got = fetchHeaders(packHeaders(list));
    const resp = makeResponse(200, [...got]);
    expect(run("deliver", at(PAGE, { resp }))).toEqual({ do: "deliver" });
    for (const known of EDGE_DEFAULT_HEADERS) {
      const entry = list.find((one) => one.name.toLowerCase() === known.toLowerCase());
      if (entry === undefined) expect(resp.headers.get(known)).not.toBeNull();
      else expect(resp.headers.get(known)).toBe(entry.kind === "set" ? entry.value : null);
    }
    expect([...resp.headers].map(([key]) => key.toLowerCase())).not.toContain("x-amz-meta-h");
  });
});

describe("an object that publishing did not write", () => {
  const hostileName = fc.oneof(
    fc.constantFrom(
      "Set-Cookie",
      "Surrogate-Key",
      "Surrogate-Control",
      "Fastly-Debug",
      "x-amz-meta-l",
      "SF-Stale",
    ),
    fc.constantFrom(
      "Content-Length",
      "Transfer-Encoding",
      "Connection",
      "Location",
      "Vary",
      "ETag",
      "Content-Encoding",
    ),
    fc.constantFrom("", " ", "X A", "X:A", "X\u00e9", "-x", "a".repeat(101)),
    name,
  );
  const hostileValue = fc.oneof(
    fc.constantFrom(
      "%0D%0ASet-Cookie:a=b",
      "a%0A",
      "%00",
      "a%00b",
      "%7f",
      "%c3%bc",
      "%20a",
      "a%20",
      "%zz",
      "+",
      "%",
      "",
    ),
    value,
  );
  const slot = fc.constantFrom("0", "1", "7", "f", "F", "g", "", "00");
  const hostile = fc
    .array(
      fc.tuple(
        slot,
        fc.constantFrom("=", "", "=!", "=="),
        hostileName,
        fc.constantFrom(":", "", "::"),
        hostileValue,
      ),
      {
        maxLength: 20,
      },
    )
    .map((parts) => parts.map((part) => part.join("")).join("|"));

  test.prop([hostile], { numRuns: 600 })(
    "gets no header that the edge or a browser would take amiss",
    (packed) => {
      const got = fetchHeaders(packed);
      for (const [key, text] of got) {
        if (OWN.includes(key)) continue;
        expect(isFree(key)).toBe(true);
        expect(text).toMatch(/^[!-~](?:[ -~]*[!-~])?(?![^])/);
      }
      expect(got.get("content-type")).toBe("image/png");
      expect(got.get("etag")).toBe('"1"');
      expect(got.get("surrogate-key")).toMatch(/ p:[0-9a-f]{16}$/);
    },
  );

  it("cannot give headers to a redirect", () => {
    const { beresp } = fetchOf(PAGE, {
      status: 200,
      headers: [
        ["x-amz-meta-l", "/new"],
        ["x-amz-meta-c", "301"],
        ["x-amz-meta-h", "0=X-Own:1"],
      ],
    });
    expect(beresp.status).toBe(301);
    expect(beresp.headers.get("X-Own")).toBeNull();
  });
});

describe("a 304", () => {
  it("does not renew headers that the file may have otherwise", () => {
    const resp = makeResponse(304, [["ETag", '"1"']]);
    run("deliver", at(PAGE, { resp }));
    for (const known of EDGE_DEFAULT_HEADERS) expect(resp.headers.get(known)).toBeNull();
  });
});
