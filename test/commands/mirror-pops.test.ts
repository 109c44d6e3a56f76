import { describe, expect, it } from "vitest";

import { readPops } from "../../src/commands/mirror-pops.ts";
import { toFlags } from "../../src/commands/program.ts";

describe("the POPs of `mirror up`", () => {
  it("are named in any case, with a shield by its POP", () => {
    expect(readPops(toFlags({ pops: "lhr,SYD", shield: "lhr" }))).toEqual({
      pops: ["LHR", "SYD"],
      shield: "london-uk",
    });
    expect(readPops(toFlags({}))).toEqual({});
  });

  it("get two ports each from the first one on, or any free ones", () => {
    expect([...(readPops(toFlags({ pops: "lhr,syd", popPorts: "8090" })).popPorts ?? [])]).toEqual([
      ["LHR", { http: 8090, https: 8091 }],
      ["SYD", { http: 8092, https: 8093 }],
    ]);
    expect(readPops(toFlags({ pops: "lhr,syd", popPorts: "0" })).popPorts?.get("SYD")).toEqual({
      http: 0,
      https: 0,
    });
    expect(readPops(toFlags({ pops: "lhr", popPorts: "65534" })).popPorts?.get("LHR")?.https).toBe(65_535);
  });

  it("get purges late: all of them, or those that are named", () => {
    const all = readPops(toFlags({ purgeDelay: "150" })).purgeDelay;
    const named = readPops(toFlags({ purgeDelay: "lhr=0,iad=150" })).purgeDelay;
    const own = readPops(toFlags({ pops: "lhr,xyz", purgeDelay: "xyz=5" })).purgeDelay;
    expect(own?.("XYZ")).toBe(5);
    expect(["LHR", "IAD", "SYD"].map((pop) => all?.(pop))).toEqual([150, 150, 150]);
    expect(["LHR", "IAD", "SYD"].map((pop) => named?.(pop))).toEqual([0, 150, 0]);
  });

  it.each([
    { pops: "lhr,lhr" },
    { pops: "london" },
    { shield: "zzz" },
    { purgeDelay: "soon" },
    { purgeDelay: "60001" },
    { purgeDelay: "iad=-1" },
    { purgeDelay: "lrh=150" },
    { pops: "lhr,xyz", purgeDelay: "xyy=150" },
    { popPorts: "8090" },
    { pops: "lhr,iad", popPorts: "65533" },
    { pops: "lhr", popPorts: "-1" },
    { pops: "lhr", popPorts: "x" },
    { pops: "lhr", popPorts: "" },
    { pops: "" },
    { pops: "lhr,,iad" },
    { shield: "" },
  ])("are refused as %o", (values) => {
    expect(() => readPops(toFlags(values))).toThrow(expect.objectContaining({ code: "cli/usage" }));
  });
});
