import { readFile } from "node:fs/promises";
import { connect } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { onTestFinished } from "vitest";
import { END_HEADERS, END_STREAM, FRAME, frame, headerBlock } from "../../support/http2-frames.ts";
import { backendAt, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";
import type { Origin, TestEdge } from "./harness.ts";

type EdgeMore = NonNullable<Parameters<typeof testEdge>[1]>;

/** A service that passes everything on to an origin. */
export async function passing(
  answer: Parameters<typeof startOrigin>[0],
  more: EdgeMore = {},
): Promise<TestEdge & { origin: Origin }> {
  const origin = await startOrigin(answer);
  const program = programOf({
    backends: [backendAt(origin.port)],
    subs: { recv: () => ({ do: "pass" }) },
  });
  return { ...(await testEdge(serviceOf(program), more)), origin };
}

/** A client that trusts the edge and names its host in the handshake. */
export async function client(edge: TestEdge["edge"]): Promise<ClientHttp2Session> {
  const ca = await readFile(edge.caPath);
  const session = connect(`https://127.0.0.1:${edge.httpsPort}`, { ca, servername: "www.example.com" });
  session.on("error", () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

/** An answer, or as much of one as came. */
export interface Http2Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly flat: readonly string[];
  readonly body: Buffer;
  /** Code of the reset that ended it; `null` = it ended by itself. */
  readonly error: string | null;
}

/** All that comes back on a stream, once it has ended. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let head: { headers: Record<string, unknown>; flat: string[] } = { headers: {}, flat: [] };
  const chunks: Buffer[] = [];
  let error: string | null = null;
  stream.on("response", (headers: object, _flags: number, flat?: string[]) => {
    head = { headers: { ...headers }, flat: flat ?? [] };
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", (cause: Error) => (error = cause.message));
  await new Promise((resolve) => stream.once("close", resolve));
  const status = Number(head.headers[":status"] ?? 0);
  return { status, ...head, body: Buffer.concat(chunks), error };
}

/** One request and its whole answer. */
export function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string,
): Promise<Http2Answer> {
  const stream = session.request(
    { ":authority": "www.example.com", ...headers },
    { endStream: body === undefined },
  );
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}

/** The header block of a plain request. */
export const LINES = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "www.example.com"],
  [":path", "/"],
] as const;

/** The HEADERS frame of a request. */
export function request(
  stream: number,
  lines: readonly (readonly [string, string])[] = LINES,
  flags = END_STREAM,
) {
  return frame(FRAME.headers, { flags: flags | END_HEADERS, stream, payload: headerBlock(lines) });
}
