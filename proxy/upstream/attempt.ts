/** One try of an exchange: pick a host, borrow a connection, send, write down what came of it. */

import type { System } from '#system/system.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { Attempt, StreamInfo } from '../http/stream-info.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { Host } from './host.ts';
import { tellAnswer, tellEnd, tellFailure } from './outlier-detection/tell-outcome.ts';
import { transportFailure } from './pools/connect-failure.ts';

/** What a route asks of the pick. */
export interface HostChoice {
  /** How often to pick again when a host was tried already by this exchange; 0 = take the first pick. */
  readonly repicks: number;
  /** Default when absent. */
  readonly priority?: 'high';
}

/** What a try knows of the cluster that it is made on. */
interface AttemptRoom {
  readonly name: string;
  readonly system: System;
  readonly stats: ClusterStats;
  pick(destination: StreamInfo['downstream']['local']): Host | undefined;
}

const NO_HOST = { text: 'no healthy upstream', codeDetails: 'no_healthy_upstream' } as const;

const wasTried = (stream: StreamInfo, host: Host): boolean => {
  for (const tried of stream.attempts) if (tried.host === host.key) return true;
  return false;
};

const pickHost = (cluster: AttemptRoom, stream: StreamInfo, choice: HostChoice): Host | undefined => {
  let host = cluster.pick(stream.downstream.local);
  for (let repick = 0; host && repick < choice.repicks && wasTried(stream, host); repick++) host = cluster.pick(stream.downstream.local);
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
  const host = pickHost(cluster, stream, choice);
  if (host === undefined) {
    stream.attempts.push({ cluster: cluster.name, startedAtMs, flag: 'UH', details: NO_HOST.codeDetails, failedMs: 0 });
    stats.noneHealthy.value++;
    throw new StreamError('UH', NO_HOST);
  }
  const tried: Attempt = { cluster: cluster.name, host: host.key, startedAtMs };
  stream.attempts.push(tried);
  try {
    const pool = host.poolFor(request.authority, choice.priority);
    if (pool === undefined) throw new StreamError('UH', { ...NO_HOST, unsent: true });
    const response = await pool.send(request, stream.signal);
    const { status, via } = response;
    tried.status = status;
    if (via) {
      tried.local = via.local;
      if (via.tls) tried.tls = via.tls;
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
