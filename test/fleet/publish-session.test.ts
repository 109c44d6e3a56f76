import { expect, it } from "vitest";

import { fleetOf } from "../../src/fleet/fleet.ts";
import { openPublishing } from "../../src/fleet/publish-session.ts";
import { environment } from "../publish/publish-fixture.ts";
import { startScriptedServer } from "../support/scripted-server.ts";

it("asks for the service again after a failure, and keeps what it was told", async () => {
  const server = await startScriptedServer((_, count) =>
    count === 1
      ? { status: 403, body: { msg: "not now" } }
      : { body: { id: "SVC1", name: "edge", type: "vcl", versions: [] } },
  );
  const { serviceId: _, ...fastly } = environment.fastly;
  const named = { ...environment, fastly: { ...fastly, serviceName: "edge", apiUrl: server.url } };
  const session = openPublishing(fleetOf(named));
  try {
    await expect(session.deps.serviceId()).rejects.toMatchObject({
      code: expect.stringContaining("fastly/") as string,
    });
    expect(await session.deps.serviceId()).toBe("SVC1");
    expect(await session.deps.serviceId()).toBe("SVC1");
    expect(server.seen).toHaveLength(2);
  } finally {
    await session.close();
  }
});

it("purges the services that show the same buckets too, and tells of the one that refuses", async () => {
  const purged: string[] = [];
  let refused = "";
  const server = await startScriptedServer(({ url, body }) => {
    const [, id = "", call = ""] = /^\/service\/(\w+)\/(purge\w*)$/.exec(url) ?? [];
    if (id === refused) return { status: 403, body: { msg: "not now" } };
    purged.push(`${call} ${id}`);
    if (call === "purge_all") return { body: { status: "ok" } };
    const { surrogate_keys: keys } = JSON.parse(body) as { readonly surrogate_keys: readonly string[] };
    return { body: Object.fromEntries(keys.map((key) => [key, "id"])) };
  });
  const fastly = {
    ...environment.fastly,
    serviceId: "SVC1",
    alsoPurge: ["SVC2", "SVC1"],
    apiUrl: server.url,
  };
  const session = openPublishing(fleetOf({ ...environment, fastly }));
  const { purge, serviceId } = session.deps;
  try {
    await purge.purgeKeys({ serviceId: await serviceId(), keys: ["s/a"], soft: false });
    expect(purged.splice(0).sort()).toEqual(["purge SVC1", "purge SVC2"]);
    await purge.purgeAll({ serviceId: await serviceId() });
    expect(purged.splice(0).sort()).toEqual(["purge_all SVC1", "purge_all SVC2"]);
    for (const id of ["SVC1", "SVC2"]) {
      refused = id;
      const sent = purge.purgeKeys({ serviceId: await serviceId(), keys: ["s/a"], soft: false });
      await expect(sent).rejects.toMatchObject({ code: expect.stringContaining("fastly/") as string });
      expect(purged.splice(0)).toEqual([id === "SVC1" ? "purge SVC2" : "purge SVC1"]);
    }
  } finally {
    await session.close();
  }
});
