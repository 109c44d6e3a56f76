import { array, assert, constantFrom, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { logExpression } from "../../../src/mirror/api/log-format.ts";
import { startWhole } from "./whole-fixture.ts";

/** What a visit of `/a?b=1` logs with this format, without what stands before the line. */
async function logged(format: string): Promise<string> {
  const { add, activate, visit, logged: lines } = await startWhole();
  await add("logging/https", { name: "access", format, url: "https://logs.example.com" });
  await activate();
  await visit("/a?b=1", { "x-name": "me", cookie: "c=d" });
  return lines[0]?.line.replace(/^.* :: /s, "") ?? "";
}

describe("a log format", () => {
  test("prints what the documentation says of each directive", async () => {
    const format =
      "%m %U %q %H %>s %B %l %u %k %P %% %{X-Name}i %{Content-Type}o %{c}C %{X}e %{X}n %{x}P %{local}p";
    expect(await logged(format)).toBe("GET /a ?b=1 HTTP/1.1 200 14 - - 0 - % me text/plain d - - - 80");
  });

  test("prints VCL in braces, whose own braces have backslashes, as Terraform's provider sends it", async () => {
    const format = [
      '{ "time": "%{strftime(\\{"%Y-%m-%d"\\}, time.start)}V",',
      '"url": "%{json.escape(req.url)}V", "tls": %{if(req.is_ssl, "true", "false")}V }',
    ].join("\n");
    expect(await logged(format)).toMatch(
      /^\{ "time": "\d{4}-\d\d-\d\d",\s"url": "\\?\/a\?b=1", "tls": false \}$/,
    );
  });

  test("prints times of the beginning and the end, whole and in parts", async () => {
    const [begin = "", end = "", second = "", at = ""] = (
      await logged("%{begin:%Y-%m-%dT%H:%M:%S}t %{end:sec}t %{sec}t %{%s}t")
    ).split(" ");
    expect(begin).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
    expect([end, second]).toEqual([at, at]);
  });

  test("prints a minus for a body without bytes", async () => {
    const { add, activate, visit, logged: lines } = await startWhole();
    await add("logging/https", { name: "access", format: "%b", url: "https://logs.example.com" });
    await activate();
    await visit("/a", {}, "HEAD");
    await visit("/a");
    expect(lines.map(({ line }) => line.replace(/^.* :: /, ""))).toEqual(["-", "10"]);
  });

  test.each(['%{strftime({"%Y"}, now)}V', "%", "%j", "%{}V", "%{X Y}i", "%{open"])(
    "%s is refused",
    (format) => {
      expect(logExpression(format, 2)).toHaveProperty("problem");
    },
  );

  test("of any text is read in time, whatever backslashes and braces it has", () => {
    const piece = constantFrom("%", "{", "}", "\\", "\\{", "\\}", "V", "i", "a", '"');
    const texts = array(piece, { maxLength: 400 }).map((pieces) => pieces.join(""));
    assert(
      property(texts, (text) => {
        const read = logExpression(text, 2);
        expect("problem" in read || read.parts.length > 0).toBe(true);
      }),
    );
  });
});
