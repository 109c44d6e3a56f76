import { describe, expect, it } from "vitest";
import { renderService } from "../../src/render/render.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { exampleEnvironment } from "../support/environments.ts";
import { compileRendered } from "../support/rendered-program.ts";
import { makeRequest, makeTransaction } from "../support/transaction.ts";
import { fetchOf } from "./situations.ts";

const plain = exampleEnvironment("production");
const segmenting: Environment = { ...plain, segmented: { extensions: ["mp4", "7z"] } };
const program = compileRendered(segmenting);

/** vcl_recv of a pass for a page; whether it is to be cached in pieces, and the range that is left. */
function receive(path: string, range?: string): { readonly on: boolean; readonly range: string | null } {
  const transaction = makeTransaction({
    req: makeRequest("/production/production/www.example.com", [
      ["Host", "www.example.com"],
      ["SF-Phase", "page"],
      ["SF-Host", "www.example.com"],
      ["SF-Site-Env", "production"],
      ["SF-Site", "shop"],
      ["SF-Base", "1"],
      ["SF-Path", path],
      ["SF-Query", ""],
      ...(range === undefined ? [] : [["SF-Range", range] as const]),
    ]),
    restarts: 1,
  });
  expect(program.run("recv", transaction)).toEqual({ do: "lookup" });
  return { on: transaction.enableSegmentedCaching, range: transaction.req.headers.get("Range") };
}

describe("segmented caching", () => {
  it("leaves no trace where the settings name no extension", () => {
    const content = renderService(plain).files[0]?.content ?? "";
    expect(content).not.toMatch(/enable_segmented|segmented_caching|SF-Segmented|SF-Whole|"Range"/);
    expect(renderService(segmenting).files[0]?.content).toContain("\\.(?:mp4|7z)$");
  });

  it.each(["/a.mp4", "/a.MP4", "/v/b.7z"])("is on for %s", (path) => {
    expect(receive(path)).toEqual({ on: true, range: null });
  });

  it.each(["/", "/a.html", "/mp4", "/amp4", "/a.mp4.html", "/a.mp4/b", "/a.mp4/", "/a.xmp4"])(
    "is off for %s, whose range stays as it is",
    (path) => {
      expect(receive(path, "bytes=-5")).toEqual({ on: false, range: "bytes=-5" });
    },
  );

  it.each(["bytes=0-", "bytes=5-9", "bytes=7-7", "bytes=10-9000000000"])("keeps %s", (range) => {
    expect(receive("/a.mp4", range)).toEqual({ on: true, range });
  });

  it.each(
    "bytes=-5|bytes=-|bytes=9-5|bytes=10-9|bytes=0-1,3-4|bytes=0-1, -1|bytes= 0-1|lines=1-2|bytes=a-b|bytes=0-1x|0-1|bytes|bytes=1234567890123456-".split(
      "|",
    ),
  )("ignores %s, which Fastly would answer with 501", (range) => {
    expect(receive("/a.mp4", range)).toEqual({ on: true, range: null });
  });

  it("is needed for a part of a file to be an answer of S3", () => {
    const headers = [["Content-Range", "bytes 0-9/20"]] as const;
    const { beresp } = fetchOf({ phase: "page", restarts: 1 }, { status: 206, headers });
    expect(beresp.status).toBe(503);
  });
});
