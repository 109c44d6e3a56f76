import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { listenOn } from "../../src/mirror/listen.ts";

const at = { host: "127.0.0.1", what: "the edge", flag: "--edge-port" };

function newServer() {
  const server = createServer();
  onTestFinished(() => void server.close());
  return server;
}

describe("listenOn", () => {
  it("takes any free port for 0 and says which", async () => {
    expect(await listenOn(newServer(), { ...at, port: 0 })).toBeGreaterThan(0);
  });

  it("says who wanted a taken port and which flag chooses another", async () => {
    const port = await listenOn(newServer(), { ...at, port: 0 });
    await expect(listenOn(newServer(), { ...at, port })).rejects.toMatchObject({
      code: "mirror/port-in-use",
      message: `port ${port} of 127.0.0.1 for the edge is in use by another program`,
      hint: expect.stringContaining("--edge-port"),
    });
  });

  it("says so when the host is no address of this machine", async () => {
    await expect(listenOn(newServer(), { ...at, host: "192.0.2.1", port: 0 })).rejects.toMatchObject({
      code: "mirror/port-in-use",
      message: expect.stringContaining("no address of this machine"),
    });
  });

  it("hands other failures on as they are", async () => {
    const server = newServer();
    await listenOn(server, { ...at, port: 0 });
    await expect(listenOn(server, { ...at, port: 0 })).rejects.toMatchObject({
      code: "ERR_SERVER_ALREADY_LISTEN",
    });
  });
});
