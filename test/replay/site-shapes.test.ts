import { describe, expect, it } from "vitest";
import { linesOf, replay, SEGMENT, sideWith, DELIVER_END, testEnvironment } from "./replay-fixture.ts";
import { BUCKET, PREVIEW_HOST, ShapedSite, SITE_HOST } from "./shaped-site.ts";

const source = new ShapedSite({ serverEnv: testEnvironment().name, segment: SEGMENT });
const sample = { kind: "sample", sites: "all" } as const;

describe("a replay over a site that has more than pages", () => {
  it("sees a change that only rules of a bucket come by, with the request that leads there", async () => {
    const after = sideWith(['"/rules/" re.group.1', '"/elsewhere/" re.group.1']);
    const { changes } = await replay(after, { count: 1, work: sample, source });
    expect(changes.length).toBeGreaterThan(0);
    for (const { request } of changes) expect(request.url).toContain(`/${BUCKET.segment}/`);
    const [first] = changes;
    expect(first?.before).toMatchObject({ status: 301 });
    expect(first?.before.headers).toContainEqual(["Location", expect.stringContaining("/shop/")]);
    expect(first?.after.status).not.toBe(301);
  });

  it("sees a change that only a preview host comes by", async () => {
    const statement = `if (req.http.SF-Host == "${PREVIEW_HOST}") {\n  set resp.http.X-Preview = "1";\n}`;
    const after = sideWith([DELIVER_END, `${statement}\n${DELIVER_END}`]);
    const { changes, summary } = await replay(after, { count: 1, work: sample, source });
    expect(summary.sites).toEqual({ replayed: 1, unaffected: 0, changed: 1 });
    expect(changes.length).toBeGreaterThan(0);
    for (const { host, what } of changes) expect([host, what]).toEqual([PREVIEW_HOST, "header x-preview"]);
  });

  it("tells which release's pages a preview shows before and after", async () => {
    const after = sideWith(["set beresp.ttl = 3600s;", "set beresp.ttl = 60s;"]);
    const work = linesOf([{ url: `https://${PREVIEW_HOST}/about` }]);
    const { changes } = await replay(after, { count: 1, work, source });
    expect(changes[0]?.before.asked.at(-1)).toContain("/site-1/2/about.html -> 200");
  });

  it("never tells what visitors send to prove who they are", async () => {
    const echo = `set resp.http.X-Seen = "1";\n${DELIVER_END}`;
    const headers = {
      Authorization: "Basic dmlzaXRvcjpwYXNz",
      Cookie: "session=visitor-cookie",
      "X-Plain": "shown",
    };
    const work = linesOf([{ url: `https://${SITE_HOST}/`, headers }]);
    const replayed = await replay(sideWith([DELIVER_END, echo]), { count: 1, work, source });
    const said = JSON.stringify([replayed.summary, replayed.changes]);
    expect(replayed.changes).toHaveLength(1);
    expect(said).not.toMatch(/dmlzaXRvcjpwYXNz|visitor-cookie/);
    expect(replayed.changes[0]?.request.headers).toEqual([
      ["Authorization", "[hidden]"],
      ["Cookie", "[hidden]"],
      ["X-Plain", "shown"],
    ]);
  });
});
