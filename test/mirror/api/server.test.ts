import { readdir, readFile, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SitefleetError } from "../../../src/lib/errors.ts";
import { Secret } from "../../../src/lib/secret.ts";
import { startFastlyApi } from "../../../src/mirror/api/server.ts";
import { field, startApi, TOKEN } from "./api-fixture.ts";

describe("who may ask", () => {
  test("a request without or with a wrong token gets 401 in Fastly's words, and neither token is in the answer", async () => {
    const { call } = await startApi();
    for (const key of ["", "wrong-token", `${TOKEN}x`]) {
      const answer = await call("GET", "/service", { headers: { "fastly-key": key } });
      expect(answer.status).toBe(401);
      expect(answer.json).toEqual({ msg: "Provided credentials are missing or invalid" });
      expect(answer.text).not.toContain(TOKEN);
    }
  });

  test("without a token an unknown path looks like a known one", async () => {
    const { call } = await startApi();
    const answer = await call("GET", "/no/such/path", { headers: { "fastly-key": "" } });
    expect(answer.status).toBe(401);
  });

  test("a bearer token is as good as Fastly-Key", async () => {
    const { api } = await startApi();
    const response = await fetch(`${api.url}/service`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(response.status).toBe(200);
  });

  test("discovery and the IP list are open, and discovery names this server", async () => {
    const { api, call } = await startApi();
    const headers = { "fastly-key": "" };
    const discovery = await call("GET", "/realms/fastly/.well-known/openid-configuration", { headers });
    expect(field(discovery.json, "token_endpoint")).toMatch(`${api.url}/`);
    expect((await call("GET", "/public-ip-list", { headers })).status).toBe(200);
  });

  test("a Host that is a name of somebody else is refused, whatever the token", async () => {
    const { api } = await startApi();
    const raw = await rawRequest(
      api.port,
      `GET /service HTTP/1.1\r\nHost: evil.example\r\nFastly-Key: ${TOKEN}\r\nConnection: close\r\n\r\n`,
    );
    expect(raw).toMatch(/^HTTP\/1\.1 421 /);
  });

  test("token self, verify and current user tell one identity", async () => {
    const { call, service } = await startApi();
    const id = await service("shop");
    const self = await call("GET", "/tokens/self");
    const user = await call("GET", "/current_user");
    const verify = await call("GET", "/verify");
    expect(field(self.json, "scope")).toBe("global");
    expect(field(user.json, "id")).toBe(field(self.json, "user_id"));
    expect(field(field(verify.json, "user"), "id")).toBe(field(self.json, "user_id"));
    expect(field(verify.json, "services")).toEqual({ [id]: "shop" });
  });
});

describe("the rate limit", () => {
  test("writes carry what is left and when the hour ends; reads and key purges carry nothing", async () => {
    const { call, service, clock } = await startApi({ rateLimit: 10 });
    const id = await service();
    const write = await call("POST", `/service/${id}/version`);
    expect(write.headers["fastly-ratelimit-remaining"]).toBe("8");
    expect(Number(write.headers["fastly-ratelimit-reset"]) * 1000).toBe(clock.now() + 3_600_000);
    for (const answer of [await call("GET", "/service"), await call("POST", `/service/${id}/purge/key`)]) {
      expect(answer.status).toBe(200);
      expect(answer.headers["fastly-ratelimit-remaining"]).toBeUndefined();
    }
    expect((await call("POST", `/service/${id}/purge_all`)).headers["fastly-ratelimit-remaining"]).toBe("7");
  });

  test("past the limit writes get 429 until the next hour, reads go on", async () => {
    const { call, clock } = await startApi({ rateLimit: 1 });
    expect((await call("POST", "/service", { form: { name: "one" } })).status).toBe(200);
    const refused = await call("POST", "/service", { form: { name: "two" } });
    expect(refused.status).toBe(429);
    expect(refused.headers["fastly-ratelimit-remaining"]).toBe("0");
    expect((await call("GET", "/service")).status).toBe(200);
    clock.advance(3_600_000);
    expect((await call("POST", "/service", { form: { name: "two" } })).status).toBe(200);
  });
});

describe("what the mirror does not have", () => {
  test.each([
    ["POST", "wordpress"],
    ["GET", "apex-redirects/some%2Fname"],
    ["PUT", "activate/staging"],
    ["POST", "lint"],
  ] as const)("%s .../%s answers 501 with its name", async (method, path) => {
    const { call, service } = await startApi();
    const id = await service();
    const answer = await call(method, `/service/${id}/version/1/${path}`);
    expect(answer.status).toBe(501);
    expect(field(answer.json, "msg")).toBe("Not implemented");
    expect(field(answer.json, "detail")).toContain(`${method} /service/${id}/version/1/${path}`);
  });

  test("a path Fastly does not have either is 404, a method it does not take 405", async () => {
    const { call } = await startApi();
    expect((await call("GET", "/nonsense")).status).toBe(404);
    expect((await call("PATCH", "/service")).status).toBe(405);
  });
});

describe("bad input", () => {
  test("JSON that is broken or no object, and a bad percent escape, are 400", async () => {
    const { api, call, service } = await startApi();
    const id = await service();
    expect((await call("POST", "/service", { json: [1] })).status).toBe(400);
    const broken = await fetch(`${api.url}/service`, {
      method: "POST",
      body: "{",
      headers: { "fastly-key": TOKEN, "content-type": "application/json" },
    });
    expect(broken.status).toBe(400);
    expect((await call("GET", `/service/${id}/version/1/backend/%ff`)).status).toBe(400);
  });

  test("a body over the limit is 413, said or sent in chunks", async () => {
    const { api } = await startApi();
    const head = `POST /service HTTP/1.1\r\nHost: 127.0.0.1\r\nFastly-Key: ${TOKEN}\r\n`;
    const said = await rawRequest(api.port, `${head}Content-Length: 99999999\r\n\r\n`);
    expect(said).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = `${(1024 * 1024).toString(16)}\r\n${"x".repeat(1024 * 1024)}\r\n`;
    const sent = await rawRequest(api.port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(17)}`);
    expect(sent).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("HEAD answers like GET without a body", async () => {
    const { call } = await startApi();
    const answer = await call("HEAD", "/service");
    expect(answer.status).toBe(200);
    expect(answer.text).toBe("");
    expect(Number(answer.headers["content-length"])).toBe(2);
  });
});

describe("the life of the server", () => {
  test("a port in use is an error with a hint", async () => {
    const { api, clock, edge, compiler, dir } = await startApi();
    const again = startFastlyApi({
      dir: join(dir, "other"),
      port: api.port,
      token: new Secret(TOKEN),
      clock,
      edge,
      compile: compiler.compile,
    });
    await expect(again).rejects.toThrow(SitefleetError);
    await expect(again).rejects.toMatchObject({ code: "mirror/port-in-use" });
  });

  test("every file of the state is the owner's alone", async () => {
    const { dir, service } = await startApi();
    await service();
    const files = await readdir(dir, { recursive: true, withFileTypes: true });
    const regular = files.filter((file) => file.isFile());
    expect(regular.length).toBeGreaterThan(2);
    for (const file of regular) {
      const path = join(file.parentPath, file.name);
      expect((await stat(path)).mode & 0o077).toBe(0);
      expect(await readFile(path, "utf8")).not.toContain(TOKEN);
    }
  });
});

/** Sends bytes and gives what came back until the server closed or sent an answer's head. */
function rawRequest(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let received = "";
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      if (received.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("close", () => resolve(received));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // The server may close while the rest of a refused body is still being written.
      if (error.code !== "EPIPE" && error.code !== "ECONNRESET") reject(error);
    });
  });
}
