import { mkdtemp, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { request } from "undici";

import { systemClock } from "../../src/lib/clock.ts";
import type { RequestRow, Row } from "../../src/mirror/inspector/row.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import { runHere } from "../support/command-line.ts";
import type { CommandEnd } from "../support/command-line.ts";
import { startLocalEdge } from "../support/local-edge.ts";
import type { LocalEdge } from "../support/local-edge.ts";

export const HOST = "shop.localhost";
let started: LocalEdge | undefined;

export function edge(): LocalEdge {
  if (!started) throw new Error("nothing was started");
  return started;
}

export function inspector(): string {
  const url = edge().mirror.file.inspector?.url;
  if (url === undefined) throw new Error("there is no inspector");
  return url;
}

/** Starts the edge of this test file and publishes a site to it. */
export async function startInspected(): Promise<void> {
  started = await startLocalEdge({ shield: true, inspector: true });
  const dir = await mkdtemp(join(started.root, "site-"));
  await writeFile(join(dir, "index.html"), "<p>welcome</p>");
  await writeFile(join(dir, "_redirects"), "/old / 301\n");
  const wishes = { site: "shop", siteEnv: "production", dir, domains: [HOST], warm: false } as const;
  await publishFolder(started.openSession().deps, wishes);
}

export async function stopInspected(): Promise<void> {
  await started?.close();
}

export async function visit(path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const answer = await request(`${edge().mirror.file.edge.http}${path}`, {
    headers: { host: HOST, ...headers },
  });
  await answer.body.dump();
  return answer.statusCode;
}

/** A visit whose path is sent as it stands, `<` and all. */
export function visitRaw(path: string): Promise<void> {
  const { hostname, port } = new URL(edge().mirror.file.edge.http);
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path, headers: { host: HOST } }, (response) => {
      response.resume().on("end", resolve);
    })
      .on("error", reject)
      .end();
  });
}

/** Answers of the inspector to a request whose headers a browser would not let a page choose. */
export function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
  method = body === undefined ? "GET" : "POST",
): Promise<{
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(new URL(path, inspector()), { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    outgoing.on("error", reject).end(body);
  });
}

/** The inspector's answer to a target that is sent as it stands. */
export function askRaw(path: string): Promise<{ readonly status: number }> {
  const { hostname, port } = new URL(inspector());
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path }, (response) => {
      response.resume().on("end", () => resolve({ status: response.statusCode ?? 0 }));
    })
      .on("error", reject)
      .end();
  });
}

/** Rows that come while `work` runs, until one is what is waited for. */
export async function rowsWhile(
  work: () => Promise<unknown>,
  isLast: (row: Row) => boolean,
  after = 0,
): Promise<Row[]> {
  const answer = await request(new URL("/api/rows", inspector()), {
    headers: { "last-event-id": String(after) },
  });
  const rows: Row[] = [];
  let text = "";
  let worked: Promise<unknown> | undefined;
  for await (const chunk of answer.body) {
    worked ??= work();
    text += String(chunk);
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data === undefined) continue;
      const row: Row = JSON.parse(data);
      rows.push(row);
      if (isLast(row)) {
        await worked;
        return rows;
      }
    }
  }
  throw new Error("the stream ended early");
}

export const isVisit =
  (path: string) =>
  (row: Row): row is RequestRow =>
    row.kind === "request" && row.url === path && !row.isShield && row.host === HOST;

export function explain(args: readonly string[]): Promise<CommandEnd> {
  return runHere(["explain", ...args, "--state", join(edge().root, "state")], {
    cwd: edge().root,
    clock: systemClock,
  });
}
