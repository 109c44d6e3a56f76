import { createHmac } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { HeaderLine } from "../../src/http/header-list.ts";
import { EU_COUNTRIES } from "../../src/site/edge-names.ts";
import { encodePath, pageKey } from "../../src/site/page-key.ts";
import { areaOf, packAreas } from "../../src/site/protected-areas.ts";
import type { ProtectedArea } from "../../src/site/protected-areas.ts";
import { makeTransaction, TEST_NOW } from "../support/transaction.ts";
import { arbitraryFile } from "../site/arbitraries.ts";
import { at, program, run } from "./situations.ts";

const REFUSED = { do: "error", status: 613 } as const;
const SALT = "00112233445566778899aabbccddeeff";

function area(prefix: string, password: string, salt = SALT): ProtectedArea {
  return { prefix, salt, verifier: createHmac("sha256", salt).update(password, "utf8").digest("hex") };
}

/** vcl_recv of the pass after the config lookup. */
function ask(path: string, headers: readonly HeaderLine[]): ReturnType<typeof run> {
  const transaction = at({ phase: "page", headers });
  transaction.req.headers.set("SF-Path", path);
  return run("recv", transaction);
}

function credentials(password: string, user = "x"): HeaderLine {
  return ["SF-Credentials", Buffer.from(`${user}:${password}`, "utf8").toString("base64")];
}

const folder = fc
  .array(
    fc.oneof(
      fc.constantFrom("a", "b", "docs", "v1.2", "a.html", "index.html"),
      arbitraryFile.map((f) => f.split("/")[0] ?? "x"),
    ),
    {
      maxLength: 3,
    },
  )
  .map((segments) => segments.map((segment) => `${encodePath(segment)}/`).join(""))
  .map((path) => `/${path}`);
const areas = fc
  .uniqueArray(folder, { minLength: 1, maxLength: 4 })
  .map((prefixes) => prefixes.map((prefix) => area(prefix, `password of ${prefix}`)));
const ending = fc.constantFrom("", "/", ".html", "/index.html", "/x", "/x.html", "x", "/index");

describe("rendered VCL and the site model agree", () => {
  test.prop([areas, fc.nat(), ending, arbitraryFile.map((file) => `/${encodePath(file)}`)], { numRuns: 400 })(
    "on which protected area a path lies in, and on whose password opens it",
    (list, pick, end, free) => {
      const chosen = list[pick % list.length]?.prefix.replace(/\/$/, "") ?? "";
      const path = pick % 3 === 0 ? free : chosen + end || "/";
      const config: HeaderLine = ["SF-Config-W", packAreas(list)];
      const inside = areaOf(list, path);
      const found = ask(path, [config]);
      if (inside === undefined) {
        expect(found).toEqual({ do: "lookup" });
        return;
      }
      expect(found).toMatchObject(REFUSED);
      for (const { prefix } of list) {
        const action = ask(path, [config, credentials(`password of ${prefix}`)]);
        if (prefix === inside.prefix) expect(action).toEqual({ do: "lookup" });
        else expect(action).toMatchObject(REFUSED);
      }
    },
  );

  test.prop([areas, folder, ending], { numRuns: 300 })(
    "that one page's spellings are all inside or all outside of an area",
    (list, prefix, end) => {
      const stem = prefix.replace(/\/$/, "");
      const key = pageKey(stem + end || "/");
      const spellings = [stem, `${stem}/`, `${stem}.html`, `${stem}/index.html`, stem + end || "/"]
        .filter((path) => path.startsWith("/") && pageKey(path) === key)
        // `/index` is the front page under a name that no file of the site has.
        .filter((path) => path !== "/index");
      const config: HeaderLine = ["SF-Config-W", packAreas(list)];
      const actions = new Set(spellings.map((path) => ask(path, [config]).do));
      expect(actions.size).toBeLessThanOrEqual(1);
    },
  );

  test.prop([
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
    fc.string({ unit: "grapheme", maxLength: 10 }),
  ])("on the verifier of every password, whatever the user name", (password, user) => {
    fc.pre(!/[\0:]/.test(user) && !password.includes("\0") && !/\p{Surrogate}/u.test(password + user));
    const config: HeaderLine = ["SF-Config-W", packAreas([area("/", password)])];
    expect(ask("/about", [config, credentials(password, user)])).toEqual({ do: "lookup" });
    expect(ask("/about", [config, credentials(`${password}x`, user)])).toMatchObject(REFUSED);
  });

  test.prop([fc.string({ unit: fc.constantFrom(..."0123|=:/abcdef%.".split("")), maxLength: 60 })], {
    numRuns: 400,
  })("that areas which cannot be read close everything", (text) => {
    const packed = packAreas([area("/a/", "one"), area("/b/", "two")]);
    for (const value of [text, `${packed}|${text}`, packed.slice(0, -1 - (text.length % 40))]) {
      if (value === "" || value === packed) continue;
      const action = ask("/elsewhere", [["SF-Config-W", value]]);
      // What is lost at the end of a path leaves a shorter one, which protects more, or none.
      if (action.do === "lookup") expect(value).toMatch(/^0=[0-9a-f]{32}:[0-9a-f]{64}:\/a\/$/);
      else
        expect(action).toMatchObject({
          do: "error",
          status: /^0=[^|]*:\/$|\|1=[^|]*:\/$/.test(value) && !value.endsWith(`|${text}`) ? 613 : 607,
        });
    }
  });

  it("on the countries of the EU", () => {
    const country = (code: string) => {
      const transaction = at({ phase: "page", headers: [["SF-Config-G", "1"]] });
      const geo = new Map<string, string | number>([["country_code", code]]);
      return run("recv", { ...transaction, client: { ...transaction.client, geo } });
    };
    expect(EU_COUNTRIES).toHaveLength(27 + 7);
    for (const code of EU_COUNTRIES) expect(country(code)).toEqual({ do: "lookup" });
    for (const code of ["US", "GB", "CH", "NO", "IS", "LI", "XK", "de", "", "?", "EU", "**"]) {
      expect(country(code)).toMatchObject({ do: "error", status: 612 });
    }
  });

  it.each([
    [TEST_NOW - 1, true],
    [TEST_NOW, true],
    [TEST_NOW + 1, false],
    [99_999_999_999, false],
  ])("that a host which ends at %i has ended: %s", (end, ended) => {
    const action = ask("/about", [["SF-Config-O", String(end)]]);
    expect(action).toMatchObject(ended ? { do: "error", status: 611 } : { do: "lookup" });
  });
});

describe("credentials", () => {
  const basic = `Basic ${Buffer.from("user:a secret password").toString("base64")}`;

  it("are taken out of the request at the edge, and kept only for a host with protected areas", () => {
    const transaction = makeTransaction({ restarts: 0 });
    transaction.req.headers.set("Authorization", basic);
    run("recv", transaction);
    expect(transaction.req.headers.get("Authorization")).toBeNull();
    expect(transaction.req.headers.get("SF-Credentials")).toBe(basic.slice(6));
    const page = at({ phase: "page", headers: [["SF-Credentials", basic.slice(6)]] });
    run("recv", page);
    expect(page.req.headers.get("SF-Credentials")).toBeNull();
  });

  it.each(["shield", "origin"] as const)("never leave for the %s", (to) => {
    const backend =
      to === "shield" ? program.directors.get("ssl_shield_iad_va_us") : program.backends.get("F_hosting");
    if (!backend) throw new Error("no backend");
    for (const state of ["miss", "pass"] as const) {
      const config: HeaderLine = ["SF-Config-W", packAreas([area("/", "a secret password")])];
      const transaction = at({ phase: "page", headers: [config, ["SF-Credentials", basic.slice(6)]] });
      const bereq = { ...transaction.req, headers: transaction.req.headers.clone() };
      run(state, Object.assign(transaction, { bereq, backend }));
      const sent = [...bereq.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      expect(sent).not.toContain(basic.slice(6));
      expect(sent).not.toContain(SALT);
      expect(sent).not.toMatch(/^(?:Authorization: Basic|SF-Credentials|SF-Config)/m);
    }
  });

  it("are asked for again on the page that a rule shows, with what was sent at first", () => {
    const list = [area("/team/", "team"), area("/team/board/", "board")];
    const config: HeaderLine = ["SF-Config-W", packAreas(list)];
    const rewrite = (path: string, headers: readonly HeaderLine[]) => {
      const transaction = at({
        phase: "rewrite",
        restarts: 2,
        headers: [config, ["SF-Status", "200"], ...headers],
      });
      transaction.req.headers.set("SF-Path", path);
      return run("recv", transaction);
    };
    expect(rewrite("/team/plan", [])).toMatchObject(REFUSED);
    expect(rewrite("/team/plan", [credentials("team")])).toEqual({ do: "lookup" });
    expect(rewrite("/team/board/x", [credentials("team")])).toMatchObject(REFUSED);
    expect(rewrite("/open", [])).toEqual({ do: "lookup" });
  });
});
