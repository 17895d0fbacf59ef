/** One try of an exchange: pick a host, borrow a connection, send, write down what came of it. */

import type { System } from '#system/system.ts';
import type { Hash64 } from '#system/xxh64.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { Attempt, StreamInfo } from '../http/stream-info.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { Host } from './host.ts';
import { ANY_HOST, type SubsetCriteria, type Wish } from './host-set.ts';
import { tellAnswer, tellEnd, tellFailure } from './outlier-detection/tell-outcome.ts';
import { transportFailure } from './pools/connect-failure.ts';

/** What a route asks of the pick. */
export interface HostChoice {
  /** How often a retry picks again when a host is not wanted; 0 = take the first pick. */
  readonly repicks: number;
  /** A host that was tried already by this exchange is not wanted for a retry. */
  readonly avoidsTried?: boolean;
  /** Nor is one for which any of these holds. */
  readonly avoids?: readonly ((host: Pick<Host, 'labels'>) => boolean)[];
  /** A retry leaves out priorities tried before; the set of those grows at every so many tries. */
  readonly leavesPrioritiesEvery?: number | undefined;
  /** What balancers that hash go by; undefined = nothing says it. */
  readonly hash?: ((request: HttpRequest, stream: StreamInfo) => Hash64 | undefined) | undefined;
  readonly subset?: SubsetCriteria | undefined;
  /** Default when absent. */
  readonly priority?: 'high';
}

/** What a try knows of the cluster that it is made on. */
interface AttemptRoom {
  readonly name: string;
  readonly system: System;
  readonly stats: ClusterStats;
  readonly hashes: boolean;
  pick(destination: StreamInfo['downstream']['local'], wish: Wish): Host | undefined;
}

const NO_HOST = { text: 'no healthy upstream', codeDetails: 'no_healthy_upstream' } as const;

const wasTried = (stream: StreamInfo, host: Host): boolean => {
  for (const tried of stream.attempts) if (tried.host === host.key) return true;
  return false;
};

/** Hosts that this exchange tried in this cluster; empty before a first try. */
const triedHosts = (cluster: AttemptRoom, stream: StreamInfo): string[] =>
  stream.attempts.flatMap((tried) => (tried.cluster === cluster.name && tried.host !== undefined ? [tried.host] : []));

const wishOf = (cluster: AttemptRoom, request: HttpRequest, stream: StreamInfo, choice: HostChoice): Wish => {
  const { hash, subset, leavesPrioritiesEvery: every } = choice;
  if (!hash && !subset && !every) return ANY_HOST;
  const tried = every ? triedHosts(cluster, stream) : [];
  return {
    attempt: 0,
    hash: hash && cluster.hashes ? hash(request, stream) : undefined,
    subset,
    ...(every && tried.length > 0 && { leftOut: { tried, every } }),
  };
};

const isUnwanted = (stream: StreamInfo, host: Host, { avoidsTried, avoids }: HostChoice): boolean =>
  (avoidsTried === true && wasTried(stream, host)) || (avoids?.some((avoid) => avoid(host)) ?? false);

const pickHost = (cluster: AttemptRoom, request: HttpRequest, stream: StreamInfo, choice: HostChoice): Host | undefined => {
  const { local } = stream.downstream;
  const wish = wishOf(cluster, request, stream, choice);
  let host = cluster.pick(local, wish);
  // Only retries are choosy.
  if (choice.repicks === 0 || stream.attempts.length === 0 || triedHosts(cluster, stream).length === 0) return host;
  for (let attempt = 1; host && attempt <= choice.repicks && isUnwanted(stream, host, choice); attempt++)
    host = cluster.pick(local, { ...wish, attempt });
  return host;
};

/** Nothing left this proxy, so no host was used. */
const forgetHost = (stream: StreamInfo, tried: Attempt): void => {
  const { host: _, ...rest } = tried;
  stream.attempts[stream.attempts.indexOf(tried)] = rest;
};

/** A deadline that passes while a request still waits for a connection says nothing of the host, nor does a client that leaves. */
const countFailure = (host: Host, error: unknown): void => {
  if (error instanceof StreamError && (error.unsent || error.flag === 'DC' || error.flag === 'UMSDR')) return;
  host.errors++;
  if (!(error instanceof StreamError)) return;
  if (error.flag === 'UT') host.timeouts++;
  if (host.outlier) tellFailure(host.outlier, error);
};

const failed = (cluster: AttemptRoom, stream: StreamInfo, tried: Attempt, error: unknown): void => {
  if (!(error instanceof StreamError)) return;
  tried.flag = error.flag;
  tried.details = error.codeDetails;
  tried.failedMs = cluster.system.clock.nowMs() - tried.startedAtMs;
  if (error.flag === 'UO' || error.flag === 'UH') forgetHost(stream, tried);
  const reason = transportFailure(error.cause);
  if (reason !== '') stream.upstreamFailure = reason.replaceAll(' ', '_');
  if (error.flag === 'UPE') cluster.stats.protocolErrors.value++;
};

/** Settles with the response head. Rejects with StreamError: UH nobody to pick, UO no room, UF no connection, UC and UPE a broken one. */
export const attempt = async (
  cluster: AttemptRoom,
  request: HttpRequest,
  stream: StreamInfo,
  choice: HostChoice,
): Promise<HttpResponse> => {
  const { stats, system } = cluster;
  const startedAtMs = system.clock.nowMs();
  const host = pickHost(cluster, request, stream, choice);
  if (host === undefined) {
    stream.attempts.push({ cluster: cluster.name, startedAtMs, flag: 'UH', details: NO_HOST.codeDetails, failedMs: 0 });
    stats.noneHealthy.value++;
    throw new StreamError('UH', NO_HOST);
  }
  const tried: Attempt = { cluster: cluster.name, host: host.key, startedAtMs };
  stream.attempts.push(tried);
  try {
    const pool = host.poolFor(request.authority, choice.priority, stream.downstream.protocol);
    if (pool === undefined) throw new StreamError('UH', { ...NO_HOST, unsent: true });
    const response = await pool.send(request, stream.signal);
    const { status, via } = response;
    tried.status = status;
    if (via) {
      tried.local = via.local;
      if (via.tls) tried.tls = via.tls;
      if (via.protocol) tried.protocol = via.protocol;
    }
    tried.headMs = system.clock.nowMs() - startedAtMs;
    stats.time.observe(tried.headMs);
    if (status >= 500) host.errors++;
    else host.successes++;
    const { outlier, check } = host;
    if (check && response.headers.has('x-envoy-immediate-health-check-fail')) check.failAtOnce();
    if (outlier) {
      tellAnswer(outlier, request, response);
      if (response.body.whole === undefined) tellEnd(outlier, stream, tried);
    }
    return response;
  } catch (error) {
    countFailure(host, error);
    failed(cluster, stream, tried, error);
    throw error;
  }
};
