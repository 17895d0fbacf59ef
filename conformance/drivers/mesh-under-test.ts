/** Makes what cases ask for out of what a running mesh offers: requests through sidecars, the ACK barrier, records, statistics. */
import { isIPv4 } from 'node:net';
import type { Answer, Ask, MeshUnderTest, Page, Wire } from '../define-case.ts';
import { PROBE_USER_AGENT } from '../define-case.ts';
import { Mismatch } from '../expect.ts';
import { Journal } from './evidence.ts';
import { ExchangeRecords } from './exchange-records.ts';
import { HttpClient, type WireResponse } from './http-client.ts';
import type { LiveMesh, ProxySeat } from './live-mesh.ts';
import { startLone } from './lone.ts';
import { readStat } from './statistics.ts';
import { type Authorities, shake } from './strangers.ts';
import { openWire } from './wire.ts';

const OUTBOUND_PORT = 15001;
const GATEWAY_PORT = 8080;
const ADMIN_PORT = 15000;
const CALLER = 'productpage-v1';
const AT_ONCE = 8;
/** For hosts that the control plane gave no address: the listener of the port takes them by their Host. */
const ANY_VIP = '240.240.255.254';

const seatOf = (live: LiveMesh, name: string): ProxySeat => {
  const seat = [...live.workloads, ...live.gateways].find((one) => one.name === name);
  if (seat === undefined) throw new Error(`no workload ${name} in this mesh`);
  return seat;
};

/** Settles when every proxy of the mesh has acknowledged that version: the first request after it must be right. */
const barrier = async (live: LiveMesh, version: number): Promise<void> => {
  try {
    await live.waitForVersion(version);
  } catch (cause) {
    const mismatch = new Mismatch(
      'acknowledgement by every proxy',
      `version ${version}`,
      cause instanceof Error ? cause.message : String(cause),
    );
    mismatch.cause = cause;
    throw mismatch;
  }
};

/** Where a program would dial: what its resolver says, or the address itself. */
const vipOf = async (live: LiveMesh, host: string, namespace: string): Promise<string> => {
  if (isIPv4(host)) return host;
  const vips = await live.vips();
  return vips[host] ?? vips[`${host}.${namespace}.svc.cluster.local`] ?? vips[`${host}.svc.cluster.local`] ?? ANY_VIP;
};

interface Way {
  open(): Promise<HttpClient>;
  readonly seat: ProxySeat;
}

/** As the capture does it: the sidecar's outbound port, with a PROXY line that says where the program meant to go. */
const throughSidecar = async (live: LiveMesh, from: string, host: string, port: number) => {
  const seat = seatOf(live, from);
  const preface = `PROXY TCP4 ${seat.address} ${await vipOf(live, host, seat.namespace)} 40000 ${port}\r\n`;
  return { seat, preface, connect: () => live.connect(seat.address, OUTBOUND_PORT) };
};

const wayOf = async (live: LiveMesh, ask: Ask, url: URL): Promise<Way> => {
  if (ask.from === 'gateway') {
    const [seat] = live.gateways;
    if (seat === undefined) throw new Error('this mesh has no gateway');
    return { seat, open: async () => new HttpClient(await live.connect(seat.address, GATEWAY_PORT), '') };
  }
  const { seat, preface, connect } = await throughSidecar(live, ask.from ?? CALLER, url.hostname, Number(url.port || 80));
  return { seat, open: async () => new HttpClient(await connect(), preface) };
};

const echoedWorkload = (body: string): string | undefined => /"workload":"([^"]*)"/.exec(body)?.[1];

/** One way through the mesh with its records; ids are unique, so that records of parallel requests cannot be confused. */
class Caller {
  readonly #live: LiveMesh;
  readonly #records: ExchangeRecords;
  #next = 0;
  readonly #run = Math.floor(performance.timeOrigin).toString(36);

  constructor(live: LiveMesh, records: ExchangeRecords) {
    this.#live = live;
    this.#records = records;
  }

  #answer(response: WireResponse, seat: ProxySeat, probeId: string): Answer {
    const record = () => this.#records.of(seat.name, probeId);
    return {
      ...response,
      servedBy: async () => {
        const echoed = echoedWorkload(response.body);
        if (echoed !== undefined) return echoed;
        const { upstreamHost } = await record();
        return this.#live.workloads.find((one) => upstreamHost.startsWith(`${one.address}:`))?.name ?? '';
      },
      told: (workload) => (workload === undefined ? record() : this.#records.of(workload, probeId, true)),
    };
  }

  async #one(client: HttpClient, way: Way, ask: Ask, url: URL): Promise<Answer> {
    const headers: [string, string][] = [['Host', url.host], ...Object.entries(ask.headers ?? {}).filter(([name]) => name !== 'Host')];
    const host = ask.headers?.Host;
    if (host !== undefined) headers[0] = ['Host', host];
    const probeId = `${this.#run}-${this.#next++}`;
    if (!headers.some(([name]) => name === 'x-request-id')) headers.push(['x-request-id', `probe-${probeId}`]);
    headers.push(['User-Agent', `${PROBE_USER_AGENT}/${probeId}`]);
    const request = { method: ask.method ?? 'GET', path: `${url.pathname}${url.search}`, headers, body: ask.body ?? '' };
    return this.#answer(await client.send(request), way.seat, probeId);
  }

  /** `count` requests, `atOnce` connections, each request on whichever connection is free. */
  async send(ask: Ask, count: number, atOnce: number): Promise<Answer[]> {
    const url = new URL(ask.url);
    const way = await wayOf(this.#live, ask, url);
    const answers: Answer[] = [];
    let left = count;
    const work = async (): Promise<void> => {
      let client = await way.open();
      try {
        while (left-- > 0) {
          if (!client.usable) {
            client[Symbol.dispose]();
            client = await way.open();
          }
          answers.push(await this.#one(client, way, ask, url));
        }
      } finally {
        client[Symbol.dispose]();
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work));
    return answers;
  }
}

/** Over a connection of its own, so that any method can be asked and every status is seen. */
const adminPage = async (live: LiveMesh, workload: string, path: string, method: string): Promise<Page> => {
  const { address } = seatOf(live, workload);
  using client = new HttpClient(await live.connect(address, ADMIN_PORT), '');
  return await client.send({ method, path, headers: [['Host', `${address}:${ADMIN_PORT}`]], body: '' });
};

const appPortOf = (live: LiveMesh, workload: string): number => {
  const { appPort } = seatOf(live, workload);
  if (appPort === undefined) throw new Error(`the program of ${workload} cannot be reached past its proxy`);
  return appPort;
};

const askProgram = async (live: LiveMesh, port: number, headers: Readonly<Record<string, string>>): Promise<Page> => {
  using client = new HttpClient(await live.connect('127.0.0.1', port), '');
  return await client.send({ method: 'GET', path: '/', headers: [['Host', 'program'], ...Object.entries(headers)], body: '' });
};

const dial = async (live: LiveMesh, from: string, to: string): Promise<Wire> => {
  const url = new URL(`http://${to}`);
  const { preface, connect } = await throughSidecar(live, from, url.hostname, Number(url.port || 80));
  return openWire(await connect(), preface);
};

/** Lets virtual time flow, a millisecond whenever nothing else can happen, until it is told to stop. */
const pump = (advance: (ms: number) => Promise<void>): (() => void) => {
  let over = false;
  const flow = async (): Promise<void> => {
    while (!over) {
      await advance(1);
      await new Promise(setImmediate);
    }
  };
  // Nobody awaits it: a world that cannot go on shows itself in the case that waits for it.
  flow().catch(() => {});
  return () => {
    over = true;
  };
};

/** How a case changes the mesh; each settles when every proxy has acknowledged. */
const changesOf = (
  live: LiveMesh,
  journal: Journal,
  records: ExchangeRecords,
): Pick<MeshUnderTest, 'apply' | 'remove' | 'clear' | 'refused'> => ({
  async apply(yaml) {
    journal.note('apply', yaml);
    const { problems, version } = await live.applyYaml(yaml);
    if (problems.length > 0) throw new Mismatch('applying the configuration', 'no problem', problems.join('; '));
    await barrier(live, version);
  },
  async remove(yaml) {
    journal.note('delete', yaml);
    await barrier(live, (await live.deleteYaml(yaml)).version);
  },
  async clear() {
    const documents = journal.takeApplied();
    records.forgetTurnedAway();
    // Together, as one change: what is already gone does not keep the rest.
    if (documents.length > 0) await barrier(live, (await live.deleteYaml(documents.join('---\n'))).version);
  },
  async refused(yaml) {
    journal.note('apply', yaml);
    return (await live.applyYaml(yaml)).problems;
  },
});

/** One view of a mesh for cases; the caller ends it. authorities: who signs for strangers. */
export const meshUnderTest = (live: LiveMesh, authorities?: Authorities): MeshUnderTest & Disposable => {
  const stopTime = live.advance === undefined ? () => {} : pump(live.advance);
  const records = new ExchangeRecords(live.exchanges);
  const caller = new Caller(live, records);
  const journal = new Journal(live, records);
  return {
    driver: live.driver,
    dataPlane: live.dataPlane,
    configuredBy: live.configuredBy,
    ...changesOf(live, journal, records),
    async send(ask) {
      const [answer] = await caller.send(ask, 1, 1);
      if (answer === undefined) throw new Error('invariant: one request, one answer');
      return answer;
    },
    sendMany: (ask, count) => caller.send(ask, count, AT_ONCE),
    sendInTurn: (ask, count) => caller.send(ask, count, 1),
    told: (workload, probe, side) => records.of(workload, probe, side === 'inbound'),
    turnedAway: (workload, text) => records.turnedAway(workload, text),
    dial: (from, to) => dial(live, from, to),
    reach: async (workload, port) => openWire(await live.connect(seatOf(live, workload).address, port), ''),
    shake: (workload, port, stranger) => shake(live, { address: seatOf(live, workload).address, port }, stranger, authorities),
    stat: async (workload, name) => readStat(await live.admin(workload, '/stats'), name),
    admin: async (workload, path) => JSON.parse(await live.admin(workload, path)),
    page: (workload, path, method = 'GET') => adminPage(live, workload, path, method),
    address: (workload) => seatOf(live, workload).address,
    vip: (host) => vipOf(live, host, 'default'),
    sync: () => live.sync(),
    programPort: (workload) => appPortOf(live, workload),
    program: (workload, headers) => askProgram(live, appPortOf(live, workload), headers),
    alone: (resources) => startLone(live, resources),
    wallTimeMs: live.wallTimeMs,
    openAds: live.openAds,
    ...(live.advance && { pass: live.advance }),
    ...(live.identity && { identity: live.identity }),
    ...(live.restartControlPlane && { restartControlPlane: live.restartControlPlane }),
    evidence: () => journal.evidence(),
    [Symbol.dispose]() {
      stopTime();
      records[Symbol.dispose]();
    },
  };
};
