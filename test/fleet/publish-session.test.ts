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
