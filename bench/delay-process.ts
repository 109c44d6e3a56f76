/** A wire with latency: arguments = port behind it, milliseconds; says its own port. What is sent towards the port arrives so much later. */
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";

const [target, ms] = process.argv.slice(2).map(Number);

function delay(client: Socket): void {
  const upstream = connect({ host: "127.0.0.1", port: target ?? 0, noDelay: true });
  client.setNoDelay(true);
  client.on("data", (chunk) => setTimeout(() => upstream.writable && upstream.write(chunk), ms));
  client.on("end", () => setTimeout(() => upstream.end(), ms));
  upstream.pipe(client);
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    socket.on("error", () => other.destroy());
    socket.on("close", () => other.destroy());
  }
}

const server = createServer(delay);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : undefined });
});
