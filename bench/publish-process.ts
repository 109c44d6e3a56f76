/** Publishes a folder in a process of its own; each message is an order, each answer what it took. */
import type { MirrorFile } from "../src/settings/local.ts";
import { publishFolder } from "../src/publish/publish.ts";
import { connect } from "./fleet.ts";
import { readUsage } from "./usage.ts";
import type { Usage } from "./usage.ts";

export interface PublishOrder {
  readonly file: MirrorFile;
  readonly site: string;
  readonly dir: string;
}

export interface PublishResult extends Usage {
  readonly kind: string;
  readonly ms: number;
}

process.once("message", (order: PublishOrder) => {
  void publish(order).then((result) => process.send?.(result));
});

async function publish({ file, site, dir }: PublishOrder): Promise<PublishResult> {
  const startedMs = performance.now();
  const connection = connect(file);
  const { kind } = await publishFolder(connection.deps, {
    site,
    siteEnv: "production",
    dir,
    domains: [`${site}.localhost`],
  });
  const ms = Math.round(performance.now() - startedMs);
  await connection.close();
  return { kind, ms, ...readUsage() };
}
