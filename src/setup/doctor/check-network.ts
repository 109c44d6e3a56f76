import { BlockList, isIP } from "node:net";
import { connect } from "node:tls";
import type { PeerCertificate } from "node:tls";
import type { AccountClient } from "../../fastly/account-client.ts";
import { trusting } from "../../lib/tls-trust.ts";
import { readEdgeAuthority } from "../../settings/edge-authority.ts";
import { checked, fail, ok, skipped, warn } from "./check.ts";
import type { CheckResult, DoctorJob } from "./check.ts";
import { hostOf, privateReason } from "./hosts.ts";

/** Whether every domain of the settings leads to Fastly. */
export async function checkDns(job: DoctorJob, account: AccountClient): Promise<readonly CheckResult[]> {
  const { environment } = job.fleet;
  const { domains } = environment.fastly;
  const reason = privateReason(environment);
  if (reason !== undefined) return domains.map((domain) => skipped(`dns/${domain}`, reason));
  let networks: BlockList | undefined;
  const listed = await checked("dns/networks", async () => {
    networks = toBlockList(await account.listAddresses());
    return [];
  });
  if (networks === undefined) return listed;
  const known = networks;
  const results = await Promise.all(
    domains.map((domain) => checked(`dns/${domain}`, () => checkDomain(job, { domain, networks: known }))),
  );
  return results.flat();
}

function toBlockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = "", bits = ""] = cidr.split("/");
    const family = isIP(address);
    if (family !== 0 && /^\d{1,3}$/.test(bits)) {
      list.addSubnet(address, Number(bits), family === 6 ? "ipv6" : "ipv4");
    }
  }
  return list;
}

/** Fastly's host names for customers' domains end so (guides, "Working with CNAME records and your DNS provider"). */
const FASTLY_HOST = /\.fastly\.net\.?$/i;

async function checkDomain(
  { dns }: DoctorJob,
  { domain, networks }: { readonly domain: string; readonly networks: BlockList },
): Promise<CheckResult> {
  const id = `dns/${domain}`;
  const host = hostOf(domain);
  const records = await dns.lookUp(host);
  const fix = `point ${domain} to Fastly: the record is told by \`sitefleet deploy apply --create\``;
  if (records === undefined) {
    return { ...fail(id, "no name server answers", "check this machine's DNS"), cause: "unreachable" };
  }
  const { cname, addresses } = records;
  if (addresses.length === 0) {
    const found =
      cname === undefined ? `${host} does not exist` : `${host} is ${cname}, which has no address`;
    return fail(id, found, fix);
  }
  const foreign = addresses.filter(
    (address) => !networks.check(address, isIP(address) === 6 ? "ipv6" : "ipv4"),
  );
  const through = cname === undefined ? "" : ` through ${cname}`;
  if (foreign.length === 0) return ok(id, `${host} leads to Fastly${through}`);
  if (foreign.length < addresses.length) {
    return fail(id, `${host} leads to Fastly and to ${foreign.join(", ")}`, "remove the records that do not");
  }
  if (cname !== undefined && FASTLY_HOST.test(cname)) {
    // Addresses that are the account's own are in no public list.
    return ok(id, `${host} is ${cname}`);
  }
  return fail(id, `${host} leads to ${foreign.join(", ")}${through}, which is not Fastly`, fix);
}

/** Whether the edge shows a certificate that is right for every domain of the settings. */
export async function checkTls(job: DoctorJob): Promise<readonly CheckResult[]> {
  const { environment } = job.fleet;
  const { verify } = environment;
  if (!verify) return [skipped("tls", "the settings have no `verify`: where the edge is is not known")];
  const url = new URL(job.tls?.url ?? verify.url);
  if (url.protocol !== "https:") return [skipped("tls", `${verify.url} is without TLS`)];
  return checked("tls", () =>
    checkCertificates(job, { url, ca: job.tls?.ca ?? readEdgeAuthority(environment) }),
  );
}

async function checkCertificates(
  job: DoctorJob,
  { url, ca }: { readonly url: URL; readonly ca: string | undefined },
): Promise<readonly CheckResult[]> {
  const { domains } = job.fleet.environment.fastly;
  // A URL has an address of six in brackets, and a socket has it without.
  const target = { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) || 443 };
  const results = await Promise.all(
    domains.map((domain) => checked(`tls/${domain}`, () => checkCertificate(job, { domain, target, ca }))),
  );
  return results.flat();
}

interface TlsJob {
  readonly domain: string;
  readonly target: { readonly host: string; readonly port: number };
  /** Authority that is trusted besides the usual ones, in PEM. */
  readonly ca: string | undefined;
}

const DAY_MS = 86_400_000;
/** Certificates are renewed a month before their end: with less left, renewing has failed. */
const RENEWAL_DAYS = 14;

async function checkCertificate(job: DoctorJob, { domain, target, ca }: TlsJob): Promise<CheckResult> {
  const id = `tls/${domain}`;
  const seen = await presentedCertificate(job, { servername: hostOf(domain), target, ca });
  const cover = `have a certificate at Fastly that covers ${domain}`;
  if ("unreachable" in seen) {
    const shown = target.host.includes(":") ? `[${target.host}]` : target.host;
    const found = `${shown}:${target.port} does not speak TLS: ${seen.unreachable}`;
    return { ...fail(id, found, "check verify.url and its DNS"), cause: "unreachable" };
  }
  if (seen.problem !== undefined) return fail(id, `the certificate is not valid: ${seen.problem}`, cover);
  const days = Math.floor((Date.parse(seen.certificate.valid_to) - job.fleet.clock.now()) / DAY_MS);
  const found = `valid for ${domain}, ${days} days left`;
  return days < RENEWAL_DAYS
    ? warn(id, found, "see why Fastly does not renew it: DNS or CAA records stand in the way most often")
    : ok(id, found);
}

const TLS_TIMEOUT_MS = 10_000;

type Presented =
  | { readonly certificate: PeerCertificate; readonly problem: string | undefined }
  | { readonly unreachable: string };

/** Takes any certificate, for what is wrong with it is what is to be told. */
function presentedCertificate(
  { fleet }: DoctorJob,
  { servername, target, ca }: Omit<TlsJob, "domain"> & { readonly servername: string },
): Promise<Presented> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...target,
      servername,
      rejectUnauthorized: false,
      ...trusting(ca),
    });
    const over = new AbortController();
    const end = (presented: Presented): void => {
      over.abort();
      socket.destroy();
      resolve(presented);
    };
    const abort = (): void => {
      over.abort();
      socket.destroy();
      reject(fleet.signal.reason instanceof Error ? fleet.signal.reason : new Error("aborted"));
    };
    fleet.signal.addEventListener("abort", abort, { once: true, signal: over.signal });
    // Not the socket's own timeout, which begins anew with every byte: somebody may send one now and then.
    const expire = (): void => end({ unreachable: `no answer within ${TLS_TIMEOUT_MS / 1_000} s` });
    const stay = (): void => undefined;
    fleet.clock.sleep(TLS_TIMEOUT_MS, over.signal).then(expire, stay);
    socket.on("secureConnect", () => {
      const problem = socket.authorized ? undefined : String(socket.authorizationError);
      end({ certificate: socket.getPeerCertificate(), problem });
    });
    socket.on("error", (error) => end({ unreachable: error.message }));
  });
}
