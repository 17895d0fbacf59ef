/** Sends one request while the taps of both sidecars listen, and puts together what they heard of it. */
import { bytesOf, requestRecord } from '#labs';
import type { LoggedExchange, TrafficLog } from '#observability';
import type { LiveMesh, LiveWorkload } from '../live-mesh.ts';
import type { Sender, SendOrder } from '../sender.ts';
import type { SentAnswer, ShownCertificate, WireBytes, WireCapture, WireStory } from '../told.ts';

/** Where sidecars take calls of their programs, and of others. */
const [OUTBOUND_PORT, INBOUND_PORT] = [15001, 15006];
const MOST_CONNECTIONS = 32;
/** A connection that somebody else opened a moment before may carry the request; then it is sent again. */
const TRIES = 6;
const RECORD_WAIT_MS = 2_000;
const ASK_AGAIN_MS = 50;
const TIMEOUT_MS = 3_000;
const TLS_HEADER = 5;

interface Address {
  readonly address: string;
  readonly port: number;
}

interface Tapped {
  readonly side: 'accepted' | 'dialled';
  readonly local: Address;
  readonly remote: Address;
  readonly startedAtMs: number;
  readonly sent: WireBytes;
  readonly received: WireBytes;
}

/** What capturing needs. */
export interface WireRoom {
  readonly mesh: LiveMesh;
  readonly log: TrafficLog;
  readonly sender: Sender;
  readonly certificates: () => Promise<readonly ShownCertificate[]>;
}

const textOf = ({ address, port }: Address): string => `${address}:${port}`;
const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

const ask = async ({ adminUrl }: LiveWorkload, path: string, method: 'GET' | 'POST' = 'GET'): Promise<Response> =>
  fetch(new URL(path, adminUrl), { method, signal: AbortSignal.timeout(TIMEOUT_MS) });

const programPorts = async (workload: LiveWorkload): Promise<readonly number[]> => {
  const response = await ask(workload, '/clusters?format=json');
  const { cluster_statuses: clusters = [] } = (await response.json()) as {
    cluster_statuses?: { name: string; host_statuses?: { address?: { socket_address?: { port_value?: number } } }[] }[];
  };
  const inbound = clusters.filter(({ name }) => name.startsWith('inbound|')).flatMap(({ host_statuses: hosts = [] }) => hosts);
  return inbound.flatMap(({ address }) => address?.socket_address?.port_value ?? []);
};

/** Gives why that cannot be done; empty when the tap listens. */
const arm = async (workload: LiveWorkload, servicePort: number): Promise<string> => {
  const ports = [OUTBOUND_PORT, INBOUND_PORT, servicePort, ...(await programPorts(workload))].slice(0, 16);
  const response = await ask(workload, `/tap/arm?connections=${MOST_CONNECTIONS}&ports=${ports.join(',')}`, 'POST');
  return response.ok ? '' : (await response.text()).trim();
};

const disarm = ({ workloads }: LiveMesh): Promise<unknown> =>
  Promise.allSettled(workloads.map((workload) => ask(workload, '/tap/arm?connections=0&ports=1', 'POST')));

const heard = async (workload: LiveWorkload): Promise<readonly Tapped[]> =>
  ((await (await ask(workload, '/tap')).json()) as { connections: readonly Tapped[] }).connections;

interface Records {
  readonly caller: LoggedExchange;
  readonly callee: LoggedExchange;
}

/** The records of caller and callee; the second may come a moment after the first. */
const recordsOf = async (log: TrafficLog, requestId: string): Promise<Partial<Records>> => {
  const limit = performance.now() + RECORD_WAIT_MS;
  for (;;) {
    const all = log.request(requestId);
    const caller = all.find(({ side }) => side === 'outbound');
    const callee = all.find(
      ({ side, reporter, downstreamRemote }) => side === 'inbound' && reporter === caller?.to && downstreamRemote === caller.upstreamLocal,
    );
    if (callee !== undefined || performance.now() > limit) return { ...(caller && { caller }), ...(callee && { callee }) };
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
};

const cutAt = (bytes: WireBytes, end: number): WireBytes =>
  end >= bytes.total ? bytes : { kept: Buffer.from(bytes.kept, 'base64').subarray(0, end).toString('base64'), total: end };

/** The first request alone: the connection may have carried others since. The requests sent here have no body. */
const untilHeadEnds = (bytes: WireBytes): WireBytes => {
  const end = Buffer.from(bytes.kept, 'base64').indexOf('\r\n\r\n');
  return end < 0 ? bytes : cutAt(bytes, end + 4);
};

const untilRequestEnds = ({ sent, received }: Tapped): WireBytes => {
  const record = requestRecord(bytesOf(sent), bytesOf(received));
  return record === undefined ? untilHeadEnds(sent) : cutAt(sent, record.offset + TLS_HEADER + record.length);
};

/** Undefined when one of the three connections was open before the request came. */
const putTogether = async ({ workloads }: LiveMesh, { caller, callee }: Records): Promise<WireCapture | undefined> => {
  const [near, far] = [caller.reporter, callee.reporter].map((name) => workloads.find((workload) => workload.name === name));
  if (near === undefined || far === undefined) return undefined;
  const [atCaller, atCallee] = await Promise.all([heard(near), heard(far)]);
  const preface = ` ${portOf(caller.downstreamRemote)} ${portOf(caller.downstreamLocal)}\r\n`;
  const asked = atCaller.find(
    ({ side, local, received }) =>
      side === 'accepted' && local.port === OUTBOUND_PORT && Buffer.from(received.kept, 'base64').toString('latin1').includes(preface),
  );
  const dialled = atCaller.find(({ side, local }) => side === 'dialled' && textOf(local) === caller.upstreamLocal);
  const accepted = atCallee.find(({ side, remote }) => side === 'accepted' && textOf(remote) === caller.upstreamLocal);
  const delivered = atCallee.find(({ side, local }) => side === 'dialled' && textOf(local) === callee.upstreamLocal);
  if (!(asked && dialled && accepted && delivered)) return undefined;
  // Each pair by one clock: a connection that is older than the call was opened by another one.
  if (dialled.startedAtMs < asked.startedAtMs || delivered.startedAtMs < accepted.startedAtMs) return undefined;
  return {
    caller: caller.reporter,
    callee: callee.reporter,
    asked: untilHeadEnds(asked.received),
    sent: untilRequestEnds(dialled),
    received: dialled.received,
    ends: [textOf(dialled.local), textOf(dialled.remote)],
    isSameAtCallee: dialled.sent.kept === accepted.received.kept && dialled.sent.total === accepted.received.total,
    delivered: untilHeadEnds(delivered.sent),
  };
};

const UNHEARD = 'Other requests took every fresh connection first. Send it again, or stop the load for a moment.';
const ENVOY =
  'Envoy has no tap, so the bytes cannot be shown here. What both proxies told of the request is below; start the mesh with Dinghy’s proxies to see the bytes.';

const storyOf = async (
  { certificates }: WireRoom,
  { caller, callee }: Partial<Records>,
  found: Pick<WireStory, 'capture' | 'missing'>,
): Promise<WireStory> => ({
  ...found,
  callerProved: callee?.downstreamPeer ?? '',
  calleeProved: caller?.upstreamPeer ?? '',
  tls: callee?.downstreamTls ?? '',
  calledFrom: callee?.downstreamRemote ?? '',
  certificates: (await certificates()).filter(({ workload }) => workload === caller?.reporter || workload === callee?.reporter),
});

/** Why nobody can listen; empty when all taps do. */
const armAll = async ({ mesh }: WireRoom, servicePort: number): Promise<string> => {
  if (mesh.dataPlane !== 'dinghy') return ENVOY;
  const said = await Promise.all(mesh.workloads.map((workload) => arm(workload, servicePort)));
  return said.find((words) => words !== '') ?? '';
};

/** One request with its story: the order’s count is not looked at. */
export const sendOnWire = async (room: WireRoom, order: SendOrder): Promise<{ answers: readonly SentAnswer[]; story: WireStory }> => {
  const { mesh, log, sender } = room;
  const servicePort = URL.canParse(order.url) ? Number(new URL(order.url).port || '80') : 80;
  for (let left = TRIES; ; left--) {
    const deaf = await armAll(room, servicePort);
    const answers = await sender.send({ ...order, count: 1 });
    const records = await recordsOf(log, answers[0]?.requestId ?? '');
    if (deaf !== '') return { answers, story: await storyOf(room, records, { missing: deaf }) };
    const { caller, callee } = records;
    const capture = caller && callee ? await putTogether(mesh, { caller, callee }) : undefined;
    if (capture === undefined && callee !== undefined && left > 1) continue;
    await disarm(mesh);
    return { answers, story: await storyOf(room, records, capture === undefined ? { missing: UNHEARD } : { capture, missing: '' }) };
  }
};
