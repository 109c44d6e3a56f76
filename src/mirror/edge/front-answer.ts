import { refusal } from "./fastly-pages.ts";
import type { FrontLimits } from "./front-limits.ts";
import { readFrontBody } from "./front-request.ts";
import type { FrontMessage, FrontRequest } from "./front-request.ts";
import { writeResponse } from "./front-response.ts";
import type { ClientSink } from "./front-response.ts";
import type { HopRequest, HopResponse } from "./message.ts";
import type { Pop } from "./parts.ts";

/** What both protocols need of the edge behind them. */
export interface FrontService {
  /** The POP of a code, or with `null` the one that clients reach unasked. */
  popOf(code: string | null): Pop | undefined;
  readonly countryHeader: string;
  handle(pop: Pop, request: HopRequest): Promise<HopResponse>;
  readonly limits: FrontLimits;
}

/** A request that the front has looked at, and where its answer goes. */
export interface ClientTurn {
  readonly message: FrontMessage;
  readonly front: FrontRequest;
  readonly sink: ClientSink;
}

/** Answers one request of a client; resolves when the answer was handed to the connection or the client has left. */
export async function answerClient(
  { message, front, sink }: ClientTurn,
  handle: FrontService["handle"],
): Promise<void> {
  try {
    const response = front.ok
      ? await handle(front.pop, {
          ...front.request,
          body: await readFrontBody(message),
          onGone: (listener) => void sink.out.once("close", listener),
        })
      : refusal(front);
    await writeResponse(response, sink);
  } catch {
    // Only the client's own connection can fail here: the life cycle answers for everything else.
    sink.out.destroy();
  }
}
