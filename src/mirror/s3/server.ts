import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../../lib/clock.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { listenOn } from "../listen.ts";
import { isBucketName } from "./buckets.ts";
import { planBody, receiveBody, receiveDocument } from "./body.ts";
import type { BodyPlan } from "./body.ts";
import { OWNER } from "./operation-context.ts";
import type { IncomingBody, OperationContext } from "./operation-context.ts";
import { OPERATION_HANDLERS } from "./operation-handlers.ts";
import { findOperation } from "./operations.ts";
import { permissionsOf, questionOf } from "./permissions.ts";
import type { S3Call } from "./permissions.ts";
import { RequestIds, errorReply } from "./reply.ts";
import type { S3Reply } from "./reply.ts";
import { parseRequest } from "./request.ts";
import type { S3Request } from "./request.ts";
import { refuseConnection, sendReply } from "./response.ts";
import { S3Error } from "./s3-error.ts";
import { EMPTY_SHA256, SignatureVerifier } from "./signature.ts";
import type { S3Credential } from "./signature.ts";
import { Store } from "./store.ts";

export type { S3Call } from "./permissions.ts";
export type { S3Credential } from "./signature.ts";

/** S3 takes 8 KB of headers; a little more room lets our own errors name what is too long. */
const MAX_HEADER_BYTES = 32 * 1024;
const HEADERS_TIMEOUT_MS = 30_000;
/** A connection on which nothing moves; large uploads may take as long as they keep moving. */
const IDLE_TIMEOUT_MS = 60_000;
/** How long `close` lets requests finish before it cuts them off. */
const CLOSE_GRACE_MS = 5_000;

export interface S3ServerOptions {
  /** Folder that holds everything; made if absent. One server at a time. */
  readonly dir: string;
  /** Address to listen on; 127.0.0.1 unless told. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly region: string;
  readonly credentials: readonly S3Credential[];
  /** Asked for a key that is not among them: keys may be made while the server runs. */
  readonly findCredential?: (accessKeyId: string) => S3Credential | undefined;
  readonly clock: Clock;
  /** Whether an answer waits until its change is on the disk; off, it survives the process but not a power cut. */
  readonly fsync?: boolean;
  /** Made at start where absent. */
  readonly buckets?: readonly string[];
  /** Told of every error that is none of the protocol's, each answered 500; a process warning unless given. */
  readonly onFault?: (error: unknown) => void;
  /** Told of every action that a key was allowed or refused. */
  readonly onCall?: (call: S3Call) => void;
}

export interface S3Server {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Requests since start by operation name (`GetObject`, …), refused ones included. */
  readonly requests: ReadonlyMap<string, number>;
  /** Stops listening, lets running requests end, and closes the files; more calls wait for the first. */
  close(): Promise<void>;
}

/** Starts the mirror's S3 server. Throws `mirror/port-in-use` and `mirror/s3-damaged`. */
export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const host = options.host ?? "127.0.0.1";
  const store = await Store.open({ dir: options.dir, fsync: options.fsync ?? false, clock: options.clock });
  try {
    for (const bucket of options.buckets ?? []) {
      if (!isBucketName(bucket))
        throw new SitefleetError("settings/invalid", `"${bucket}" is not a valid bucket name`);
      if (store.findBucket(bucket) === undefined) store.createBucket(bucket);
    }
    await store.sync();
    const front = new Front(options, store);
    const server = createFrontServer(front);
    const port = await listenOn(server, {
      host,
      port: options.port,
      what: "the S3 server",
      flag: "--s3-port",
    });
    let closed: Promise<void> | undefined;
    const shown = host.includes(":") ? `[${host}]` : host;
    return {
      url: `http://${shown}:${port}`,
      port,
      requests: front.requests,
      close: () => (closed ??= front.drain(server).then(() => store.close())),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function createFrontServer(front: Front): Server {
  const server = createServer({
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    requireHostHeader: false,
  });
  // Node would drop lines beyond its limit in silence while its parser still obeys them: count them ourselves.
  server.maxHeadersCount = 0;
  server.setTimeout(IDLE_TIMEOUT_MS);
  const serve = (message: IncomingMessage, response: ServerResponse): void =>
    void front.serve(message, { response, awaitsContinue: false });
  server.on("request", serve);
  server.on("checkExpectation", serve);
  // The 100 goes out when the operation starts to read: a refused upload is never sent.
  server.on(
    "checkContinue",
    (message, response) => void front.serve(message, { response, awaitsContinue: true }),
  );
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) =>
    refuseConnection(error, { socket, requestId: front.ids.next() }),
  );
  return server;
}

/** Takes each request through parsing, signature, permission, body and operation, and answers it. */
class Front {
  readonly requests = new Map<string, number>();
  readonly ids = new RequestIds();
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #region: string;
  readonly #verifier: SignatureVerifier;
  readonly #onFault: (error: unknown) => void;
  readonly #onCall: (call: S3Call) => void;
  readonly #running = new Set<Promise<void>>();
  #closing: Server | undefined;

  constructor(
    { clock, region, credentials, findCredential, onFault, onCall }: S3ServerOptions,
    store: Store,
  ) {
    this.#onFault = onFault ?? warn;
    this.#onCall = onCall ?? (() => undefined);
    this.#store = store;
    this.#clock = clock;
    this.#region = region;
    this.#verifier = new SignatureVerifier({ credentials, findCredential, region });
  }

  /** Answers one request; never rejects. */
  async serve(message: IncomingMessage, exchange: Exchange): Promise<void> {
    const run = this.#serve(message, exchange);
    this.#running.add(run);
    await run;
    this.#running.delete(run);
    if (this.#closing !== undefined) setImmediate(closeIdle, this.#closing);
  }

  /** Stops listening and resolves when no request runs any more. */
  async drain(server: Server): Promise<void> {
    this.#closing = server;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    await closed;
    clearTimeout(timer);
    await Promise.all(this.#running);
  }

  async #serve(message: IncomingMessage, { response, awaitsContinue }: Exchange): Promise<void> {
    const id = this.ids.next();
    const source = new MessageBody(message, awaitsContinue ? response : undefined);
    let reply: S3Reply;
    try {
      reply = await this.#answer(message, { id, source });
    } catch (error) {
      reply = this.#toErrorReply(error, { requestId: id, resource: message.url ?? "" });
    }
    // What was refused before its end is read away, so that the client gets to read the answer and the connection stays usable.
    message.resume();
    const closing = this.#closing !== undefined || (awaitsContinue && !source.started);
    await sendReply(reply, {
      response,
      requestId: id,
      nowMs: this.#clock.now(),
      closing,
      onFault: this.#onFault,
    });
  }

  /** A fault of ours tells nothing of itself to the client, as on S3, but it is told. */
  #toErrorReply(error: unknown, about: { readonly requestId: string; readonly resource: string }): S3Reply {
    if (error instanceof S3Error) return errorReply(error, about);
    this.#onFault(error);
    return errorReply(new S3Error("InternalError"), about);
  }

  async #answer(
    message: IncomingMessage,
    { id, source }: { readonly id: string; readonly source: MessageBody },
  ): Promise<S3Reply> {
    const request = parseRequest({
      id,
      method: message.method ?? "",
      url: message.url ?? "",
      rawHeaders: message.rawHeaders,
    });
    const operation = findOperation(request);
    this.requests.set(operation.name, (this.requests.get(operation.name) ?? 0) + 1);
    const verified = this.#verifier.verify(request, this.#clock.now());
    const permissions = permissionsOf(verified.credential, this.#onCall);
    const question = questionOf({ name: operation.name, bucket: request.bucket, key: request.key });
    if (question !== undefined) permissions.require(question);
    checkOwner(request);
    const row = OPERATION_HANDLERS.get(operation.name);
    if (row === undefined) {
      throw new S3Error("NotImplemented", {
        message: `${operation.name} is not implemented by this server`,
        fields: [["Operation", operation.name]],
      });
    }
    const plan = planBody(request, verified);
    const body = source.toIncomingBody(plan);
    if (!row.takesBody) await source.readAway(plan);
    const { bucket = "", key = "" } = request;
    const context: OperationContext = {
      request,
      bucket,
      key,
      permissions,
      store: this.#store,
      region: this.#region,
      body,
    };
    return row.handle(context);
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}

function closeIdle(server: Server): void {
  server.closeIdleConnections();
}

interface Exchange {
  readonly response: ServerResponse;
  /** The client sent `Expect: 100-continue` and holds its body back. */
  readonly awaitsContinue: boolean;
}

/** The body of a message, read once. */
class MessageBody {
  readonly #message: IncomingMessage;
  readonly #continue: ServerResponse | undefined;
  #started = false;

  constructor(message: IncomingMessage, response: ServerResponse | undefined) {
    this.#message = message;
    this.#continue = response;
  }

  /** Whether anybody asked for the body. */
  get started(): boolean {
    return this.#started;
  }

  toIncomingBody(plan: BodyPlan): IncomingBody {
    return {
      plan,
      receive: (write) => receiveBody(this.#chunks(), { plan, write }),
      document: () => receiveDocument(this.#chunks(), plan),
    };
  }

  /** For operations without a body: most requests have none, and what a client sends all the same must be what it signed. */
  async readAway(plan: BodyPlan): Promise<void> {
    if (
      plan.length === 0 &&
      plan.decoder === undefined &&
      plan.checksum === undefined &&
      plan.md5 === undefined
    ) {
      if (plan.sha256 === undefined || plan.sha256 === EMPTY_SHA256) return;
    }
    await receiveDocument(this.#chunks(), plan);
  }

  async *#chunks(): AsyncIterable<Buffer> {
    this.#started = true;
    this.#continue?.writeContinue();
    try {
      // Not to be destroyed when the reader stops early: the socket still has to carry the answer.
      const chunks = this.#message.iterator({ destroyOnReturn: false });
      for await (const chunk of chunks) if (Buffer.isBuffer(chunk)) yield chunk;
    } catch (error) {
      // The peer went away or stalled in the middle: not our fault, and nobody is left to read the answer.
      throw new S3Error("IncompleteBody", {
        message: error instanceof Error ? error.message : "The body ended early",
      });
    }
  }
}

function checkOwner({ headers }: S3Request): void {
  const expected = headers.get("x-amz-expected-bucket-owner");
  if (expected !== undefined && expected !== OWNER.account) throw new S3Error("AccessDenied");
}
